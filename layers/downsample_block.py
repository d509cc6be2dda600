"""Halving the size."""

import keras

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.kernels import relu
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock


@keras.saving.register_keras_serializable(package="hdgan")
class DownsampleBlock(SequentialBlock):
    """3x3 convolution at stride 2, norm, ReLU: `dk` of Wang et al., 2018.

    Every side is padded by one row or column of zeros. (`padding="same"` would
    pad only bottom and right of an even size: a shift by a pixel against the
    original PyTorch code.)

    Args:
        filters: int, output channels.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
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
        `(batch, ceil(height / 2), ceil(width / 2), filters)`.

    Raises:
        ValueError: if `norm` is unknown.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 8))
        >>> hdgan.layers.DownsampleBlock(16)(x).shape
        TensorShape([1, 16, 32, 16])
    """

    def __init__(
        self,
        filters,
        norm="instance",
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

    def _make_layers(self, input_shape):
        dtype = self.dtype_policy
        return [
            PaddedConv2D(
                self.filters,
                3,
                strides=2,
                pad_width=1,
                name="convolution",
                **self._convolution_options(9 * input_shape[-1]),
            ),
            make_norm(self.norm, dtype=dtype, name="norm"),
            keras.layers.Activation(relu, dtype=dtype, name="activation"),
        ]

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        halves = [
            None if side is None else (side + 1) // 2
            for side in (height, width)
        ]
        return (batch, *halves, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "norm": self.norm,
        }
