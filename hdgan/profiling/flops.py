"""How many floating-point operations a model takes, from its shapes."""

import dataclasses
import math

import keras

from hdgan.profiling.shape_trace import trace_discriminator, trace_generator


@dataclasses.dataclass(frozen=True)
class FlopCount:
    """Floating-point operations; a multiplication with its addition is two.

    Those of convolutions and transposed convolutions, padding's zeros
    included. Biases, norms, activations, losses, optimizers, the coding of the
    maps and what is computed a second time to save memory are not counted.

    Args:
        forward: int.
        kernel_gradients: int, from the gradients of outputs to those of
            kernels.
        input_gradients: int, to those of inputs.
    """

    forward: int
    kernel_gradients: int = 0
    input_gradients: int = 0

    @property
    def total(self):
        """The sum of all three."""
        return self.forward + self.kernel_gradients + self.input_gradients


def count_synthesis_flops(model, batch_size, height, width):
    """Counts the operations of one synthesis, an encoder's included.

    Args:
        model: `Pix2PixHD`.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `FlopCount`.

    Raises:
        ValueError: if a network holds convolutions in a layer whose inside is
            not known here.
    """
    return _count(trace_generator(model, (), batch_size, height, width))


def count_train_step_flops(model, batch_size, height, width):
    """Counts the operations of one train step, without a perceptual loss.

    The generator, with its encoder, goes forward once and back once. The
    discriminator judges photo and fake; for its own loss it goes back on both,
    to its kernels; for the generator's loss on the fake, to the image. With a
    pool of fakes it judges, for its own loss, one of those instead.

    Args:
        model: compiled `Pix2PixHD`.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `FlopCount`.

    Raises:
        ValueError: as `count_synthesis_flops`.
    """
    size = batch_size, height, width
    generator = _count(
        trace_generator(model, model.trained_variables("generator"), *size)
    )
    judge = _count(
        trace_discriminator(
            model, model.discriminator.trainable_variables, *size
        )
    )
    critic = _count(trace_discriminator(model, (), *size, needs_gradient=True))
    num_judged = 2 if model.image_pool is None else 3
    return FlopCount(
        generator.forward + num_judged * judge.forward,
        generator.kernel_gradients + 2 * judge.kernel_gradients,
        generator.input_gradients
        + 2 * judge.input_gradients
        + critic.input_gradients,
    )


def _count(walk):
    """Returns the `FlopCount` of what a `ShapeTrace` passed."""
    forward, kernel_gradients, input_gradients = 0, 0, 0
    for visit in walk.visits:
        if not visit.is_convolution:
            continue
        # Each weight of a kernel meets each pixel of the smaller map, forward
        # and in either gradient alike.
        is_transposed = isinstance(visit.layer, keras.layers.Conv2DTranspose)
        smaller = visit.inputs if is_transposed else visit.outputs
        operations = (
            2
            * math.prod(smaller.shape[:3])
            * math.prod(visit.layer.kernel.shape)
        )
        forward += operations
        if walk.is_trained(visit.layer.kernel):
            kernel_gradients += operations
        if visit.inputs.needs_gradient:
            input_gradients += operations
    return FlopCount(forward, kernel_gradients, input_gradients)
