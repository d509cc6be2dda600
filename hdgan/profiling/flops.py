"""FLOPs of synthesis and of a train step, counted from shapes."""

import dataclasses
import math

import keras

from hdgan.profiling.shape_trace import trace_discriminator, trace_generator


@dataclasses.dataclass(frozen=True)
class FlopCount:
    """Floating-point operations; a multiplication with its addition is two.

    Convolutions, transposed convolutions and dense layers are counted, the
    zeros of their padding included. Biases, norms, activations, losses,
    optimizers, preprocessing and recomputation are not.

    Args:
        forward: int, FLOPs of the forward passes.
        kernel_gradients: int, FLOPs of the gradients with respect to kernels.
            Defaults to 0.
        input_gradients: int, FLOPs of the gradients with respect to inputs.
            Defaults to 0.
        uncounted: tuple of str, the layers that hold kernels but are unknown
            here, so that their FLOPs are missing. Defaults to none.
    """

    forward: int
    kernel_gradients: int = 0
    input_gradients: int = 0
    uncounted: tuple = ()

    @property
    def total(self):
        """The sum of the three numbers of FLOPs."""
        return self.forward + self.kernel_gradients + self.input_gradients


def count_synthesis_flops(model, batch_size, height, width):
    """Counts the FLOPs of one synthesis, an encoder's included.

    Args:
        model: `LabelToPhotoModel`.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `FlopCount`.
    """
    return _count(trace_generator(model, (), batch_size, height, width))


def count_train_step_flops(model, batch_size, height, width):
    """Counts the FLOPs of one train step, without a perceptual loss.

    The generator, with its encoder, runs forward and backward once. The
    discriminator runs forward on photo and fake. Its own loss needs the
    gradients of its kernels on both; the generator's loss needs the gradient
    of the fake. With an image pool, the discriminator's own loss uses a pooled
    image instead of the fake, which is a third forward pass. In alternating
    order, each network's update has forward passes of its own.

    Args:
        model: compiled `LabelToPhotoModel`.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `FlopCount`.
    """
    size = batch_size, height, width
    generator = _count(
        trace_generator(model, model.trained_variables("generator"), *size)
    )
    own_loss = _count(
        trace_discriminator(
            model, model.discriminator.trainable_variables, *size
        )
    )
    generator_loss = _count(
        trace_discriminator(model, (), *size, needs_gradient=True)
    )
    num_generated, num_discriminated = count_passes(model)
    return FlopCount(
        num_generated * generator.forward
        + num_discriminated * own_loss.forward,
        generator.kernel_gradients + 2 * own_loss.kernel_gradients,
        generator.input_gradients
        + 2 * own_loss.input_gradients
        + generator_loss.input_gradients,
        generator.uncounted + own_loss.uncounted,
    )


def count_passes(model):
    """Returns the forward passes of a train step.

    Args:
        model: compiled `LabelToPhotoModel`.

    Returns:
        `(generator, discriminator)`, two int.
    """
    if model.update_order == "simultaneous":
        # With a pool: photo, fake and pooled image.
        return 1, 2 if model.image_pool is None else 3
    needs_photo = any(
        term.needs_real_outputs
        for term in model.loss_terms
        if term.side == "generator" and term.is_active
    )
    return 2, 3 + needs_photo


def _count(trace):
    """Returns the `FlopCount` of what a `ShapeTrace` recorded."""
    forward, kernel_gradients, input_gradients = 0, 0, 0
    for traced in trace.layers:
        flops = _forward_flops(traced)
        if not flops:
            continue
        # Both gradients take as many as the forward pass.
        forward += flops
        if trace.is_trained(traced.layer.kernel):
            kernel_gradients += flops
        if traced.inputs[0].needs_gradient:
            input_gradients += flops
    uncounted = {str(t): None for t in trace.layers if t.is_unknown}
    return FlopCount(
        forward, kernel_gradients, input_gradients, tuple(uncounted)
    )


def _forward_flops(traced):
    if isinstance(traced.layer, keras.layers.Conv2DTranspose):
        positions = traced.inputs[0].shape[:-1]
    elif isinstance(traced.layer, (keras.layers.Conv2D, keras.layers.Dense)):
        positions = traced.outputs[0].shape[:-1]
    else:
        return 0
    # Each weight of the kernel meets each position of the smaller image once.
    return 2 * math.prod(positions) * math.prod(traced.layer.kernel.shape)
