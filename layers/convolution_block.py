"""Convolution at constant size, norm and activation."""

import keras

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.initialization import bias_initializer, kernel_initializer
from hdgan.layers.kernels import relu
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock


@keras.saving.register_keras_serializable(package="hdgan")
class ConvolutionBlock(SequentialBlock):
    """Reflection padding, convolution, norm, activation; the size stays.

    `c7s1-k` of Wang et al., 2018, is `ConvolutionBlock(k, 7)`; its output layer
    is `ConvolutionBlock(3, 7, norm="none", activation="tanh")`.

    Args:
        filters: int, output channels.
        kernel_size: odd int, the kernel's side in pixels.
        norm: `"instance"`, `"batch"` or `"none"`.
        activation: name of a Keras activation.

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
        **kwargs,
    ):
        super().__init__(**kwargs)
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
                kernel_initializer=kernel_initializer(),
                bias_initializer=bias_initializer(fan_in),
                dtype=dtype,
                name="convolution",
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
