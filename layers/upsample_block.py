"""Doubling the size."""

import keras

from hdgan.layers.convolution import CroppedConv2DTranspose, PaddedConv2D
from hdgan.layers.kernels import relu
from hdgan.layers.nearest_resizing import NearestDoubling
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock

UPSAMPLINGS = ("transposed", "resize")


@keras.saving.register_keras_serializable(package="hdgan")
class UpsampleBlock(SequentialBlock):
    """Doubling of the size by a 3x3 convolution, norm, ReLU.

    `"transposed"` is `uk` of Wang et al., 2018: a transposed convolution at
    stride 2. PyTorch's padding 1 with output padding 1 is a valid transposed
    convolution without its first row and column. (`padding="same"` would crop
    the last ones: a shift by a pixel.) Of its output pixels some meet one
    weight of the kernel, others two or four: that paints a checkerboard until
    training has evened it out.

    `"resize"` doubles the size by nearest neighbour, then pads by reflection
    and convolves at stride 1. Every output pixel meets all nine weights:
    Odena et al., 2016, "Deconvolution and Checkerboard Artifacts". It takes
    four times the FLOPs of `"transposed"`.

    Args:
        filters: int, output channels.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        upsampling: `"transposed"` or `"resize"`. Defaults to `"transposed"`.
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
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, 2 * height, 2 * width, filters)`.

    Raises:
        ValueError: if `norm` or `upsampling` is unknown.

    Example:
        >>> x = keras.random.normal((1, 16, 32, 16))
        >>> hdgan.layers.UpsampleBlock(8)(x).shape
        TensorShape([1, 32, 64, 8])
    """

    def __init__(
        self,
        filters,
        norm="instance",
        upsampling="transposed",
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
        self.filters = filters
        self.norm = check_norm(norm)
        if upsampling not in UPSAMPLINGS:
            raise ValueError(
                f"`upsampling` must be one of {UPSAMPLINGS}. "
                f"Received: {upsampling!r}"
            )
        self.upsampling = upsampling

    def _make_layers(self, input_shape):
        dtype = self.dtype_policy
        return [
            *self._make_doubling(input_shape[-1]),
            make_norm(self.norm, dtype=dtype, name="norm"),
            keras.layers.Activation(relu, dtype=dtype, name="activation"),
        ]

    def _make_doubling(self, input_channels):
        if self.upsampling == "resize":
            return [
                NearestDoubling(dtype=self.dtype_policy, name="resize"),
                PaddedConv2D(
                    self.filters,
                    3,
                    pad_width=1,
                    pad_mode="reflect",
                    name="convolution",
                    **self._convolution_options(9 * input_channels),
                ),
            ]
        return [
            CroppedConv2DTranspose(
                self.filters,
                3,
                strides=2,
                cropping=1,
                name="convolution",
                # PyTorch counts the outputs as inputs here.
                **self._convolution_options(9 * self.filters),
            )
        ]

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        doubles = [
            None if side is None else 2 * side for side in (height, width)
        ]
        return (batch, *doubles, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "norm": self.norm,
            "upsampling": self.upsampling,
        }
