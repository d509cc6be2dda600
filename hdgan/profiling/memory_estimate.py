"""The memory of a train step, estimated from the networks' shapes."""

import dataclasses
import functools
import math
import typing

import tensorflow as tf
from absl import logging

from hdgan.layers.gradient_checkpointing import CONVOLUTIONS_IN_A_ROW
from hdgan.preprocessing.scene_preprocessing import PHOTO_CHANNELS
from hdgan.profiling.shape_trace import (
    network_inputs,
    padded_size,
    trace_discriminator,
    trace_generator,
)

# Their outputs are recomputed from what is kept.
_RECOMPUTED_LAYERS = (
    "InstanceNormalization",
    "Activation",
    "Identity",
    "NearestDoubling",
)
# Tensors of the largest size that the gradient of one convolution holds at a
# time: its input, its padded input and their gradients.
_TENSORS_AT_WORK = 4
# Recomputation additionally holds what it starts from.
_MORE_TENSORS_RECOMPUTED = 2
# A kernel's transforms, their products and its gradient, in float32.
_KERNELS_AT_WORK = 6
# Python, TensorFlow and the traced graph.
_PROCESS_BYTES = 1.05e9
# Between blocks of TensorFlow's allocator for processors: 10 to 40 percent.
_ALLOCATOR_OVERHEAD = 1.25


class _FixedNetwork(typing.NamedTuple):
    """The size of a perceptual network.

    Args:
        parameters: int.
        kept: float, values per pixel of the image that are kept for the
            gradient of the fake.
        compared: float, values per pixel of the activations that are compared.
    """

    parameters: int
    kept: float
    compared: float


# VGG19 keeps all outputs up to relu5_1 (64, 64 at full size, 128, 128 at a
# quarter, ...) and the pooled ones. EfficientNet-Lite0 keeps the outputs of
# ReLU6, (32 + 32 + 96) / 4 at half the size, and so on; its other layers are
# linear.
_VGG19 = _FixedNetwork(12_944_960, 340, 122)
_FIXED_NETWORKS = {
    "EfficientNetLite0Features": _FixedNetwork(3_350_000, 123, 41)
}


