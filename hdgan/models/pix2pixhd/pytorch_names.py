"""Names of the original PyTorch code for the layers of the networks."""

import keras

from hdgan.layers import (
    CroppedConv2DTranspose,
    PaddedConv2D,
    ResidualBlock,
)
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator

# PyTorch's names of a layer's parameters, and the attributes here.
PARAMETERS = {
    PaddedConv2D: {"weight": "kernel", "bias": "bias"},
    CroppedConv2DTranspose: {"weight": "kernel", "bias": "bias"},
    keras.layers.BatchNormalization: {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
}


def named_layers(network, feature_matching=True):
    """Returns a network's layers with weights and their original names.

    Args:
        network: `GlobalGenerator`, `LocalEnhancer`, `InstanceEncoder` or
            `MultiscaleDiscriminator`.
        feature_matching: bool, whether the discriminator was trained with
            feature matching. The original code names its layers accordingly.
            Defaults to True.

    Returns:
        List of `(name, layer)` in PyTorch's order, such as `("model.1", ...)`.

    Raises:
        ValueError: if the original code has no such network.
    """
    known = (
        GlobalGenerator,
        LocalEnhancer,
        InstanceEncoder,
        MultiscaleDiscriminator,
    )
    if not isinstance(network, known):
        raise ValueError(
            "The original PyTorch code of pix2pixHD has no "
            f"{type(network).__name__}. Expected one of "
            f"{', '.join(kind.__name__ for kind in known)}."
        )
    if getattr(network, "spectral_norm", False) or network.norm == "none":
        raise ValueError(
            f"The {network.name} has spectral norm, or no norm at all, which "
            "the original PyTorch code of pix2pixHD does not have. Expected "
            "instance or batch norm."
        )
    if getattr(network, "upsampling", "transposed") != "transposed":
        raise ValueError(
            f"The {network.name} has upsampling={network.upsampling!r}, which "
            "the original PyTorch code of pix2pixHD does not have. Expected "
            "'transposed': train a model with that to write it for PyTorch."
        )
    if isinstance(network, LocalEnhancer):
        return _enhancer_layers(network)
    if isinstance(network, MultiscaleDiscriminator):
        return _discriminator_layers(network, feature_matching)
    return _numbered("model", _blocks(network))


def _enhancer_layers(network):
    inner = network.get_layer("global_features")
    # The global generator without its output convolution.
    named = _numbered("model", _blocks(inner))
    for k in range(1, network.num_enhancers + 1):
        prefix = f"enhancer_{k}_"
        blocks = _blocks(network, prefix)
        named += _numbered(f"model{k}_1", blocks[:2])
        rest = blocks[2:]
        if k == network.num_enhancers:
            rest.append(network.get_layer("output"))
        named += _numbered(f"model{k}_2", rest)
    return named


def _discriminator_layers(network, feature_matching):
    scales = network.get_layer("multiscale").scales
    named = []
    # Numbered backward: scale 0 is the coarsest.
    for number, scale in enumerate(reversed(scales)):
        if feature_matching:
            for index, stage in enumerate(scale.stages):
                named += _numbered(f"scale{number}_layer{index}", [stage])
        else:
            named += _numbered(f"layer{number}", scale.stages)
    return named


def _blocks(network, prefix=""):
    """Returns the blocks whose names start with a prefix, in graph order."""
    return [
        layer
        for layer in network.layers
        if hasattr(layer, "sequence") and layer.name.startswith(prefix)
    ]


def _numbered(prefix, blocks):
    """Numbers the layers of blocks as PyTorch's `Sequential` does."""
    entries = []
    for block in blocks:
        is_entry = isinstance(block, ResidualBlock)
        entries += [block] if is_entry else block.sequence
    return _number(prefix, entries)


def _number(prefix, entries):
    entries = [e for e in entries if not isinstance(e, keras.layers.Identity)]
    named = []
    number = -1
    for entry in entries:
        # In PyTorch, reflection padding is a layer of its own; zeros are not.
        is_reflected = getattr(entry, "pad_mode", None) == "reflect"
        number += 2 if is_reflected else 1
        name = f"{prefix}.{number}"
        if isinstance(entry, ResidualBlock):
            named += _number(f"{name}.conv_block", entry.sequence)
        elif type(entry) in PARAMETERS:
            named.append((name, entry))
    return named
