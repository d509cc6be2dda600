"""Gives a network the weights of a golden array, under PyTorch's names."""

import json
import pathlib
import re

import keras
import numpy as np

FOLDER = pathlib.Path(__file__).parent / "golden"


def load(name):
    """Returns a golden file's arrays, images and maps channels last.

    Weights and gradients stay as PyTorch has them; `config` is a dict.
    """
    arrays = dict(np.load(FOLDER / f"{name}.npz"))
    arrays["config"] = json.loads(str(arrays["config"]))
    for key, array in arrays.items():
        if key[:2] not in ("w/", "g/") and getattr(array, "ndim", 0) == 4:
            arrays[key] = array.transpose(0, 2, 3, 1)
    return arrays


def to_keras(kernel):
    """Turns a PyTorch kernel, transposed convolution or not, into Keras'."""
    return kernel.transpose(2, 3, 1, 0)


def assign(network, arrays):
    """Gives the network the weights `w/...` of a golden file.

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

    Enhancers come after what is inside them, from the coarsest on.
    """
    if hasattr(layer, "kernel"):
        return [layer]
    if isinstance(layer, keras.Model):
        # A model's layers are sorted by depth, which mixes the enhancers.
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
    """Sorts `model.*`, then `model1_1.*`, `model1_2.*`; scales backwards."""
    prefix, rest = name.split(".", 1)
    first = [int(number) for number in re.findall(r"\d+", prefix)]
    if prefix.startswith("scale"):
        first[0] = -first[0]
    return first, [int(number) for number in re.findall(r"\d+", rest)]
