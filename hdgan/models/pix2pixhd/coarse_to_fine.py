"""Coarse-to-fine training: doubles the resolution of a trained model."""

from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator


def enlarge(model, num_blocks=None, ema_decay=None, dtype=None):
    """Adds a new local enhancer to a trained model.

    Wang et al., 2018, section 3.2, "coarse-to-fine generator". The new model
    keeps these weights:

    - The generator, or its moving average if there is one, without its output
      layer. The enhancer around it has half its width.
    - Each scale of the discriminator, at the same image resolution as before.
      A new scale at the doubled resolution starts from initial weights.
    - The encoder. Style clusters are dropped, because further training changes
      the styles that the encoder finds.

    Args:
        model: `Pix2PixHD` with a `GlobalGenerator` or a `LocalEnhancer`.
        num_blocks: int >= 1, number of residual blocks of the enhancer.
            Defaults to None: the number in the model's enhancers, or 3 if it
            has none.
        ema_decay: float in (0, 1), decay of the new model's moving average.
            Defaults to None: the model's decay, if it has a moving average.
        dtype: Keras dtype policy of the new model's layers. Defaults to None:
            the policy of `model`.

    Returns:
        A new `Pix2PixHD`, not compiled, with copies of the weights.

    Raises:
        ValueError: if the generator is of another class, its width can't be
            halved, or `num_blocks` differs from the model's enhancers.

    Example:
        >>> fine = enlarge(hdgan.load_model("coarse.keras"))
        >>> fine.compile(weights_to_train="outermost_enhancer")
    """
    inner = model.inference_generator
    if isinstance(inner, LocalEnhancer):
        config = inner.get_config()["global_generator"]["config"]
        num_enhancers = inner.num_enhancers + 1
        if num_blocks not in (None, inner.num_blocks):
            raise ValueError(
                f"The enhancers of this model have {inner.num_blocks} residual "
                "blocks, and the new one must have the same number. Received: "
                f"num_blocks={num_blocks}"
            )
        num_blocks = inner.num_blocks
    elif isinstance(inner, GlobalGenerator):
        config = inner.get_config()
        num_enhancers = 1
    else:
        raise ValueError(
            "Only a model with a GlobalGenerator or a LocalEnhancer can be "
            f"enlarged. Received: a model with a {type(inner).__name__}."
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
