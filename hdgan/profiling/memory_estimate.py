"""How much memory a train step takes, from the networks' shapes."""

import dataclasses
import math

import tensorflow as tf

from hdgan.layers import ResidualBlock
from hdgan.layers.gradient_checkpointing import CONVOLUTIONS_IN_A_ROW
from hdgan.profiling.shape_trace import (
    padded_size,
    trace_discriminator,
    trace_generator,
)

# Made from what is kept, so that they are not kept themselves.
_RECOMPUTED_LAYERS = ("InstanceNormalization", "Activation", "Identity")
# Maps of the largest size that the gradient of one convolution has at a time:
# its input, that padded, and both their gradients; and what they are made of.
_MAPS_AT_WORK = 4
_MORE_MAPS_RECOMPUTED = 2
# A kernel's transforms, their products and its gradient, in float32.
_KERNELS_AT_WORK = 6
# Python, TensorFlow and the traced graph.
_PROCESS_BYTES = 1.05e9
# Between blocks of TensorFlow's allocator for processors: 10 to 40 percent.
_ALLOCATOR_OVERHEAD = 1.25
# Floating-point numbers that VGG19 keeps per pixel: of the fake all outputs up
# to relu5_1 (64, 64 at full size, 128, 128 at a quarter, ...) and the pooled
# ones; of the photo the five that are compared.
_VGG_VALUES = 340 + 122
_VGG_VALUES_RECOMPUTED = 2 * 122
_VGG_PARAMETERS = 12_944_960


@dataclasses.dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that one device holds at the peak of a train step.

    Args:
        weights: int, of all networks, the moving average and copies in half
            precision included.
        optimizers: int, moments, and sums of accumulated gradients.
        gradients: int, those that must all be there before one is used.
        generator: int, maps kept for its gradient and the encoder's.
        discriminator: int, the same of the discriminator.
        perceptual: int, weights and maps of VGG19.
        working: int, what a convolution's gradient needs while it is made.
        process: int, Python, TensorFlow and what its allocator leaves free;
            on a GPU, which has memory of its own, 0.
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
        """The sum of all."""
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

    Of the activations those are counted that the gradients here keep: outputs
    of convolutions and residual blocks, and the discriminator's features, which
    feature matching compares. In three configurations from 256x128 to 2048x1024
    it was within 25 % of what was measured; XLA is not accounted for.

    Args:
        model: compiled `Pix2PixHD`.
        batch_size: int, examples of one device.
        height: int, pixels of the label map, before padding.
        width: int, the same.
        remat: bool; None is what the model was compiled with.
        half_precision: bool, whether layers compute in 16 bits; None is as the
            model is made.

    Returns:
        `MemoryEstimate`.

    Raises:
        ValueError: if a network holds convolutions in a layer whose inside is
            not known.
    """
    remat = model.remat if remat is None else remat
    if half_precision is None:
        itemsize = tf.as_dtype(model.preprocessing.compute_dtype).size
    else:
        itemsize = 2 if half_precision else 4
    size = batch_size, height, width
    trained = model.trained_variables("generator")
    walks = [
        trace_generator(model, trained, *size),
        trace_discriminator(
            model, model.discriminator.trainable_variables, *size
        ),
    ]
    num_pixels = batch_size * math.prod(padded_size(model, height, width))
    channels = model.generator.input_shape[-1]
    num_judged = 2 if model.image_pool is None else 3
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    states = [state for one in optimizers for state in one.variables]
    gradients = 0
    if model.gradient_accumulation_steps > 1:
        states += [*trained, *model.discriminator.trainable_variables]
    elif model.scales_losses:
        # Whether all are finite decides on the update of each.
        gradients = _bytes(trained)
    # Layers compute with copies of theirs.
    half_weights = _bytes(trained) // 2 if itemsize == 2 else 0
    perceptual = 0
    if any(t.name == "perceptual" and t.is_active for t in model.loss_terms):
        numbers = _VGG_VALUES_RECOMPUTED if remat else _VGG_VALUES
        perceptual = 4 * (_VGG_PARAMETERS + num_pixels * numbers)
    generator = num_pixels * channels + _count_kept(walks[0], remat)
    judge = num_pixels * 3 + _count_kept(walks[1], remat, keeps_features=True)
    estimate = MemoryEstimate(
        weights=_bytes(model.weights) + half_weights,
        optimizers=_bytes(states),
        gradients=gradients,
        generator=itemsize * generator,
        discriminator=itemsize * num_judged * judge,
        perceptual=perceptual,
        working=_count_working(walks, itemsize, remat),
        process=0,
    )
    if tf.config.list_logical_devices("GPU"):
        return estimate
    fleeting = (
        estimate.generator
        + estimate.discriminator
        + estimate.perceptual
        + estimate.working
    )
    process = _PROCESS_BYTES + (_ALLOCATOR_OVERHEAD - 1) * fleeting
    return dataclasses.replace(estimate, process=int(process))


def _bytes(variables):
    return sum(
        math.prod(variable.shape) * tf.as_dtype(variable.dtype).size
        for variable in variables
    )


def _count_kept(walk, remat, keeps_features=False):
    """Returns the numbers kept for the gradient of what a walk passed."""
    kept = 0
    in_a_row = 0
    for visit in walk.visits:
        numbers = math.prod(visit.outputs.shape)
        name = type(visit.layer).__name__
        if visit.is_convolution:
            in_a_row += 1
            if not remat or in_a_row > CONVOLUTIONS_IN_A_ROW:
                kept += numbers
                in_a_row = 0
        elif (
            isinstance(visit.layer, ResidualBlock)
            or name not in _RECOMPUTED_LAYERS
        ):
            kept += numbers
            in_a_row = 0
        elif keeps_features and name == "Activation":
            kept += numbers
    return kept


def _count_working(walks, itemsize, remat):
    """Returns the bytes that the largest gradient needs beside what is kept."""
    visits = [
        visit for walk in walks for visit in walk.visits if visit.is_convolution
    ]
    largest_map = max(
        max(math.prod(v.inputs.shape), math.prod(v.outputs.shape))
        for v in visits
    )
    num_maps = _MAPS_AT_WORK + remat * _MORE_MAPS_RECOMPUTED
    largest_kernel = max(math.prod(v.layer.kernel.shape) for v in visits)
    return max(
        num_maps * itemsize * largest_map,
        _KERNELS_AT_WORK * 4 * largest_kernel,
    )
