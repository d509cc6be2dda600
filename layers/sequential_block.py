"""The base class of the blocks: children in a row, initial weights."""

import operator

import keras

from hdgan.layers.initialization import (
    clone_initializer,
    default_bias_initializer,
    default_kernel_initializer,
)
from hdgan.layers.input_spec import image_spec


class SequentialBlock(keras.layers.Layer):
    """Builds its children in order and calls one after the other.

    A subclass defines `_make_layers(input_shape)`, which returns the list of
    its children, and passes the arguments below on.

    Args:
        kernel_initializer: initializer of the kernels, or its name. Defaults to
            `None`, which means N(0, 0.02).
        bias_initializer: initializer of the biases, or its name. Defaults to
            `None`, which means uniform within ±1 / sqrt(fan in).
        kernel_regularizer: regularizer of the kernels, or its name. Defaults to
            `None`.
        bias_regularizer: regularizer of the biases, or its name. Defaults to
            `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Raises:
        ValueError: on a call with another rank than 4, or with another number
            of channels than it was built for.
    """

    def __init__(
        self,
        kernel_initializer=None,
        bias_initializer=None,
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        self.input_spec = image_spec(self, input_shape)
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

    def get_config(self):
        return {
            **super().get_config(),
            **serialize_weight_options(self),
        }

    def _convolution_options(self, fan_in):
        """Returns the arguments that all convolutions of the block share.

        Args:
            fan_in: int, inputs of one output value.
        """
        kernel_initializer = clone_initializer(self.kernel_initializer)
        bias_initializer = clone_initializer(self.bias_initializer)
        return {
            "kernel_initializer": kernel_initializer
            or default_kernel_initializer(),
            "bias_initializer": bias_initializer
            or default_bias_initializer(fan_in),
            "kernel_regularizer": self.kernel_regularizer,
            "bias_regularizer": self.bias_regularizer,
            "dtype": self.dtype_policy,
        }


def serialize_weight_options(layer):
    """Returns the config of initializers and regularizers."""
    return {
        "kernel_initializer": keras.initializers.serialize(
            layer.kernel_initializer
        ),
        "bias_initializer": keras.initializers.serialize(
            layer.bias_initializer
        ),
        "kernel_regularizer": keras.regularizers.serialize(
            layer.kernel_regularizer
        ),
        "bias_regularizer": keras.regularizers.serialize(
            layer.bias_regularizer
        ),
    }
