"""Convolution at constant size, norm and activation."""

import keras

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.kernels import relu
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock


@keras.saving.register_keras_serializable(package="hdgan")
class ConvolutionBlock(SequentialBlock):
    """Reflection padding, convolution, norm, activation at constant size.

    `c7s1-k` of Wang et al., 2018, is `ConvolutionBlock(k, 7)`; its output layer
    is `ConvolutionBlock(3, 7, norm="none", activation="tanh")`.

    Args:
        filters: int, output channels.
        kernel_size: odd int, the kernel's side in pixels. Defaults to `3`.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        activation: name of a Keras activation. Defaults to `"relu"`.
        kernel_initializer: initializer of the kernel, or its name. Defaults
            to `None`, which means N(0, 0.02).
        bias_initializer: initializer of the bias, or its name. Defaults to
            `None`, which means uniform within ±1 / sqrt(fan in).
        kernel_regularizer: regularizer of the kernel, or its name. Defaults
            to `None`.
        bias_regularizer: regularizer of the bias, or its name. Defaults to
            `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`, height and width >
        `kernel_size // 2`; either may be unknown.

    Output shape:
        `(batch, height, width, filters)`.

    Raises:
        ValueError: if `kernel_size` is even or `norm` is unknown.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 36))
        >>> hdgan.layers.ConvolutionBlock(64, 7)(x).shape
        TensorShape([1, 32, 64, 64])
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        norm="instance",
        activation="relu",
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
        if kernel_size % 2 == 0:
            raise ValueError(
                "`kernel_size` must be odd, so that the size stays the same. "
                f"Received: {kernel_size}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.norm = check_norm(norm)
        self.activation = activation

    def _make_layers(self, input_shape):
        dtype = self.dtype_policy
        fan_in = self.kernel_size**2 * input_shape[-1]
        return [
            PaddedConv2D(
                self.filters,
                self.kernel_size,
                pad_width=self.kernel_size // 2,
                pad_mode="reflect",
                name="convolution",
                **self._convolution_options(fan_in),
            ),
            make_norm(self.norm, dtype=dtype, name="norm"),
            keras.layers.Activation(
                relu if self.activation == "relu" else self.activation,
                dtype=dtype,
                name="activation",
            ),
        ]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "norm": self.norm,
            "activation": self.activation,
        }
