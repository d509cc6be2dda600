"""The common part of the blocks: children that follow one another."""

import operator

import keras


class SequentialBlock(keras.layers.Layer):
    """Builds its children in order and calls one after the other.

    A subclass gives `_make_layers(input_shape)`, the list of its children.
    """

    def build(self, input_shape):
        self.sequence = self._make_layers(input_shape)
        shape = input_shape
        for layer in self.sequence:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, inputs):
        return self.call_children(operator.call, inputs)

    def call_children(self, call, inputs):
        """Calls each child by `call(child, inputs)`; used by shape traces."""
        x = inputs
        for layer in self.sequence:
            x = call(layer, x)
        return x
