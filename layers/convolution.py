"""Convolution as PyTorch pads it, with the fastest kernels there are."""

import keras

from hdgan.layers.kernels import convolve


@keras.saving.register_keras_serializable(package="hdgan")
class PaddedConv2D(keras.layers.Conv2D):
    """Keras' convolution with a number of zeros on each side.

    Args:
        filters: int, output channels.
        kernel_size: int, the kernel's side in pixels.
        strides: int.
        zero_padding: int >= 0, pixels added on each of the four sides.
        kernel_initializer: as of `keras.layers.Conv2D`.
        bias_initializer: the same.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, new_height, new_width, filters)`, where a side becomes `(side +
        2 * zero_padding - kernel_size) // strides + 1`.

    Raises:
        ValueError: if `zero_padding` is not an integer >= 0.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 8))
        >>> hdgan.layers.PaddedConv2D(16, 3, 2, zero_padding=1)(x).shape
        TensorShape([1, 16, 32, 16])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        zero_padding=0,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            **kwargs,
        )
        if not isinstance(zero_padding, int) or zero_padding < 0:
            raise ValueError(
                "`zero_padding` must be an integer >= 0, the number of pixels "
                f"added on each side. Received: {zero_padding!r}"
            )
        self.zero_padding = zero_padding

    def call(self, inputs):
        return convolve(
            inputs,
            self.kernel,
            self.bias,
            self.strides[0],
            self.zero_padding,
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        sides = [
            None
            if side is None
            else (side + 2 * self.zero_padding - kernel) // self.strides[0] + 1
            for side, kernel in zip(
                (height, width), self.kernel_size, strict=True
            )
        ]
        return (batch, *sides, self.filters)

    def get_config(self):
        config = super().get_config()
        kept = ("name", "trainable", "dtype", "filters")
        kept += ("kernel_initializer", "bias_initializer")
        return {
            **{name: config[name] for name in kept},
            "kernel_size": self.kernel_size[0],
            "strides": self.strides[0],
            "zero_padding": self.zero_padding,
        }
