"""Files of random VGG19 weights, those of the golden array."""

import keras
import numpy as np

# The convolutions up to relu5_1: index in torchvision, inputs, outputs.
_CONVOLUTIONS = [
    (0, 3, 64),
    (2, 64, 64),
    (5, 64, 128),
    (7, 128, 128),
    (10, 128, 256),
    (12, 256, 256),
    (14, 256, 256),
    (16, 256, 256),
    (19, 256, 512),
    (21, 512, 512),
    (23, 512, 512),
    (25, 512, 512),
    (28, 512, 512),
]


def draw():
    """Returns torchvision's state dict up to relu5_1, in NumPy."""
    random = np.random.RandomState(19)
    state = {}
    for number, inputs, outputs in _CONVOLUTIONS:
        kernel = random.standard_normal((outputs, inputs, 3, 3))
        kernel *= np.sqrt(2 / (9 * inputs))
        bias = random.standard_normal(outputs) * 0.05
        state[f"features.{number}.weight"] = kernel.astype("float32")
        state[f"features.{number}.bias"] = bias.astype("float32")
    return state


def write_keras(path):
    """Writes the drawn weights in Keras' format; returns the path."""
    network = keras.applications.VGG19(include_top=False, weights=None)
    arrays = list(draw().values())
    convolutions = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    for number in range(len(_CONVOLUTIONS)):
        kernel, bias = arrays[2 * number : 2 * number + 2]
        convolutions[number].set_weights([kernel.transpose(2, 3, 1, 0), bias])
    network.save_weights(path)
    return str(path)


def write_torchvision(path):
    """Writes the drawn weights in torchvision's format; returns the path."""
    import torch

    state = {key: torch.tensor(array) for key, array in draw().items()}
    state["classifier.6.bias"] = torch.zeros(1000)
    torch.save(state, path)
    return str(path)
