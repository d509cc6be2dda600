"""Halving the size."""

import keras

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.initialization import bias_initializer, kernel_initializer
from hdgan.layers.kernels import relu
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock


@keras.saving.register_keras_serializable(package="hdgan")
class DownsampleBlock(SequentialBlock):
    """3x3 convolution at stride 2, norm, ReLU: `dk` of Wang et al., 2018.

    One row and column of zeros is added on every side. (`padding="same"` would
    pad only bottom and right of an even size: shifted by a pixel against the
    published networks.)

    Args:
        filters: int, output channels.
        norm: `"instance"`, `"batch"` or `"none"`.

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

    def __init__(self, filters, norm="instance", **kwargs):
        super().__init__(**kwargs)
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
                kernel_initializer=kernel_initializer(),
                bias_initializer=bias_initializer(9 * input_shape[-1]),
                dtype=dtype,
                name="convolution",
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
