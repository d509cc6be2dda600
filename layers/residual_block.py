"""Residual block."""

import keras
from keras import ops

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.kernels import relu
from hdgan.layers.noise_dropout import NoiseDropout
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock

PADDINGS = {"reflect": "reflect", "zero": "constant"}


@keras.saving.register_keras_serializable(package="hdgan")
class ResidualBlock(SequentialBlock):
    """Two 3x3 convolutions with norms, added to the input.

    `Rk` of Wang et al., 2018: pad, convolution, norm, ReLU, (dropout,) pad,
    convolution, norm, add; nothing follows the addition.

    Args:
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        padding: `"reflect"` or `"zero"`, by one pixel. Defaults to `"reflect"`.
        dropout_rate: float in [0, 1), dropout between the convolutions.
            `dropout_noise` can turn it on at synthesis, as a source of noise.
            Defaults to `0.0`.
        kernel_initializer: initializer of the kernels, or its name. Defaults
            to `None`, which means N(0, 0.02).
        bias_initializer: initializer of the biases, or its name. Defaults to
            `None`, which means uniform within ±1 / sqrt(fan in).
        kernel_regularizer: regularizer of the kernels, or its name. Defaults
            to `None`.
        bias_regularizer: regularizer of the biases, or its name. Defaults to
            `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`, height and width >= 2 with
        `padding="reflect"`; either may be unknown.

    Output shape:
        The input's.

    Raises:
        ValueError: if `norm` or `padding` is unknown, or `dropout_rate` is
            outside [0, 1).

    Example:
        >>> x = keras.random.normal((1, 16, 32, 64))
        >>> hdgan.layers.ResidualBlock()(x).shape
        TensorShape([1, 16, 32, 64])
    """

    def __init__(
        self,
        norm="instance",
        padding="reflect",
        dropout_rate=0.0,
        kernel_initializer=None,
        bias_initializer=None,
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            **kwargs,
        )
        if padding not in PADDINGS:
            raise ValueError(
                "`padding` must be one of "
                f"{tuple(PADDINGS)}. Received: {padding!r}"
            )
        if not 0 <= dropout_rate < 1:
            raise ValueError(
                f"`dropout_rate` must be in [0, 1). Received: {dropout_rate}"
            )
        self.norm = check_norm(norm)
        self.padding = padding
        self.dropout_rate = dropout_rate

    def _make_layers(self, input_shape):
        dtype = self.dtype_policy
        filters = input_shape[-1]

        def convolution(name):
            return PaddedConv2D(
                filters,
                3,
                pad_width=1,
                pad_mode=PADDINGS[self.padding],
                name=name,
                **self._convolution_options(9 * filters),
            )

        layers = [
            convolution("convolution_1"),
            make_norm(self.norm, dtype=dtype, name="norm_1"),
            keras.layers.Activation(relu, dtype=dtype, name="activation"),
            convolution("convolution_2"),
            make_norm(self.norm, dtype=dtype, name="norm_2"),
        ]
        if self.dropout_rate:
            layers.insert(
                3, NoiseDropout(self.dropout_rate, dtype=dtype, name="dropout")
            )
        return layers

    def call_children(self, call, inputs):
        return call(ops.add, inputs, super().call_children(call, inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "norm": self.norm,
            "padding": self.padding,
            "dropout_rate": self.dropout_rate,
        }
