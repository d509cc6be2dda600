"""SPADE's golden arrays, and PyTorch's names of its weights in our networks."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

FOLDER = pathlib.Path(__file__).parent / "golden" / "spade"
EVERYTHING = slice(None)


def load(name, prefix=""):
    """Returns the arrays of a file whose keys begin with a prefix, without it.

    Images and maps are float32 and channels last; weights and gradients stay as
    PyTorch has them. `config` is a dict.
    """
    arrays = dict(np.load(FOLDER / f"{name}.npz"))
    config = json.loads(str(arrays.pop("config")))
    arrays = {
        key.removeprefix(prefix): array
        for key, array in arrays.items()
        if key.startswith(prefix)
    }
    for key, array in arrays.items():
        if "." not in key and array.ndim == 4:
            arrays[key] = array.transpose(0, 2, 3, 1).astype("float32")
    return {**arrays, "config": config}


def select(arrays, prefix):
    """Returns the arrays whose keys begin with a prefix, without it."""
    return {
        key.removeprefix(prefix): array
        for key, array in arrays.items()
        if key.startswith(prefix)
    }


def relative_error(received, expected):
    """Returns the relative difference of two arrays in the L2 norm."""
    received = np.asarray(received)
    assert received.shape == expected.shape
    return np.linalg.norm(received - expected) / np.linalg.norm(expected)


# === Weights under PyTorch's names ===


@dataclasses.dataclass(frozen=True)
class Weight:
    """A variable, or a part of its last axis, and the way to PyTorch's layout.

    Args:
        variable: Keras variable.
        to_torch: function of an array in Keras' layout.
        to_keras: its inverse.
        part: slice of the last axis.
    """

    variable: keras.Variable
    to_torch: Callable
    to_keras: Callable
    part: slice

    def read(self, array=None):
        """Returns the weight, or an array like it, in PyTorch's layout."""
        array = self.variable if array is None else array
        return self.to_torch(np.array(array)[..., self.part])

    def write(self, array):
        """Assigns an array in PyTorch's layout."""
        value = np.array(self.variable)
        value[..., self.part] = self.to_keras(array)
        self.variable.assign(value)


def _vector(variable, part=EVERYTHING):
    return Weight(variable, np.ravel, lambda x: x.reshape(-1), part)


def _kernel(variable, part=EVERYTHING):
    return Weight(
        variable,
        lambda x: x.transpose(3, 2, 0, 1),
        lambda x: x.transpose(2, 3, 1, 0),
        part,
    )


def convolution(layer, prefix, part=EVERYTHING):
    """Returns the weights of a convolution, with spectral norm or not."""
    has_vectors = hasattr(layer, "u")
    inner = layer.layer if has_vectors else layer
    suffix = "weight_orig" if has_vectors else "weight"
    weights = {f"{prefix}.{suffix}": _kernel(inner.kernel, part)}
    if inner.use_bias:
        weights[f"{prefix}.bias"] = _vector(inner.bias, part)
    if has_vectors:
        height, width, channels, _ = inner.kernel.shape
        weights[f"{prefix}.weight_u"] = _vector(layer.u)
        weights[f"{prefix}.weight_v"] = Weight(
            layer.v,
            lambda x: (
                x.reshape(height, width, channels).transpose(2, 0, 1).ravel()
            ),
            lambda x: (
                x.reshape(channels, height, width)
                .transpose(1, 2, 0)
                .reshape(1, -1)
            ),
            EVERYTHING,
        )
    return weights


def normalization(layer, prefix):
    """Returns the weights of a `SpadeNormalization`."""
    weights = {}
    if layer.norm == "batch":
        norm = layer.normalization
        name = f"{prefix}param_free_norm.running"
        weights[f"{name}_mean"] = _vector(norm.moving_mean)
        weights[f"{name}_var"] = _vector(norm.moving_variance)
    modulation = layer.modulation_convolution
    half = modulation.filters // 2
    return {
        **weights,
        **convolution(layer.shared_convolution, f"{prefix}mlp_shared.0"),
        **convolution(modulation, f"{prefix}mlp_gamma", slice(half)),
        **convolution(modulation, f"{prefix}mlp_beta", slice(half, None)),
    }


def residual_block(layer, prefix):
    """Returns the weights of a `SpadeResidualBlock`."""
    weights = {
        **convolution(layer.convolution_0, f"{prefix}conv_0"),
        **convolution(layer.convolution_1, f"{prefix}conv_1"),
        **normalization(layer.norm_0, f"{prefix}norm_0."),
        **normalization(layer.norm_1, f"{prefix}norm_1."),
    }
    if layer.shortcut_convolution is not None:
        weights |= convolution(layer.shortcut_convolution, f"{prefix}conv_s")
        weights |= normalization(layer.shortcut_norm, f"{prefix}norm_s.")
    return weights


