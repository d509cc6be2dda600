"""Convolutions padded as in PyTorch, with the fastest kernels available."""

import keras

from hdgan.layers.kernels import convolve, convolve_transposed

PAD_MODES = ("constant", "reflect")


@keras.saving.register_keras_serializable(package="hdgan")
class PaddedConv2D(keras.layers.Conv2D):
    """Keras' convolution, padded alike on all sides.

    Args:
        filters: int, output channels.
        kernel_size: int, the kernel's side in pixels.
        strides: int, of height and width. Defaults to `1`.
        pad_width: int >= 0, pixels added on each of the four sides. Defaults to
            `0`.
        pad_mode: `"constant"`, zeros, or `"reflect"`, the image mirrored at its
            border pixels without repeating them: `abc` becomes `cbabcba`.
            Defaults to `"constant"`.
        use_bias: bool, whether to add a bias. Defaults to `True`.
        kernel_initializer: as in `keras.layers.Conv2D`. Defaults to
            `"glorot_uniform"`.
        bias_initializer: as in `keras.layers.Conv2D`. Defaults to `"zeros"`.
        kernel_regularizer: as in `keras.layers.Conv2D`. Defaults to `None`.
        bias_regularizer: as in `keras.layers.Conv2D`. Defaults to `None`.
        kernel_constraint: as in `keras.layers.Conv2D`. Defaults to `None`.
        bias_constraint: as in `keras.layers.Conv2D`. Defaults to `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`, each side with its padding at least
        `kernel_size`; height and width may be unknown. With
        `pad_mode="reflect"` both must be greater than `pad_width`.

    Output shape:
        `(batch, new_height, new_width, filters)`, where a side becomes `(side +
        2 * pad_width - kernel_size) // strides + 1`.

    Raises:
        ValueError: if `pad_width` is not an integer >= 0, `pad_mode` is
            unknown, an argument of `keras.layers.Conv2D` is given that this
            layer does not have, or a known height or width is too small for
            the kernel or to be reflected.

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
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        _check_kwargs(type(self), kwargs)
        super().__init__(
            filters,
            kernel_size,
            strides,
            # Whatever keras.json says.
            data_format="channels_last",
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
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
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        # Checks the sides that are known.
        self.compute_output_shape(inputs.shape)
        return convolve(
            inputs,
            self.kernel,
            self.bias,
            self.strides[0],
            self.pad_width,
            self.pad_mode,
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        self._check_size("height", height)
        self._check_size("width", width)
        sides = [
            None
            if side is None
            else (side + 2 * self.pad_width - kernel) // self.strides[0] + 1
            for side, kernel in zip(
                (height, width), self.kernel_size, strict=True
            )
        ]
        return (batch, *sides, self.filters)

    def _check_size(self, side, size):
        """Raises if a side of the image is too small. None is unknown."""
        if size is None:
            return
        if self.pad_mode == "reflect" and size <= self.pad_width:
            raise ValueError(
                f"A {side} of {size} pixels can't be padded by reflection "
                f"of {self.pad_width} pixels. Expected a {side} of at "
                f"least {self.pad_width + 1}; pass a larger image or use a "
                "network with fewer downsamplings."
            )
        kernel, padding = self.kernel_size[0], 2 * self.pad_width
        if size + padding < kernel:
            raise ValueError(
                f"A {side} of {size} + {padding} pixels, image and padding, "
                f"is smaller than the kernel of {self.name}, {kernel} pixels. "
                f"Expected a {side} of at least {kernel - padding}; pass a "
                "larger image or use a network with fewer downsamplings."
            )

    def get_config(self):
        return {
            **_common_config(super().get_config()),
            "kernel_size": self.kernel_size[0],
            "strides": self.strides[0],
            "pad_width": self.pad_width,
            "pad_mode": self.pad_mode,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable(package="hdgan")
class CroppedConv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras' transposed convolution, cropped at the top and at the left.

    `CroppedConv2DTranspose(filters, 3, 2, cropping=1)` is PyTorch's with
    padding 1 and output padding 1. (`padding="same"` would crop bottom and
    right of it: a shift by a pixel.)

    Args:
        filters: int, output channels.
        kernel_size: int, the kernel's side in pixels.
        strides: int, of height and width. Defaults to `1`.
        cropping: int >= 0, smaller than `kernel_size`, pixels cropped at the
            top and at the left. Defaults to `0`.
        use_bias: bool, whether to add a bias. Defaults to `True`.
        kernel_initializer: as in `keras.layers.Conv2DTranspose`. Defaults to
            `"glorot_uniform"`.
        bias_initializer: as in `keras.layers.Conv2DTranspose`. Defaults to
            `"zeros"`.
        kernel_regularizer: as in `keras.layers.Conv2DTranspose`. Defaults to
            `None`.
        bias_regularizer: as in `keras.layers.Conv2DTranspose`. Defaults to
            `None`.
        kernel_constraint: as in `keras.layers.Conv2DTranspose`. Defaults to
            `None`.
        bias_constraint: as in `keras.layers.Conv2DTranspose`. Defaults to
            `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, new_height, new_width, filters)`, where a side becomes
        `(side - 1) * strides + kernel_size - cropping`.

    Raises:
        ValueError: if `cropping` is not an integer >= 0 or not smaller than
            `kernel_size`, or an argument of `keras.layers.Conv2DTranspose` is
            given that this layer does not have.

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
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        _check_kwargs(type(self), kwargs)
        super().__init__(
            filters,
            kernel_size,
            strides,
            # Whatever keras.json says.
            data_format="channels_last",
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        if not isinstance(cropping, int) or cropping < 0:
            raise ValueError(
                "`cropping` must be an integer >= 0, the number of pixels "
                f"cropped at the top and at the left. Received: {cropping!r}"
            )
        if cropping >= self.kernel_size[0]:
            # A single pixel would be cropped to nothing.
            raise ValueError(
                f"`cropping` must be smaller than `kernel_size`. Received: "
                f"cropping={cropping}, kernel_size={kernel_size}"
            )
        self.cropping = cropping
        self.input_spec = keras.layers.InputSpec(ndim=4)

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
            **_common_config(super().get_config()),
            "kernel_size": self.kernel_size[0],
            "strides": self.strides[0],
            "cropping": self.cropping,
        }


_COMMON_ARGUMENTS = (
    "name",
    "trainable",
    "dtype",
    "filters",
    "use_bias",
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)


def _common_config(config):
    """Returns the arguments that these layers share with those of Keras."""
    return {name: config[name] for name in _COMMON_ARGUMENTS}


def _check_kwargs(layer, kwargs):
    """Raises for arguments that Keras' layer has and `call` would ignore."""
    unknown = sorted(set(kwargs) - set(_COMMON_ARGUMENTS))
    if unknown:
        raise ValueError(
            f"{layer.__name__} has no argument {unknown[0]!r}. Expected those "
            f"in its documentation. Received: {unknown[0]}="
            f"{kwargs[unknown[0]]!r}"
        )
