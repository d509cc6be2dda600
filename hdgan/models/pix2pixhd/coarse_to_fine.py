"""From a trained model to one of twice the resolution."""

from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator


def enlarge(model, num_blocks=None, ema_decay=None, dtype=None):
    """Puts a fresh local enhancer around a trained generator.

    The generator (its moving average, where there is one) loses its output
    layer and gains an enhancer of half its width. The discriminator gains a
    fresh scale at the new full resolution; each other scale goes on at the
    resolution that it had. The encoder goes on as it is; style clusters do not,
    as it will be trained on. Wang et al., 2018, section 3.2, "coarse-to-fine".

    Args:
        model: `Pix2PixHD` with a `GlobalGenerator` or a `LocalEnhancer`.
        num_blocks: int, residual blocks of the enhancer; None is 3, or those
            of the enhancers that there are already.
        ema_decay: float, of the new model's moving average; None is that of the
            old model, if it has one.
        dtype: policy of the new model's layers; None is that of the old.

    Returns:
        A new `Pix2PixHD`, not compiled, with copies of the weights.

    Raises:
        ValueError: if the generator is of another kind, its width can't be
            halved once more, or its enhancers have other numbers of blocks.
    """
    inner = model.inference_generator
    if isinstance(inner, LocalEnhancer):
        config = inner.get_config()["global_generator"]["config"]
        num_enhancers = inner.num_enhancers + 1
        if num_blocks not in (None, inner.num_blocks):
            raise ValueError(
                f"The enhancers of this model have {inner.num_blocks} residual "
                f"blocks, and so has the next. Received: {num_blocks}"
            )
        num_blocks = inner.num_blocks
    elif isinstance(inner, GlobalGenerator):
        config = inner.get_config()
        num_enhancers = 1
    else:
        raise ValueError(
            "A local enhancer goes around a GlobalGenerator or LocalEnhancer. "
            f"Received: a model with a {type(inner).__name__}."
        )
    changes = {"name": "global_generator"}
    if dtype is not None:
        changes["dtype"] = dtype
    generator = LocalEnhancer(
        GlobalGenerator.from_config({**config, **changes}),
        num_enhancers,
        num_blocks or 3,
        name="generator",
    )
    changes = {} if dtype is None else {"dtype": dtype}
    config = model.discriminator.get_config()
    discriminator = MultiscaleDiscriminator.from_config(
        {**config, **changes, "num_scales": config["num_scales"] + 1}
    )
    encoder = None
    if model.encoder is not None:
        encoder = type(model.encoder).from_config(
            {**model.encoder.get_config(), **changes}
        )
        encoder.set_weights(model.encoder.get_weights())
    _copy_generator(inner, generator)
    _copy_scales(model.discriminator, discriminator)
    return Pix2PixHD(
        generator,
        discriminator,
        encoder,
        labels=model.labels,
        use_instances=model.use_instances,
        ema_decay=ema_decay or model.ema_decay,
        losses=model.default_losses(),
        preset="pix2pixhd_1024p",
    )


def _copy_generator(inner, generator):
    if isinstance(inner, GlobalGenerator):
        layers = [inner.features()]
    else:
        layers = [layer for layer in inner.layers if layer.name != "output"]
    for layer in layers:
        generator.get_layer(layer.name).set_weights(layer.get_weights())


def _copy_scales(coarse, fine):
    coarse = coarse.get_layer("multiscale").scales
    fine = fine.get_layer("multiscale").scales
    for old, new in zip(coarse, fine[1:], strict=True):
        new.set_weights(old.get_weights())