def generator(network):
    """Returns the weights of a `SpadeGenerator`."""
    start = network.get_layer("start")
    if network.style_channels:
        size = tuple(
            side // network.size_multiple for side in network.image_size
        )
        weights = _dense(start, "fc", output_size=size)
    else:
        weights = convolution(start, "fc")
    for layer in network.layers:
        if layer.name.startswith(("head_", "middle_", "up_")):
            name = layer.name.replace("middle", "G_middle")
            weights |= residual_block(layer, f"{name}.")
    return weights | convolution(network.get_layer("output"), "conv_img")


def encoder(network):
    """Returns the weights of a `StyleEncoder`."""
    weights = {}
    for number in range(1, 7):
        layer = network.get_layer(f"convolution_{number}")
        weights |= convolution(layer, f"layer{number}.0")
    for ours, theirs in (("style_mean", "mu"), ("style_log_variance", "var")):
        weights |= _dense(
            network.get_layer(ours), f"fc_{theirs}", input_size=(4, 4)
        )
    return weights


def discriminator(network):
    """Returns the weights of SPADE's `MultiscaleDiscriminator`."""
    weights = {}
    for number, scale in enumerate(network.get_layer("multiscale").scales):
        last = len(scale.stages) - 1
        for index, stage in enumerate(scale.stages):
            name = f"discriminator_{number}.model{index}"
            # One more Sequential around a convolution with its norm.
            name += ".0" if index in (0, last) else ".0.0"
            weights |= convolution(stage.sequence[0], name)
    return weights


def _dense(layer, prefix, input_size=(1, 1), output_size=(1, 1)):
    """Returns the weights of a dense layer from or to a flattened map."""
    channels_in = layer.kernel.shape[0] // np.prod(input_size)
    channels_out = layer.kernel.shape[1] // np.prod(output_size)
    ours = (*input_size, channels_in, *output_size, channels_out)
    theirs = (channels_out, *output_size, channels_in, *input_size)
    return {
        f"{prefix}.weight": Weight(
            layer.kernel,
            lambda x: (
                x.reshape(ours)
                .transpose(5, 3, 4, 2, 0, 1)
                .reshape(x.shape[::-1])
            ),
            lambda x: (
                x.reshape(theirs)
                .transpose(4, 5, 3, 1, 2, 0)
                .reshape(x.shape[::-1])
            ),
            EVERYTHING,
        ),
        f"{prefix}.bias": Weight(
            layer.bias,
            lambda x: x.reshape(ours[3:]).transpose(2, 0, 1).ravel(),
            lambda x: x.reshape(theirs[:3]).transpose(1, 2, 0).ravel(),
            EVERYTHING,
        ),
    }


# === All weights of a network ===


def assign(weights, arrays):
    """Gives weights by PyTorch's names the values of arrays by the same names.

    Arrays and weights must be the same set.
    """
    assert set(weights) == set(arrays), set(weights) ^ set(arrays)
    for name, array in arrays.items():
        weights[name].write(array)


def read(weights, names):
    """Returns the values of some weights, in PyTorch's layout."""
    return {name: weights[name].read() for name in names}


def gradients(tape, value, weights):
    """Returns the gradients of all trainable weights, in PyTorch's layout."""
    trainable = {
        name: weight
        for name, weight in weights.items()
        if weight.variable.trainable
    }
    values = tape.gradient(
        value, {name: w.variable.value for name, w in trainable.items()}
    )
    return {
        name: weight.read(tf.convert_to_tensor(values[name]))
        for name, weight in trainable.items()
    }


def assert_close(received, expected, tolerance=1e-4):
    """Compares arrays by name; those of `expected` must be in `received`."""
    assert expected
    for name, array in expected.items():
        error = relative_error(received[name], array)
        assert error <= tolerance, (name, error)


def random_weights(config):
    """Returns weights by the golden files' recipe for drawn ones."""
    random = np.random.RandomState(config["seed"])
    arrays = {}
    for name, shape in config["weights"]:
        if name.endswith(("weight_u", "weight_v")):
            continue
        size = np.prod(shape[1:])
        if name.endswith("running_var"):
            array = random.uniform(0.5, 1.5, shape)
        elif name.endswith("running_mean"):
            array = 0.25 * random.standard_normal(shape)
        elif len(shape) == 1:
            array = 0.15 * random.standard_normal(shape)
        else:
            scale = 0.9 if name == "conv_img.weight" else 1.2
            array = scale / np.sqrt(size) * random.standard_normal(shape)
        arrays[name] = array.astype("float32")
    for name in [name for name in arrays if name.endswith("weight_orig")]:
        matrix = arrays[name].reshape(len(arrays[name]), -1)
        u = np.ones(len(matrix), "float32") / np.sqrt(len(matrix))
        for _ in range(2):
            v = matrix.T @ u
            v /= np.linalg.norm(v)
            u = matrix @ v
            u /= np.linalg.norm(u)
        arrays[name.replace("orig", "u")] = u
        arrays[name.replace("orig", "v")] = v
    return arrays
