"""Whole models from and to the checkpoints of the original PyTorch code."""

import dataclasses
import os
import pathlib
import typing

from hdgan.data.files import replacing
from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.models.pix2pixhd.pytorch_checkpoint import (
    load_discriminator,
    load_encoder,
    load_generator,
    state_dict,
)
from hdgan.models.presets import resolve_preset
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.preprocessing.label_set import LabelSet
from hdgan.preprocessing.scene_preprocessing import PHOTO_CHANNELS
from hdgan.preprocessing.style_clusters import StyleClusters
from hdgan.training.loss_terms import change_losses, make_losses

# Channels of the style maps that `--load_style_maps` reads.
_LOADED_STYLE_CHANNELS = 3


@dataclasses.dataclass(frozen=True)
class PyTorchFiles:
    """The files of a PyTorch model, and what they don't say of its training.

    Args:
        generator: path of `latest_net_G.pth`.
        discriminator: path of `latest_net_D.pth`. Defaults to None, a new
            discriminator.
        encoder: path of `latest_net_E.pth`. Defaults to None, no encoder.
        encoder_regions: `"instances"` or `"labels"`, the regions that the
            encoder averages over. Defaults to `"instances"`.
        style_clusters: path of style clusters, such as
            `features_clustered_010.npy`. Defaults to None.
        use_style_maps: bool, whether the generator takes style maps from files.
            Defaults to False.
        use_instances: bool, whether the generator takes a boundary map, as it
            does unless it was trained with `--no_instance`. Defaults to None:
            `num_classes` or `labels` decides.
        num_classes: int, the number of classes (`--label_nc`); 0 means RGB
            input. Defaults to None: `labels` or `use_instances` decides.
        labels: `LabelSet`. Defaults to None, numbered classes.
    """

    generator: str | os.PathLike
    discriminator: str | os.PathLike | None = None
    encoder: str | os.PathLike | None = None
    encoder_regions: str = "instances"
    style_clusters: str | os.PathLike | None = None
    use_style_maps: bool = False
    use_instances: bool | None = None
    num_classes: int | None = None
    labels: LabelSet | None = None


def model_from_pytorch(files):
    """Makes a model from PyTorch checkpoints, without PyTorch.

    Args:
        files: `PyTorchFiles`.

    Returns:
        `Pix2PixHD`.

    Raises:
        ValueError: if a file can't be read, the networks don't fit one
            another, or the generator's input channels can be classes and a
            boundary map, but classes alone or an RGB image as well.

    Example:
        >>> files = PyTorchFiles("latest_net_G.pth", num_classes=35)
        >>> model = model_from_pytorch(files)
    """
    generator = load_generator(files.generator)
    encoder = None
    style_channels = _LOADED_STYLE_CHANNELS if files.use_style_maps else 0
    if files.encoder:
        encoder = load_encoder(files.encoder, files.encoder_regions)
        style_channels = encoder.style_channels
    if generator.output_shape[-1] != 3:
        raise ValueError(
            f"{files.generator} makes images of {generator.output_shape[-1]} "
            "channels. Expected 3, red, green and blue: others are not "
            "supported."
        )
    condition = generator.input_shape[-1] - style_channels
    inputs = _find_inputs(files, condition, style_channels)
    labels = None
    if inputs.num_classes:
        labels = files.labels or LabelSet.numbered(inputs.num_classes)
    is_enhanced = isinstance(generator, LocalEnhancer)
    losses = make_losses(resolve_preset("pix2pixhd_512p")["losses"])
    if files.discriminator:
        discriminator, losses = _load_discriminator(files, condition, losses)
    else:
        discriminator = MultiscaleDiscriminator(
            condition + PHOTO_CHANNELS,
            num_scales=3 if is_enhanced else 2,
            name="discriminator",
        )
    return Pix2PixHD(
        generator,
        discriminator,
        encoder,
        labels=labels,
        use_instances=inputs.use_instances,
        losses=losses,
        style_clusters=_load_clusters(files, labels),
        preset="pix2pixhd_1024p" if is_enhanced else "pix2pixhd_512p",
    )


