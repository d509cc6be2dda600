"""Networks from and to the checkpoints of the original PyTorch code.

A checkpoint holds tensors by name but no architecture, which is derived from
the names and shapes.
"""

import itertools
import math
import re

import keras
import numpy as np

from hdgan.data.printable import printable
from hdgan.data.torch_file import read_torch_file
from hdgan.models.pix2pixhd.pytorch_names import PARAMETERS, named_layers
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator

# Statistics that instance norms before PyTorch 0.4 save but don't use, and a
# count that batch norms with a momentum don't use.
_UNUSED = ("running_mean", "running_var", "num_batches_tracked")


def load_generator(path):
    """Makes a generator from `latest_net_G.pth`.

    Args:
        path: path of the file, in either of PyTorch's containers.

    Returns:
        `GlobalGenerator` or `LocalEnhancer` with the file's weights.

    Raises:
        ValueError: naming the file, if it can't be read safely, or a tensor is
            missing, left over or of another shape.
    """
    return _load(path, _read_state(path), _make_generator)


def load_discriminator(path):
    """Makes a discriminator from `latest_net_D.pth`.

    Args:
        path: path of the file, in either of PyTorch's containers, saved with or
            without feature matching.

    Returns:
        `MultiscaleDiscriminator` with the file's weights, and a bool, whether
        it was trained with feature matching.

    Raises:
        ValueError: see `load_generator`.
    """
    state = _read_state(path)
    feature_matching = bool(_numbers(_SCALE, state))
    network = _load(path, state, _make_discriminator, feature_matching)
    return network, feature_matching


def load_encoder(path, regions="instances"):
    """Makes an instance encoder from `latest_net_E.pth`.

    Args:
        path: path of the file, in either of PyTorch's containers.
        regions: `"instances"` or `"labels"` (`--label_feat`), the regions that
            it was trained to average over, which the file does not say.
            Defaults to `"instances"`.

    Returns:
        `InstanceEncoder` with the file's weights.

    Raises:
        ValueError: see `load_generator`.
    """
    return _load(
        path, _read_state(path), lambda state: _make_encoder(state, regions)
    )


def state_dict(network, feature_matching=True):
    """Returns a network's weights by their names in the original code.

    Args:
        network: `GlobalGenerator`, `LocalEnhancer`, `InstanceEncoder` or
            `MultiscaleDiscriminator`.
        feature_matching: bool, whether the discriminator was trained with
            feature matching. The original code names its layers accordingly.
            Defaults to True.

    Returns:
        Dict of float32 arrays in PyTorch's layout and order.

    Raises:
        ValueError: if the original code has no such network.
    """
    return {
        name: _to_torch(variable)
        for name, variable in _named_variables(network, feature_matching)
    }


def describe(network):
    """Returns the Python call that makes a network of this architecture.

    Args:
        network: see `state_dict`.
    """
    return _describe_config(keras.saving.serialize_keras_object(network))


def _describe_config(serialized):
    arguments = []
    for name, value in serialized["config"].items():
        if name == "global_generator":
            arguments.append(_describe_config(value))
        elif name not in ("name", "trainable", "dtype"):
            arguments.append(f"{name}={value!r}")
    return f"{serialized['class_name']}({', '.join(arguments)})"


def _read_state(path):
    """Returns the tensors of a file by name.

    The prefix `module.`, which PyTorch's `DataParallel` adds, is removed.
    """
    state = read_torch_file(path)
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(array, np.ndarray)
        for name, array in state.items()
    ):
        raise ValueError(
            f"{path}: expected a state dict, tensors by name, as the original "
            f"PyTorch code saves it. Found: {_found(state)}."
        )
    for name, array in state.items():
        if name.split(".")[-1] in _UNUSED:
            continue
        if array.dtype.kind not in "fV" or not (
            np.isfinite(array.astype("float32")).all()
        ):
            raise ValueError(
                f"{path}: {_show(name)} holds {array.dtype}, or values that "
                "are not finite. Expected finite floating-point numbers: if "
                "the training diverged, use an earlier checkpoint."
            )
    if all(name.startswith("module.") for name in state):
        return {n.removeprefix("module."): a for n, a in state.items()}
    return state


