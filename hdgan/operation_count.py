"""How many floating-point operations a model takes, from its shapes."""

import dataclasses
import functools
import math

import keras

from hdgan.layers import Multiscale, PatchDiscriminator, SpectralNormalization
from hdgan.layers.sequential_block import SequentialBlock


@dataclasses.dataclass(frozen=True)
class OperationCount:
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


def padded_size(model, height, width):
    """Returns the `(height, width)` that the model's networks are given."""
    return model.coding.pad.compute_output_shape((1, height, width))[1:]


def count_synthesis(model, batch_size, height, width):
    """Counts the operations of one synthesis, an encoder's included.

    Args:
        model: `Pix2PixHD`.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `OperationCount`.

    Raises:
        ValueError: if a network holds convolutions in a layer whose inside is
            not known here.
    """
    walk = _walk_generator(model, (), batch_size, height, width)
    return OperationCount(walk.forward)


def count_train_step(model, batch_size, height, width):
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
        `OperationCount`.

    Raises:
        ValueError: as `count_synthesis`.
    """
    generator = _walk_generator(
        model, model._generator_variables(), batch_size, height, width
    )
    discriminator = model.discriminator
    shape = (
        batch_size,
        *padded_size(model, height, width),
        discriminator.input_shape[-1],
    )
    judge = _Walk(discriminator.trainable_variables)
    judge.visit(discriminator, _Map(shape, needs_gradient=False))
    critic = _Walk(())
    critic.visit(discriminator, _Map(shape, needs_gradient=True))
    num_judged = 2 if model._fake_pool is None else 3
    return OperationCount(
        generator.forward + num_judged * judge.forward,
        generator.kernel_gradients + 2 * judge.kernel_gradients,
        generator.input_gradients
        + 2 * judge.input_gradients
        + critic.input_gradients,
    )


def _walk_generator(model, trained, batch_size, height, width):
    """Walks through the encoder, if there is one, and the generator."""
    size = (batch_size, *padded_size(model, height, width))
    walk = _Walk(trained)
    needs_gradient = False
    if model.encoder is not None:
        features = walk.visit(
            model.encoder, _Map((*size, 3), False), _Map(size, False)
        )
        needs_gradient = features.needs_gradient
    channels = model.generator.input_shape[-1]
    walk.visit(model.generator, _Map((*size, channels), needs_gradient))
    return walk


@dataclasses.dataclass(frozen=True)
class _Map:
    """What flows between layers: a shape, and whether gradients flow back."""

    shape: tuple
    needs_gradient: bool


class _Walk:
    """Goes through layers as a call would, and counts.

    Args:
        trained: variables whose gradients are taken.
    """

    def __init__(self, trained):
        self._trained = {id(variable) for variable in trained}
        self.forward = 0
        self.kernel_gradients = 0
        self.input_gradients = 0

    def visit(self, layer, *inputs, **_):
        """Returns the layer's outputs for these `_Map`s, in its structure."""
        if isinstance(layer, keras.Model):
            return layer._run_through_graph(
                inputs, lambda inner: functools.partial(self.visit, inner)
            )
        if isinstance(layer, SpectralNormalization):
            return self.visit(layer.layer, *inputs)
        if isinstance(layer, Multiscale):
            return self._visit_scales(layer, *inputs)
        if isinstance(layer, PatchDiscriminator):
            return self._visit_chain(layer.stages, *inputs)
        if isinstance(layer, SequentialBlock):
            return self._visit_chain(layer.sequence, *inputs)[-1]
        outputs = self._pass(layer, inputs)
        if isinstance(
            layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
        ):
            self._count(layer, *inputs, outputs)
        elif any(len(weight.shape) == 4 for weight in layer.weights):
            raise ValueError(
                "Operations are counted in Conv2D, Conv2DTranspose and the "
                f"blocks of hdgan.layers. Received: {layer.name}, a "
                f"{type(layer).__name__} that holds a kernel. Make it of those."
            )
        return outputs

    def _visit_chain(self, layers, x):
        outputs = []
        for layer in layers:
            x = self.visit(layer, x)
            outputs.append(x)
        return outputs

    def _visit_scales(self, layer, image):
        outputs = []
        for index, scale in enumerate(layer.scales):
            if index:
                image = self.visit(layer.pool, image)
            outputs.append(self.visit(scale, image))
        return outputs

    def _pass(self, layer, inputs):
        """Returns the output of a layer that has one, without counting."""
        needs_gradient = any(
            map_.needs_gradient for map_ in keras.tree.flatten(inputs)
        ) or any(id(variable) in self._trained for variable in layer.weights)
        symbols = keras.tree.map_structure(
            lambda map_: keras.KerasTensor(map_.shape), inputs
        )
        shape = layer.compute_output_spec(*symbols).shape
        return _Map(tuple(shape), needs_gradient)

    def _count(self, layer, inputs, outputs):
        # Each weight of a kernel meets each pixel of the smaller map, forward
        # and in either gradient alike.
        is_transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        pixels = (inputs if is_transposed else outputs).shape[:3]
        operations = 2 * math.prod(pixels) * math.prod(layer.kernel.shape)
        self.forward += operations
        if id(layer.kernel) in self._trained:
            self.kernel_gradients += operations
        if inputs.needs_gradient:
            self.input_gradients += operations