def write_pytorch(model, folder):
    """Writes a model's networks as PyTorch checkpoints; needs PyTorch.

    Args:
        model: `Pix2PixHD`. Its moving average is written, if there is one.
        folder: path of the folder to write `latest_net_G.pth`,
            `latest_net_D.pth` and, with an encoder, `latest_net_E.pth` to.

    Returns:
        List of paths of the written files.

    Raises:
        ValueError: if the original code has no such networks, a file exists,
            or PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            "Writing PyTorch checkpoints needs PyTorch: pip install torch."
        ) from error
    networks = {
        "G": model.inference_generator,
        "D": model.discriminator,
        "E": model.encoder,
    }
    folder = pathlib.Path(folder)
    states = {}
    for letter, network in networks.items():
        if network is None:
            continue
        path = folder / f"latest_net_{letter}.pth"
        if path.exists():
            raise ValueError(
                f"{path} exists already. Choose another --output, or remove it."
            )
        states[path] = state_dict(network, _matches_features(model))
    folder.mkdir(parents=True, exist_ok=True)
    for path, state in states.items():
        tensors = {name: torch.tensor(state[name]) for name in state}
        with replacing(path) as temporary:
            torch.save(tensors, temporary)
    return list(states)


def _matches_features(model):
    """Returns whether the model is trained with feature matching."""
    return any(
        term.name == "feature_matching" and term.is_active
        for term in model.default_losses()
    )


def _load_discriminator(files, condition, losses):
    """Returns the discriminator, and the losses that it was trained with."""
    discriminator, feature_matching = load_discriminator(files.discriminator)
    expected = condition + PHOTO_CHANNELS
    if discriminator.input_channels != expected:
        raise ValueError(
            f"{files.discriminator} takes {discriminator.input_channels} "
            f"channels. Expected {expected}: the {condition} of classes "
            f"and boundary map that {files.generator} takes, and 3 of the "
            "image. Check that the files belong to one model, and --encoder "
            "and --load_style_maps."
        )
    if not feature_matching:
        losses = change_losses(losses, {"feature_matching": 0.0})
    return discriminator, losses


class _Inputs(typing.NamedTuple):
    """A meaning that the input channels of a generator can have."""

    num_classes: int
    use_instances: bool

    def __str__(self):
        kind = f"{self.num_classes} classes" if self.num_classes else "RGB"
        maps = "and a boundary map" if self.use_instances else "alone"
        flag = "use_instances" if self.use_instances else "nouse_instances"
        return f"{kind} {maps} (--label_nc={self.num_classes} --{flag})"


def _find_inputs(files, condition, style_channels):
    """Returns the `_Inputs` that fit the files and what is said of them."""
    possible = []
    for use_instances in (True, False):
        channels = condition - use_instances
        if channels == PHOTO_CHANNELS:
            possible.append(_Inputs(0, use_instances))
        if channels > 0:
            possible.append(_Inputs(channels, use_instances))
    num_classes = files.num_classes
    if num_classes is None and files.labels is not None:
        num_classes = len(files.labels)
    fitting = [
        inputs
        for inputs in possible
        if num_classes in (None, inputs.num_classes)
        and files.use_instances in (None, inputs.use_instances)
    ]
    if len(fitting) == 1:
        return fitting[0]
    found = f"{files.generator} takes {condition} channels"
    if style_channels:
        found += f" beside {style_channels} of styles"
    if fitting:
        raise ValueError(
            f"{found} and does not say which: {', or '.join(map(str, fitting))}"
            ". Pass the flags of the one that it was trained on; in Python, "
            "`num_classes` and `use_instances`."
        )
    raise ValueError(
        f"{found}: {', or '.join(map(str, possible)) or 'too few'}. Received: "
        f"label_nc={num_classes}, use_instances={files.use_instances}. Check "
        "--label_nc, --labels_file, --use_instances, --encoder and "
        "--load_style_maps."
    )


def _load_clusters(files, labels):
    if not files.style_clusters:
        return None
    clusters = StyleClusters.load(files.style_clusters)
    if labels is not None and max(clusters.centers) >= len(labels):
        raise ValueError(
            f"{files.style_clusters} has clusters of the class "
            f"{max(clusters.centers)}, but the model has {len(labels)} "
            "classes. Check that the file belongs to this model."
        )
    return clusters
