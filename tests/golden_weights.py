"""Loads golden files and assigns their PyTorch weights to Keras networks."""

import json
import pathlib
import re

import keras
import numpy as np

FOLDER = pathlib.Path(__file__).parent / "golden"


def load(name):
    """Returns the arrays of a golden file.

    Images and maps are converted to channels last. Weights and gradients keep
    PyTorch's axes. `config` is a dict.

    Args:
        name: str, the file's name without `.npz`.
    """
    arrays = dict(np.load(FOLDER / f"{name}.npz"))
    arrays["config"] = json.loads(str(arrays["config"]))
    for key, array in arrays.items():
        if key[:2] not in ("w/", "g/") and getattr(array, "ndim", 0) == 4:
            arrays[key] = array.transpose(0, 2, 3, 1)
    return arrays


def to_keras(kernel):
    """Transposes a PyTorch kernel to Keras' axes.

    Args:
        kernel: 4D array, of a convolution or a transposed convolution.
    """
    return kernel.transpose(2, 3, 1, 0)


def assign(network, arrays):
    """Assigns the weights `w/...` of a golden file to a network.

    Args:
        network: Keras network with as many convolutions as the file.
        arrays: dict of arrays, as from `load`.

    Returns:
        Dict from PyTorch's name, without `.weight`, to the convolution layer.
    """
    names = _names(arrays)
    layers = convolutions(network)
    assert len(names) == len(layers)
    for name, layer in zip(names, layers, strict=True):
        layer.kernel.assign(to_keras(arrays[f"w/{name}.weight"]))
        layer.bias.assign(arrays[f"w/{name}.bias"])
    return dict(zip(names, layers, strict=True))


def convolutions(layer):
    """Returns all convolutions inside a layer, from input to output.

    The convolutions of local enhancers follow those of the global generator,
    coarsest enhancer first.
    """
    if hasattr(layer, "kernel"):
        return [layer]
    if isinstance(layer, keras.Model):
        # Keras sorts a model's layers by depth, which interleaves enhancers.
        children = sorted(layer.layers, key=_enhancer)
    else:
        children = next(
            (
                getattr(layer, attribute)
                for attribute in ("sequence", "stages", "scales")
                if hasattr(layer, attribute)
            ),
            [],
        )
    return [found for child in children for found in convolutions(child)]


def _enhancer(layer):
    if layer.name in ("output", "image"):
        return float("inf")
    match = re.match(r"enhancer_(\d+)_", layer.name)
    return int(match[1]) if match else 0


def _names(arrays):
    names = [
        key.removeprefix("w/").removesuffix(".weight")
        for key in arrays
        if key.startswith("w/") and key.endswith(".weight")
    ]
    return sorted(names, key=_order)


def _order(name):
    """Returns a sort key: `model.*` before `model1_*`, coarse scales last.

    PyTorch numbers the scales of a discriminator from the coarsest.
    """
    prefix, rest = name.split(".", 1)
    first = [int(number) for number in re.findall(r"\d+", prefix)]
    if prefix.startswith("scale"):
        first[0] = -first[0]
    return first, [int(number) for number in re.findall(r"\d+", rest)]
