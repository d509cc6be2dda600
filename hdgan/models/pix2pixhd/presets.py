"""The models by name: the numbers of each, and how networks follow from them.

`base_width` is the width at the output's resolution: a global generator inside
n enhancers has `base_width * 2 ** n`.
"""

import math

PRESETS = {
    # Wang et al., 2018: the global generator, 1024x512.
    "pix2pixhd_512p": {
        "generator": "global",
        "base_width": 64,
        "num_downsamplings": 4,
        "num_blocks": 9,
        "dropout_rate": 0.0,
        "norm": "instance",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "spectral_norm": False,
        "encoder_width": 16,
        "encoder_downsamplings": 4,
        "style_channels": 3,
        "losses": {
            "adversarial_loss": "least_squares",
            "feature_matching_weight": 10.0,
            "perceptual_weight": 10.0,
            "l1_weight": 0.0,
        },
    },
    # Wang et al., 2018: one local enhancer around it, 2048x1024.
    "pix2pixhd_1024p": {
        "generator": "local",
        "base_width": 32,
        "num_downsamplings": 4,
        "num_blocks": 9,
        "num_enhancers": 1,
        "num_local_blocks": 3,
        "dropout_rate": 0.0,
        "norm": "instance",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        "num_scales": 3,
        "spectral_norm": False,
        "encoder_width": 16,
        "encoder_downsamplings": 4,
        "style_channels": 3,
        "losses": {
            "adversarial_loss": "least_squares",
            "feature_matching_weight": 10.0,
            "perceptual_weight": 10.0,
            "l1_weight": 0.0,
        },
    },
    # Isola et al., 2017: U-Net, 70x70 PatchGAN and L1, the baseline.
    "pix2pix_256": {
        "generator": "unet",
        "base_width": 64,
        "num_downsamplings": 8,
        "dropout_rate": 0.5,
        "norm": "instance",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        "num_scales": 1,
        "spectral_norm": False,
        "encoder_width": 16,
        "encoder_downsamplings": 4,
        "style_channels": 3,
        "losses": {
            "adversarial_loss": "non_saturating",
            "feature_matching_weight": 0.0,
            "perceptual_weight": 0.0,
            "l1_weight": 100.0,
        },
    },
    # For tests, demonstrations and first tries on a processor.
    "tiny": {
        "generator": "global",
        "base_width": 16,
        "num_downsamplings": 3,
        "num_blocks": 4,
        "dropout_rate": 0.0,
        "norm": "instance",
        "discriminator_width": 16,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "spectral_norm": False,
        "encoder_width": 8,
        "encoder_downsamplings": 3,
        "style_channels": 3,
        "losses": {
            "adversarial_loss": "least_squares",
            "feature_matching_weight": 10.0,
            "perceptual_weight": 10.0,
            "l1_weight": 0.0,
        },
    },
}

# Where the styles come from that join the generator's condition.
STYLES = (None, "instances", "labels", "loaded")


def resolve_preset(name, **overrides):
    """Returns a preset's numbers with some of them replaced.

    Args:
        name: key of `PRESETS`.
        **overrides: values by key of that preset; None leaves the preset's.

    Raises:
        ValueError: if there is no such preset, or no such key in it.
    """
    if name not in PRESETS:
        raise ValueError(
            f"There is no preset {name!r}. The presets are: "
            f"{', '.join(PRESETS)}"
        )
    unknown = sorted(set(overrides) - set(PRESETS[name]))
    if unknown:
        raise ValueError(
            f"The preset {name!r} has no {', '.join(unknown)}. It has: "
            f"{', '.join(PRESETS[name])}"
        )
    given = {k: v for k, v in overrides.items() if v is not None}
    return {**PRESETS[name], **given}


def build_networks(numbers, condition_channels, styles=None, dtype=None):
    """Makes the networks of a preset.

    Args:
        numbers: dict, as `resolve_preset` returns it.
        condition_channels: int, channels of the coded label map: classes and
            boundary map.
        styles: what the generator takes `style_channels` more channels from:
            `"instances"`, an encoder's mean per instance; `"labels"`, its mean
            per class; `"loaded"`, a style map that comes with the data; None,
            nothing.
        dtype: policy of the layers; None is the global one.

    Returns:
        Generator, discriminator, and encoder or None.

    Raises:
        ValueError: if `styles` is unknown, or the number of their channels not
            an integer >= 1.
    """
    # Here and below: importing the presets must not import Keras.
    from hdgan.networks.instance_encoder import InstanceEncoder
    from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
    from hdgan.networks.network import check_positive

    if styles not in STYLES:
        raise ValueError(
            f"`styles` must be one of {STYLES}. Received: {styles!r}"
        )
    encoder = None
    style_channels = 0
    if styles is not None:
        style_channels = numbers["style_channels"]
        check_positive(style_channels=style_channels)
    if styles in ("instances", "labels"):
        encoder = InstanceEncoder(
            numbers["encoder_width"],
            numbers["encoder_downsamplings"],
            style_channels,
            norm=numbers["norm"],
            regions=styles,
            dtype=dtype,
            name="encoder",
        )
    discriminator = MultiscaleDiscriminator(
        condition_channels + 3,
        numbers["discriminator_width"],
        numbers["num_discriminator_layers"],
        numbers["num_scales"],
        numbers["norm"],
        numbers["spectral_norm"],
        dtype=dtype,
        name="discriminator",
    )
    generator = _build_generator(
        numbers, condition_channels + style_channels, dtype
    )
    return generator, discriminator, encoder


def size_multiple(generator, encoder=None):
    """Returns the number that each side of an image must be a multiple of."""
    if encoder is None:
        return generator.size_multiple
    return math.lcm(generator.size_multiple, 2**encoder.num_downsamplings)


def _build_generator(numbers, input_channels, dtype):
    from hdgan.networks.global_generator import GlobalGenerator
    from hdgan.networks.local_enhancer import LocalEnhancer
    from hdgan.networks.unet_generator import UNetGenerator

    options = {
        "norm": numbers["norm"],
        "dropout_rate": numbers["dropout_rate"],
        "dtype": dtype,
    }
    if numbers["generator"] == "unet":
        return UNetGenerator(
            input_channels,
            numbers["base_width"],
            numbers["num_downsamplings"],
            name="generator",
            **options,
        )
    num_enhancers = numbers.get("num_enhancers", 0)
    coarse = GlobalGenerator(
        input_channels,
        numbers["base_width"] * 2**num_enhancers,
        numbers["num_downsamplings"],
        numbers["num_blocks"],
        name="global_generator" if num_enhancers else "generator",
        **options,
    )
    if not num_enhancers:
        return coarse
    return LocalEnhancer(
        coarse, num_enhancers, numbers["num_local_blocks"], name="generator"
    )
