"""Going through networks by shape alone, convolution by convolution."""

import dataclasses
import functools

import keras

from hdgan.layers import (
    Multiscale,
    PatchDiscriminator,
    ResidualBlock,
    SpectralNormalization,
)
from hdgan.layers.keras_internals import run_through_graph
from hdgan.layers.sequential_block import SequentialBlock


@dataclasses.dataclass(frozen=True)
class TracedTensor:
    """What flows between layers.

    Args:
        shape: tuple of int, `(batch, height, width, channels)`.
        needs_gradient: bool, whether gradients flow back.
    """

    shape: tuple
    needs_gradient: bool = False


@dataclasses.dataclass(frozen=True)
class TracedLayer:
    """A layer that was passed: its input, or inputs, and its output."""

    layer: keras.layers.Layer
    inputs: object
    outputs: TracedTensor

    @property
    def is_convolution(self):
        """Whether the layer is a convolution, transposed or not."""
        return isinstance(
            self.layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
        )


class ShapeTrace:
    """Goes through layers as a call would, and notes what it passes.

    Blocks are gone into; of residual blocks the addition is noted as well, as a
    visit of the block.

    Args:
        trained: variables whose gradients are taken.
    """

    def __init__(self, trained=()):
        self._trained = {id(variable) for variable in trained}
        self.visits = []

    def is_trained(self, variable):
        """Whether the variable's gradient is taken."""
        return id(variable) in self._trained

    def visit(self, layer, *inputs, **_):
        """Goes through a layer or model.

        Args:
            layer: Keras layer.
            *inputs: a `TracedTensor`, or a list of them, for each.

        Returns:
            The layer's outputs as `TracedTensor`s, in its structure.

        Raises:
            ValueError: if a network holds convolutions in a layer whose inside
                is not known here.
        """
        if isinstance(layer, keras.Model):
            return run_through_graph(
                layer,
                inputs,
                lambda inner: functools.partial(self.visit, inner),
            )
        if isinstance(layer, SpectralNormalization):
            return self.visit(layer.layer, *inputs)
        if isinstance(layer, Multiscale):
            return self._visit_scales(layer, *inputs)
        if isinstance(layer, PatchDiscriminator):
            return self._visit_chain(layer.stages, *inputs)
        if isinstance(layer, SequentialBlock):
            outputs = self._visit_chain(layer.sequence, *inputs)[-1]
            if isinstance(layer, ResidualBlock):
                self.visits.append(TracedLayer(layer, inputs[0], outputs))
            return outputs
        visit = TracedLayer(layer, inputs[0], self._pass(layer, inputs))
        self.visits.append(visit)
        if not visit.is_convolution and any(
            len(weight.shape) == 4 for weight in layer.weights
        ):
            raise ValueError(
                "Operations are counted in Conv2D, Conv2DTranspose and the "
                f"blocks of hdgan.layers. Received: {layer.name}, a "
                f"{type(layer).__name__} that holds a kernel. Make it of those."
            )
        return visit.outputs

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
        """Returns the output of a layer that has one."""
        needs_gradient = any(
            map_.needs_gradient for map_ in keras.tree.flatten(inputs)
        ) or any(self.is_trained(variable) for variable in layer.weights)
        symbols = keras.tree.map_structure(
            lambda map_: keras.KerasTensor(map_.shape), inputs
        )
        shape = layer.compute_output_spec(*symbols).shape
        return TracedTensor(tuple(shape), needs_gradient)


def padded_size(model, height, width):
    """Returns the `(height, width)` that the model's networks are given."""
    return model.preprocessing.pad.compute_output_shape((1, height, width))[1:]


def trace_generator(model, trained, batch_size, height, width):
    """Goes through the encoder, if there is one, and the generator.

    Args:
        model: `Pix2PixHD`.
        trained: variables whose gradients are taken.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `ShapeTrace`.
    """
    size = (batch_size, *padded_size(model, height, width))
    walk = ShapeTrace(trained)
    needs_gradient = False
    if model.encoder is not None:
        features = walk.visit(
            model.encoder, TracedTensor((*size, 3)), TracedTensor(size)
        )
        needs_gradient = features.needs_gradient
    channels = model.generator.input_shape[-1]
    walk.visit(model.generator, TracedTensor((*size, channels), needs_gradient))
    return walk


def trace_discriminator(
    model, trained, batch_size, height, width, needs_gradient=False
):
    """Goes through the discriminator.

    Args:
        model: `Pix2PixHD`.
        trained: variables whose gradients are taken.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.
        needs_gradient: bool, whether the image's gradient is taken.

    Returns:
        `ShapeTrace`.
    """
    walk = ShapeTrace(trained)
    channels = model.discriminator.input_shape[-1]
    shape = (batch_size, *padded_size(model, height, width), channels)
    walk.visit(model.discriminator, TracedTensor(shape, needs_gradient))
    return walk
