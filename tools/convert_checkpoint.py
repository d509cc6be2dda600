r"""Converts checkpoints of the authors' PyTorch code to models, and back.

    python -m hdgan.tools.convert_checkpoint \
        --generator=checkpoints/label2city/latest_net_G.pth --output=city.keras

reads the file without PyTorch and without running anything that it holds, works
out the architecture from the names and shapes of its tensors, says what it
found, and writes a model for synthesis, training and export.

    --discriminator=latest_net_D.pth    to train on; else it starts afresh
    --encoder=latest_net_E.pth          of a model with --instance_feat
    --style_clusters=features_clustered_010.npy
                                        styles to synthesize with
    --label_feat                        the encoder was trained with it
    --load_style_maps                     the generator was trained with it
    --nouse_instances                   trained with --no_instance
    --label_nc=0                        trained on RGB images

The way back needs PyTorch (`pip install torch`):

    python -m hdgan.tools.convert_checkpoint --to_pytorch --model=city.keras \
        --output=checkpoints/label2city

writes `latest_net_G.pth`, `latest_net_D.pth` and, with an encoder,
`latest_net_E.pth`.
"""

import pathlib

from absl import flags

from hdgan.command_line import program
from hdgan.data.files import replacing
from hdgan.models.model_file import load_model, save_model
from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.models.pix2pixhd.presets import PRESETS
from hdgan.models.pix2pixhd.pytorch_checkpoint import (
    describe,
    load_discriminator,
    load_encoder,
    load_generator,
    state_dict,
)
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.preprocessing.label_set import LabelSet
from hdgan.preprocessing.style_clusters import StyleClusters

# Channels of the style maps that `--load_style_maps` reads.
_LOADED_STYLE_CHANNELS = 3


def convert_from_pytorch(values):
    """Writes the model that the flags describe.

    Args:
        values: flags.

    Raises:
        ValueError: if a file can't be read, or the networks do not fit one
            another.
    """
    output = pathlib.Path(values.output)
    if output.exists():
        raise ValueError(
            f"--output={output} exists already. Choose another name, or remove "
            "it."
        )
    generator = load_generator(values.generator)
    _report("generator", values.generator, generator)
    encoder = None
    style_channels = _LOADED_STYLE_CHANNELS if values.load_style_maps else 0
    if values.encoder:
        encoder = load_encoder(
            values.encoder, "labels" if values.label_feat else "instances"
        )
        _report("encoder", values.encoder, encoder)
        style_channels = encoder.style_channels
    if generator.output_shape[-1] != 3:
        raise ValueError(
            f"{values.generator} makes images of {generator.output_shape[-1]} "
            "channels. Expected 3, red, green and blue: others are not "
            "supported."
        )
    condition = generator.input_shape[-1] - style_channels
    labels = _find_labels(values, condition, style_channels)
    discriminator, losses = _find_discriminator(values, generator, condition)
    _report(
        "discriminator",
        values.discriminator or "no file: with fresh weights, to train on",
        discriminator,
    )
    model = Pix2PixHD(
        generator,
        discriminator,
        encoder,
        labels=labels,
        use_instances=values.use_instances,
        losses=losses,
        style_clusters=_load_clusters(values, labels),
        preset=(
            "pix2pixhd_1024p"
            if isinstance(generator, LocalEnhancer)
            else "pix2pixhd_512p"
        ),
    )
    save_model(model, output)
    print(
        f"Input: {'RGB' if labels is None else f'{len(labels)} classes'}"
        f"{', boundary map' if values.use_instances else ''}"
        f"{f', {style_channels} channels of styles' if style_channels else ''}"
    )
    if values.label_nc is None and labels is not None and len(labels) == 3:
        print("If these 3 classes are an RGB image, convert with --label_nc=0.")
    print(f"Model: {output}")


def _find_discriminator(values, generator, condition):
    """Returns the discriminator, and the losses that it was trained with."""
    losses = PRESETS["pix2pixhd_512p"]["losses"]
    if values.discriminator:
        discriminator, feature_matching = load_discriminator(
            values.discriminator
        )
        if discriminator.input_channels != condition + 3:
            raise ValueError(
                f"{values.discriminator} takes "
                f"{discriminator.input_channels} channels. Expected "
                f"{condition + 3}: the {condition} of classes and boundary map "
                f"that {values.generator} takes, and 3 of the image. Are the "
                "files of one model, and --encoder or --load_style_maps right?"
            )
        if not feature_matching:
            losses = {**losses, "feature_matching_weight": 0.0}
    else:
        discriminator = MultiscaleDiscriminator(
            condition + 3,
            num_scales=3 if isinstance(generator, LocalEnhancer) else 2,
            name="discriminator",
        )
    return discriminator, losses


