"""Networks from and to the checkpoints of the authors' PyTorch code.

A checkpoint holds tensors by name and no architecture: that follows from the
names and shapes. `named_layers` is the one place that knows the names.
"""

import itertools
import math
import re

import keras
import numpy as np

from hdgan.data.pickled_arrays import read_torch_file
from hdgan.layers import (
    CroppedConv2DTranspose,
    PaddedConv2D,
    ResidualBlock,
)
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator

_PARAMETERS = {
    PaddedConv2D: {"weight": "kernel", "bias": "bias"},
    CroppedConv2DTranspose: {"weight": "kernel", "bias": "bias"},
    keras.layers.BatchNormalization: {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
}
# Statistics that instance norms of PyTorch before 0.4 carry and do not use, and
# a count that batch norms with a momentum do not use.
_UNUSED = ("running_mean", "running_var", "num_batches_tracked")


def load_generator(path):
    """Makes a generator from `latest_net_G.pth`.

    Args:
        path: the file, in either of PyTorch's containers.

    Returns:
        `GlobalGenerator` or `LocalEnhancer` with the file's weights.

    Raises:
        ValueError: naming the file and the tensor that is missing, left over or
            of a wrong shape, or if it is not a file that can be read safely.
    """
    return _load(path, _read_state(path), _make_generator)


def load_discriminator(path):
    """Makes a discriminator from `latest_net_D.pth`.

    Args:
        path: the file, in either of PyTorch's containers, saved with or without
            feature matching.

    Returns:
        `MultiscaleDiscriminator` with the file's weights, and a bool, whether
        it was trained with feature matching.

    Raises:
        ValueError: as of `load_generator`.
    """
    state = _read_state(path)
    feature_matching = bool(_numbers(_SCALE, state))
    network = _load(path, state, _make_discriminator, feature_matching)
    return network, feature_matching


def load_encoder(path, regions="instances"):
    """Makes an instance feature encoder from `latest_net_E.pth`.

    Args:
        path: the file, in either of PyTorch's containers.
        regions: what it was trained to take the mean over: `"instances"`, or
            `"labels"` (`--label_feat`). The file does not say.

    Returns:
        `InstanceEncoder` with the file's weights.

    Raises:
        ValueError: as of `load_generator`.
    """
    return _load(
        path, _read_state(path), lambda state: _make_encoder(state, regions)
    )


def state_dict(network, feature_matching=True):
    """Returns a network's weights by the published names.

    Args:
        network: `GlobalGenerator`, `LocalEnhancer`, `InstanceEncoder` or
            `MultiscaleDiscriminator`.
        feature_matching: bool; without it the published code gives the layers
            of its discriminator other names.

    Returns:
        Dict of float32 arrays in PyTorch's layout, in PyTorch's order.

    Raises:
        ValueError: if the published code has no such network.
    """
    return {
        name: _to_torch(variable)
        for name, variable in _named_variables(network, feature_matching)
    }


def named_layers(network, feature_matching=True):
    """Returns a network's layers that hold weights, by the published names.

    Args:
        network: as of `state_dict`.
        feature_matching: bool, as of `state_dict`.

    Returns:
        List of `(name, layer)` in PyTorch's order, such as `("model.1", ...)`.

    Raises:
        ValueError: as of `state_dict`.
    """
    known = (
        GlobalGenerator,
        LocalEnhancer,
        InstanceEncoder,
        MultiscaleDiscriminator,
    )
    if not isinstance(network, known):
        raise ValueError(
            f"The published code of pix2pixHD has no {type(network).__name__}."
        )
    if getattr(network, "spectral_norm", False) or network.norm == "none":
        raise ValueError(
            f"The {network.name} has spectral norm, or no norm at all, which "
            "the published code of pix2pixHD does not know."
        )
    if isinstance(network, LocalEnhancer):
        return _enhancer_layers(network)
    if isinstance(network, MultiscaleDiscriminator):
        return _discriminator_layers(network, feature_matching)
    return _numbered("model", _blocks(network))


def describe(network):
    """Returns the call that makes a network of this architecture.

    Args:
        network: as of `state_dict`.
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
    """Returns the tensors of a file by name, as the published code saves them.

    A prefix `module.`, which PyTorch's `DataParallel` adds, is left out.
    """
    state = read_torch_file(path)
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(array, np.ndarray)
        for name, array in state.items()
    ):
        raise ValueError(
            f"{path}: expected a state dict, tensors by name, as the published "
            f"code saves it. Found: {_found(state)}."
        )
    for name, array in state.items():
        if name.split(".")[-1] in _UNUSED:
            continue
        if array.dtype.kind not in "fV" or not (
            np.isfinite(array.astype("float32")).all()
        ):
            raise ValueError(
                f"{path}: {name} holds something else than finite floating "
                f"numbers ({array.dtype}). Was the training lost?"
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
    """A checkpoint does not fit the network that it seems to be of."""


def _found(state):
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    return f"a dict of {', '.join(str(key)[:50] for key in list(state)[:5])}"


# === Architecture from names and shapes ===

# Numbers of more digits are no layer's.
_SCALE = r"scale(\d{1,4})_layer\d{1,4}\.0\."


def _check_plausible(state, widths, num_blocks=0):
    """Checks that a file is large enough for the network that it names.

    Else a small one could make us build one of any size.

    Args:
        state: dict of arrays by name.
        widths: channels from layer to layer.
        num_blocks: int, residual blocks of the last width.
    """
    pairs = itertools.pairwise(widths)
    expected = 9 * sum(first * second for first, second in pairs)
    expected += num_blocks * 2 * 9 * widths[-1] ** 2
    # Of what is shared or repeated, the bytes that there are.
    data = {
        id(array if array.base is None else array.base): array
        for array in state.values()
    }
    found = sum(
        array.nbytes if array.base is None else memoryview(array.base).nbytes
        for array in data.values()
    )
    # Two bytes for a number in half precision, and a tensor may be missing.
    if expected > found + 100_000:
        raise _MismatchError(
            f"its names tell of {expected:,} numbers or more, but it holds "
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
    # Four entries before the halvings, three for each.
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
    # The last has number 5 + 6n; rounded up, so that it may be missing and then
    # be named.
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
    """Returns the numbers that the pattern's group finds at names' starts."""
    found = (re.match(pattern, name) for name in names)
    return sorted({int(match[1]) for match in found if match})


def _kernel(state, name):
    """Returns the shape of a convolution's kernel."""
    kernel = state.get(f"{name}.weight")
    if kernel is None or kernel.ndim != 4:
        raise _MismatchError(
            f"{name}.weight is missing, or no convolution's kernel. "
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
    # The second convolution comes one later where there is a dropout, whose
    # rate is no weight: taken for the published one.
    second = state.get(f"{block}.6.weight")
    return 0.5 if second is not None and second.ndim == 4 else 0.0


# === Names ===


def _enhancer_layers(network):
    inner = network.get_layer("global_features")
    # The features of the global generator: all of it but its output.
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
    # Numbered backwards: scale 0 is the coarsest.
    for number, scale in enumerate(reversed(scales)):
        if feature_matching:
            for index, stage in enumerate(scale.stages):
                named += _numbered(f"scale{number}_layer{index}", [stage])
        else:
            named += _numbered(f"layer{number}", scale.stages)
    return named


def _blocks(network, prefix=""):
    """Returns the blocks of a graph whose names start so, in its order."""
    return [
        layer
        for layer in network.layers
        if hasattr(layer, "sequence") and layer.name.startswith(prefix)
    ]


def _numbered(prefix, blocks):
    """Names the layers of some blocks as PyTorch's `Sequential` does."""
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
        # A reflection is a layer of its own there; zeros are not.
        is_reflected = getattr(entry, "pad_mode", None) == "reflect"
        number += 2 if is_reflected else 1
        name = f"{prefix}.{number}"
        if isinstance(entry, ResidualBlock):
            named += _number(f"{name}.conv_block", entry.sequence)
        elif type(entry) in _PARAMETERS:
            named.append((name, entry))
    return named


# === Weights ===


def _named_variables(network, feature_matching):
    for prefix, layer in named_layers(network, feature_matching):
        for name, attribute in _PARAMETERS[type(layer)].items():
            yield f"{prefix}.{name}", getattr(layer, attribute)


def _assign(network, state, feature_matching):
    """Gives the network all tensors of a state dict, or none."""
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
                f"{problem}: {', '.join(names[:3])}{more}. By its other "
                f"tensors the file holds a {summary}."
            )
    arrays = {}
    for name, variable in variables.items():
        arrays[name] = array = _to_keras(state[name])
        if array.shape != variable.shape:
            expected = _to_torch(variable).shape
            raise _MismatchError(
                f"{name} has the shape {state[name].shape}. Expected "
                f"{expected}: by its other tensors the file holds a {summary}."
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _to_keras(array):
    # The same for a convolution and a transposed one.
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array


def _to_torch(variable):
    array = np.asarray(variable.numpy(), "float32")
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    return np.ascontiguousarray(array)