def _load(path, state, make, feature_matching=True):
    try:
        network = make(state)
        _assign(network, state, feature_matching)
    except (_MismatchError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    return network


class _MismatchError(Exception):
    """A checkpoint does not fit the network that its names describe."""


def _found(state):
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    return f"a dict of {', '.join(_show(key) for key in list(state)[:5])}"


def _show(name):
    return printable(name, 80)


# === Architecture from names and shapes ===

# More digits than four belong to no layer.
_SCALE = r"scale(\d{1,4})_layer\d{1,4}\.0\."


def _check_plausible(state, widths, num_blocks=0):
    """Checks that a file is large enough for the network that it describes.

    Otherwise a small file could make this program build a network of any size.

    Args:
        state: dict of arrays by name.
        widths: list of int, channels of successive layers.
        num_blocks: int, number of residual blocks of the last width. Defaults
            to 0.
    """
    pairs = itertools.pairwise(widths)
    expected = 9 * sum(first * second for first, second in pairs)
    expected += num_blocks * 2 * 9 * widths[-1] ** 2
    # Shared or repeated data counts once.
    data = {
        id(array if array.base is None else array.base): array
        for array in state.values()
    }
    found = sum(
        array.nbytes if array.base is None else memoryview(array.base).nbytes
        for array in data.values()
    )
    # Numbers in half precision take two bytes, and a tensor may be missing.
    if expected > found + 100_000:
        raise _MismatchError(
            f"its names describe {expected:,} numbers or more, but it holds "
            f"{found:,} bytes."
        )


def _make_generator(state):
    blocks = _numbers(r"model\.(\d{1,4})\.conv_block\.", state)
    if not blocks:
        raise _MismatchError(
            "there are no residual blocks (model.N.conv_block): this is no "
            f"generator. Found: {_found(state)}."
        )
    enhancers = _numbers(r"model(\d{1,4})_1\.", state)
    last = f"model{len(enhancers)}_2" if enhancers else "model"
    width, input_channels = _kernel(state, "model.1")[:2]
    if enhancers and width % 2 ** len(enhancers):
        raise _MismatchError(
            f"model.1.weight has {width} channels, which can't be halved for "
            f"{len(enhancers)} enhancers."
        )
    # Four entries come before the downsamplings, which have three each.
    num_downsamplings = max((min(blocks) - 4) // 3, 1)
    num_local_blocks = _numbers(r"model1_2\.(\d{1,4})\.conv_block\.", state)
    widths = [width * 2**k for k in range(num_downsamplings + 1)]
    _check_plausible(state, widths, len(blocks))
    generator = GlobalGenerator(
        input_channels,
        width,
        num_downsamplings,
        len(blocks),
        norm=_norm(state, "model.2"),
        dropout_rate=_dropout_rate(state, f"model.{blocks[0]}.conv_block"),
        output_channels=_last_kernel(state, last)[0],
        name="global_generator" if enhancers else "generator",
    )
    if enhancers:
        generator = LocalEnhancer(
            generator,
            len(enhancers),
            max(len(num_local_blocks), 1),
            name="generator",
        )
    return generator


def _make_encoder(state, regions):
    if _numbers(r"model\.(\d{1,4})\.conv_block\.", state):
        raise _MismatchError(
            "there are residual blocks (model.N.conv_block): this is a "
            "generator, not an encoder."
        )
    width = _kernel(state, "model.1")[0]
    biases = _numbers(r"model\.(\d{1,4})\.bias", state) or [0]
    # The last bias has the number 5 + 6n. Rounded up, so that a missing last
    # bias is reported by name.
    num_downsamplings = max(math.ceil((biases[-1] - 5) / 6), 1)
    widths = [width * 2**k for k in range(num_downsamplings + 1)]
    _check_plausible(state, widths)
    return InstanceEncoder(
        width,
        num_downsamplings,
        style_channels=_last_kernel(state, "model")[0],
        norm=_norm(state, "model.2"),
        regions=regions,
        name="encoder",
    )


def _make_discriminator(state):
    scales = _numbers(_SCALE, state)
    if scales:
        first, norm = "scale0_layer0.0", "scale0_layer1.1"
        num_stages = len(_numbers(r"scale0_layer(\d{1,4})\.0\.", state))
    else:
        scales = _numbers(r"layer(\d{1,4})\.\d{1,4}\.", state)
        first, norm = "layer0.0", "layer0.3"
        num_stages = sum(
            name.startswith("layer0.") and array.ndim == 4
            for name, array in state.items()
        )
    if not scales:
        raise _MismatchError(
            "there are neither scaleN_layerM nor layerN: this is no "
            f"discriminator. Found: {_found(state)}."
        )
    width, input_channels = _kernel(state, first)[:2]
    num_layers = max(num_stages - 2, 1)
    widths = [min(width * 2**k, 512) for k in range(num_layers + 1)]
    _check_plausible(state, widths * len(scales))
    return MultiscaleDiscriminator(
        input_channels,
        width,
        num_layers,
        len(scales),
        norm=_norm(state, norm),
        name="discriminator",
    )


def _numbers(pattern, names):
    """Returns the sorted numbers that the pattern's group matches in names."""
    found = (re.match(pattern, name) for name in names)
    return sorted({int(match[1]) for match in found if match})


def _kernel(state, name):
    """Returns the shape of a convolution's kernel."""
    kernel = state.get(f"{name}.weight")
    if kernel is None or kernel.ndim != 4:
        raise _MismatchError(
            f"{name}.weight is missing, or no kernel of a convolution. "
            f"Found: {_found(state)}."
        )
    return kernel.shape


def _last_kernel(state, prefix):
    kernels = _numbers(
        rf"{prefix}\.(\d{{1,4}})\.weight",
        [name for name in state if state[name].ndim == 4],
    )
    if not kernels:
        raise _MismatchError(f"there are no kernels {prefix}.N.weight.")
    return _kernel(state, f"{prefix}.{kernels[-1]}")


def _norm(state, name):
    return "batch" if f"{name}.weight" in state else "instance"


def _dropout_rate(state, block):
    # With dropout the second convolution has the next number. The rate itself
    # is not saved; the original code always uses 0.5.
    second = state.get(f"{block}.6.weight")
    return 0.5 if second is not None and second.ndim == 4 else 0.0


# === Weights ===


def _named_variables(network, feature_matching):
    for prefix, layer in named_layers(network, feature_matching):
        for name, attribute in PARAMETERS[type(layer)].items():
            yield f"{prefix}.{name}", getattr(layer, attribute)


def _assign(network, state, feature_matching):
    """Assigns all tensors of a state dict to the network, or none."""
    variables = dict(_named_variables(network, feature_matching))
    missing = [name for name in variables if name not in state]
    left_over = [
        name
        for name in state
        if name not in variables and name.split(".")[-1] not in _UNUSED
    ]
    summary = describe(network)
    for problem, names in (("missing", missing), ("left over", left_over)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise _MismatchError(
                f"{problem}: {', '.join(map(_show, names[:3]))}{more}. The "
                f"other tensors describe a {summary}."
            )
    arrays = {}
    for name, variable in variables.items():
        arrays[name] = array = _to_keras(state[name])
        if array.shape != variable.shape:
            expected = _to_torch(variable).shape
            raise _MismatchError(
                f"{name} has the shape {state[name].shape}. Expected "
                f"{expected}: the other tensors describe a {summary}."
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _to_keras(array):
    # The same axes for convolutions and transposed convolutions.
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def _to_torch(variable):
    array = np.asarray(variable.numpy(), "float32")
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    return np.ascontiguousarray(array)