def convert_to_pytorch(values):
    """Writes a model's networks under the published names.

    Args:
        values: flags.

    Raises:
        ValueError: if the published code has no such networks, a file exists,
            or PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            "--to_pytorch needs PyTorch: pip install torch."
        ) from error
    model = load_model(values.model)
    networks = {
        "G": model.inference_generator,
        "D": model.discriminator,
        "E": model.encoder,
    }
    folder = pathlib.Path(values.output)
    states = {}
    for letter, network in networks.items():
        if network is None:
            continue
        path = folder / f"latest_net_{letter}.pth"
        if path.exists():
            raise ValueError(
                f"{path} exists already. Choose another --output, or remove it."
            )
        states[path] = state_dict(
            network, model.default_losses["feature_matching_weight"] > 0
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, state in states.items():
        tensors = {name: torch.tensor(state[name]) for name in state}
        with replacing(path) as temporary:
            torch.save(tensors, temporary)
        print(path)
    if model.average_generator is not None:
        print("The generator is the moving average, which synthesizes.")


def _find_labels(values, condition, style_channels):
    """Returns the `LabelSet`, or None for RGB input."""
    num_classes = condition - values.use_instances
    labels = None
    if values.labels_file:
        labels = LabelSet.load(values.labels_file)
    expected = values.label_nc
    if expected == 0:
        expected = 3  # Channels of an RGB image.
    elif expected is None and labels is not None:
        expected = len(labels)
    if num_classes < 1 or (expected is not None and expected != num_classes):
        raise ValueError(
            f"The generator takes {condition + style_channels} channels: "
            f"{style_channels} of styles, {int(values.use_instances)} of the "
            f"boundary map, and so {num_classes} of classes. Expected "
            f"{expected or 'at least 1'}. Look at --label_nc, --labels_file, "
            "--encoder, --load_style_maps and --nouse_instances."
        )
    if values.label_nc == 0:
        return None
    return labels or LabelSet.numbered(num_classes)


def _load_clusters(values, labels):
    if not values.style_clusters:
        return None
    clusters = StyleClusters.load(values.style_clusters)
    if labels is not None and max(clusters.centers) >= len(labels):
        raise ValueError(
            f"{values.style_clusters} has clusters of the class "
            f"{max(clusters.centers)}, but the model has {len(labels)} "
            "classes. Are they those of this model?"
        )
    print(f"style clusters: {values.style_clusters}")
    print(f"  of the classes {', '.join(map(str, clusters.centers))}")
    return clusters


def _report(name, file, network):
    print(f"{name}: {file}")
    print(f"  {describe(network)}")
    print(f"  {network.count_params():,} parameters")


def _check_flags(values):
    for name, given in (
        ("label_feat", values.label_feat and not values.encoder),
        ("load_style_maps", values.load_style_maps and values.encoder),
        ("discriminator", values.discriminator and values.to_pytorch),
        ("encoder", values.encoder and values.to_pytorch),
        ("style_clusters", values.style_clusters and values.to_pytorch),
    ):
        if given:
            raise ValueError(
                f"--{name} does not go with the other flags: --label_feat is "
                "of an --encoder, --load_style_maps of a model without one, "
                "and --to_pytorch takes all from --model. Leave it out."
            )


def main():
    values = flags.FLAGS
    _check_flags(values)
    needed, other = ("model", "generator")
    if not values.to_pytorch:
        needed, other = other, needed
    if not values[needed].value or values[other].value:
        raise ValueError(
            "Expected --generator=FILE to convert from PyTorch, or "
            "--to_pytorch --model=FILE to convert to it."
        )
    if values.to_pytorch:
        convert_to_pytorch(values)
    else:
        convert_from_pytorch(values)


if __name__ == "__main__":
    flags.DEFINE_string("generator", None, "latest_net_G.pth.")
    flags.DEFINE_string("discriminator", None, "latest_net_D.pth.")
    flags.DEFINE_string("encoder", None, "latest_net_E.pth.")
    flags.DEFINE_string(
        "style_clusters",
        None,
        "Style clusters, such as features_clustered_010.npy.",
    )
    flags.DEFINE_bool(
        "label_feat", False, "The encoder takes means over classes."
    )
    flags.DEFINE_bool(
        "load_style_maps", False, "The generator takes loaded style maps."
    )
    flags.DEFINE_integer(
        "label_nc", None, "Number of classes, to be checked; 0: RGB input."
    )
    flags.DEFINE_string("labels_file", None, "Names and colors of the classes.")
    flags.DEFINE_bool("use_instances", True, "There is a boundary map.")
    flags.DEFINE_bool("to_pytorch", False, "Convert the other way.")
    flags.DEFINE_string("model", None, "Model or run folder to convert.")
    flags.DEFINE_string(
        "output",
        None,
        "Model to write; with --to_pytorch the folder.",
        required=True,
    )
    program.run(main)