@dataclasses.dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that one device holds at the peak of a train step.

    Args:
        weights: int, weights of all networks, including the moving average and
            copies in half precision.
        optimizers: int, moments, and sums of accumulated gradients.
        gradients: int, gradients that must all exist before one is applied.
        generator: int, activations kept for the gradients of the generator and
            the encoder.
        discriminator: int, activations kept for the discriminator's gradients.
        perceptual: int, weights and activations of the perceptual network;
            one that is unknown here counts as VGG19.
        working: int, temporary tensors of a convolution's gradient.
        process: int, Python, TensorFlow and the free blocks of its allocator.
            0 on a GPU, which has memory of its own.
    """

    weights: int
    optimizers: int
    gradients: int
    generator: int
    discriminator: int
    perceptual: int
    working: int
    process: int

    @property
    def total(self):
        """The sum of all parts."""
        return sum(dataclasses.astuple(self))

    def __str__(self):
        parts = ", ".join(
            f"{name} {value / 1e9:.2f}"
            for name, value in dataclasses.asdict(self).items()
            if value
        )
        return f"{self.total / 1e9:.1f} GB ({parts})"


def estimate_memory(
    model, batch_size, height, width, remat=None, half_precision=None
):
    """Estimates the memory of a train step, before the first.

    The estimate counts the activations that the gradients here keep: outputs
    of convolutions and residual blocks, and the discriminator's features, which
    feature matching compares. It was within 25 % of the measured peak in three
    configurations from 256x128 to 2048x1024. XLA is not modelled.

    A layer that is unknown here is counted by its outputs, with a warning.

    Args:
        model: compiled `LabelToPhotoModel`.
        batch_size: int, examples per device.
        height: int, pixels of the label map, before padding.
        width: int, the same.
        remat: bool, whether activations are recomputed. Defaults to what the
            model was compiled with.
        half_precision: bool, whether layers compute in 16 bits. Defaults to
            the model's precision.

    Returns:
        `MemoryEstimate`.
    """
    remat = model.remat if remat is None else remat
    if half_precision is None:
        itemsize = tf.as_dtype(model.preprocessing.compute_dtype).size
    else:
        itemsize = 2 if half_precision else 4
    size = batch_size, height, width
    trained = model.trained_variables("generator")
    generator_trace = trace_generator(model, trained, *size)
    discriminator_trace = trace_discriminator(
        model, model.discriminator.trainable_variables, *size
    )
    traces = generator_trace, discriminator_trace
    _warn_of_unknown(traces)
    num_pixels = batch_size * math.prod(padded_size(model, height, width))
    # Layers compute with half-precision copies of their weights.
    half_weights = _count_bytes(trained) // 2 if itemsize == 2 else 0
    generator = _count_values(
        network_inputs(model, model.generator, *size)
    ) + _count_kept(generator_trace, remat)
    discriminator = num_pixels * PHOTO_CHANNELS + _count_kept(
        discriminator_trace, remat, keeps_features=True
    )
    num_forward = 2 if model.image_pool is None else 3
    if model.augmentation is not None:
        # A transformed copy of each image.
        discriminator += num_pixels * PHOTO_CHANNELS
    optimizers, gradients = _count_update(model, trained)
    estimate = MemoryEstimate(
        weights=_count_bytes(model.weights) + half_weights,
        optimizers=optimizers,
        gradients=gradients,
        generator=itemsize * generator,
        discriminator=itemsize * num_forward * discriminator,
        perceptual=_count_perceptual(model, num_pixels, remat),
        working=_count_working(traces, itemsize, remat),
        process=0,
    )
    if tf.config.list_logical_devices("GPU"):
        return estimate
    temporary = (
        estimate.generator
        + estimate.discriminator
        + estimate.perceptual
        + estimate.working
    )
    process = _PROCESS_BYTES + (_ALLOCATOR_OVERHEAD - 1) * temporary
    return dataclasses.replace(estimate, process=int(process))


def _warn_of_unknown(traces):
    for trace in traces:
        for traced in trace.layers:
            if traced.is_unknown:
                _warn_once(str(traced))


@functools.cache
def _warn_once(layer):
    """Warns of a layer; a run estimates its memory several times."""
    logging.warning(
        "The memory estimate counts the layer %s by its outputs alone, so the "
        "step may take more. Expected Conv2D, Conv2DTranspose, Dense or a "
        "layer with `call_children` (see hdgan.profiling.shape_trace).",
        layer,
    )


def _count_update(model, trained):
    """Returns the bytes of the optimizers and of unapplied gradients."""
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    states = [state for one in optimizers for state in one.variables]
    if model.gradient_accumulation_steps > 1:
        states += [*trained, *model.discriminator.trainable_variables]
        return _count_bytes(states), 0
    # With loss scaling, one update waits for the finite check of all gradients.
    waiting = _count_bytes(trained) if model.scales_losses else 0
    return _count_bytes(states), waiting


def _count_perceptual(model, num_pixels, remat):
    num_bytes = 0
    for term in model.loss_terms:
        if term.name != "perceptual" or not term.is_active:
            continue
        features = getattr(term.loss, "features", None)
        network = _FIXED_NETWORKS.get(type(features).__name__, _VGG19)
        # The photo's are compared, too.
        num_values = network.compared + (
            network.compared if remat else network.kept
        )
        num_bytes += 4 * (network.parameters + int(num_pixels * num_values))
    return num_bytes


def _count_bytes(variables):
    return sum(
        math.prod(variable.shape) * tf.as_dtype(variable.dtype).size
        for variable in variables
    )


def _count_values(tensors):
    return sum(math.prod(tensor.shape) for tensor in tensors)


def _count_kept(trace, remat, keeps_features=False):
    """Returns the number of values kept for the gradients of a trace."""
    kept = 0
    in_a_row = 0
    for traced in trace.layers:
        num_values = _count_values(traced.outputs)
        name = type(traced.layer).__name__
        if traced.is_convolution:
            in_a_row += 1
            if not remat or in_a_row > CONVOLUTIONS_IN_A_ROW:
                kept += num_values
                in_a_row = 0
        elif name not in _RECOMPUTED_LAYERS:
            kept += num_values
            in_a_row = 0
        elif keeps_features and name == "Activation":
            kept += num_values
    return kept


def _count_working(traces, itemsize, remat):
    """Returns the bytes that the largest gradient needs beside what is kept."""
    convolutions = [
        traced
        for trace in traces
        for traced in trace.layers
        if traced.is_convolution
    ]
    largest_tensor = max(
        (
            math.prod(tensor.shape)
            for traced in convolutions
            for tensor in traced.inputs + traced.outputs
        ),
        default=0,
    )
    num_tensors = _TENSORS_AT_WORK + remat * _MORE_TENSORS_RECOMPUTED
    largest_kernel = max(
        (math.prod(traced.layer.kernel.shape) for traced in convolutions),
        default=0,
    )
    return max(
        num_tensors * itemsize * largest_tensor,
        _KERNELS_AT_WORK * 4 * largest_kernel,
    )
