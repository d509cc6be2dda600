"""Convolutions as PyTorch pads them, with the fastest kernels there are."""

import keras
from keras import ops

from hdgan.layers.kernels import convolve, convolve_transposed

PAD_MODES = ("constant", "reflect")


@keras.saving.register_keras_serializable(package="hdgan")
class PaddedConv2D(keras.layers.Conv2D):
    """Keras' convolution, padded alike on all sides.

    Args:
        filters: int, output channels.
        kernel_size: int, the kernel's side in pixels.
        strides: int.
        pad_width: int >= 0, pixels added on each of the four sides.
        pad_mode: `"constant"`, zeros, or `"reflect"`, the image mirrored at its
            border pixels, which are not repeated: `abc` becomes `cbabcba`.
        kernel_initializer: as of `keras.layers.Conv2D`.
        bias_initializer: the same.
        use_bias: bool, whether a bias is added.

    Input shape:
        `(batch, height, width, channels)`, height and width > `pad_width` where
        it is reflected; either may be unknown.

    Output shape:
        `(batch, new_height, new_width, filters)`, where a side becomes `(side +
        2 * pad_width - kernel_size) // strides + 1`.

    Raises:
        ValueError: if `pad_width` is not an integer >= 0 or `pad_mode` unknown,
            or a known height or width is too small to be reflected.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 8))
        >>> hdgan.layers.PaddedConv2D(16, 3, 2, pad_width=1)(x).shape
        TensorShape([1, 16, 32, 16])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        pad_width=0,
        pad_mode="constant",
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        use_bias=True,
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            **kwargs,
        )
        if not isinstance(pad_width, int) or pad_width < 0:
            raise ValueError(
                "`pad_width` must be an integer >= 0, the number of pixels "
                f"added on each side. Received: {pad_width!r}"
            )
        if pad_mode not in PAD_MODES:
            raise ValueError(
                f"`pad_mode` must be one of {PAD_MODES}. Received: {pad_mode!r}"
            )
        self.pad_width = pad_width
        self.pad_mode = pad_mode

    def build(self, input_shape):
        for side, size in zip(
            ("height", "width"), input_shape[1:3], strict=True
        ):
            if (
                self.pad_mode == "reflect"
                and size is not None
                and size <= self.pad_width
            ):
                raise ValueError(
                    f"A {side} of {size} pixels can't be padded by reflection "
                    f"of {self.pad_width} pixels. Expected a {side} of at "
                    f"least {self.pad_width + 1}; give a larger image or a "
                    "network with fewer downsamplings."
                )
        super().build(input_shape)

    def call(self, inputs):
        bias = self.bias
        if bias is None:
            # Adding zeros takes no time: TensorFlow adds the bias, and takes
            # the activation, in the kernel of the convolution.
            bias = ops.zeros((self.filters,), inputs.dtype)
        return convolve(
            inputs,
            self.kernel,
            bias,
            self.strides[0],
            self.pad_width,
            self.pad_mode,
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        sides = [
            None
            if side is None
            else (side + 2 * self.pad_width - kernel) // self.strides[0] + 1
            for side, kernel in zip(
                (height, width), self.kernel_size, strict=True
            )
        ]
        return (batch, *sides, self.filters)

    def get_config(self):
        return {
            **_kept_config(super().get_config()),
            "kernel_size": self.kernel_size[0],
            "strides": self.strides[0],
            "pad_width": self.pad_width,
            "pad_mode": self.pad_mode,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable(package="hdgan")
class CroppedConv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' transposed convolution, cut at the top and at the left.

    `CroppedConv2DTranspose(filters, 3, 2, cropping=1)` is PyTorch's with
    padding 1 and output padding 1. (`padding="same"` would cut bottom and right
    of it: shifted by a pixel.)

    Args:
        filters: int, output channels.
        kernel_size: int, the kernel's side in pixels.
        strides: int.
        cropping: int >= 0, pixels cut off.
        kernel_initializer: as of `keras.layers.Conv2DTranspose`.
        bias_initializer: the same.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, new_height, new_width, filters)`, where a side becomes
        `(side - 1) * strides + kernel_size - cropping`.

    Raises:
        ValueError: if `cropping` is not an integer >= 0.

    Example:
        >>> x = keras.random.normal((1, 16, 32, 16))
        >>> layer = hdgan.layers.CroppedConv2DTranspose(8, 3, 2, cropping=1)
        >>> layer(x).shape
        TensorShape([1, 32, 64, 8])
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        cropping=0,
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
        if not isinstance(cropping, int) or cropping < 0:
            raise ValueError(
                "`cropping` must be an integer >= 0, the number of pixels cut "
                f"off. Received: {cropping!r}"
            )
        self.cropping = cropping

    def call(self, inputs):
        return convolve_transposed(
            inputs, self.kernel, self.bias, self.strides[0], self.cropping
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        sides = [
            None
            if side is None
            else (side - 1) * self.strides[0] + kernel - self.cropping
            for side, kernel in zip(
                (height, width), self.kernel_size, strict=True
            )
        ]
        return (batch, *sides, self.filters)

    def get_config(self):
        return {
            **_kept_config(super().get_config()),
            "kernel_size": self.kernel_size[0],
            "strides": self.strides[0],
            "cropping": self.cropping,
        }


def _kept_config(config):
    """Returns what the layers here have in common with those of Keras."""
    kept = ("name", "trainable", "dtype", "filters")
    kept += ("kernel_initializer", "bias_initializer")
    return {name: config[name] for name in kept}
