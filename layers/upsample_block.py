"""Doubling the size."""

import keras

from hdgan.layers.convolution import CroppedConv2DTranspose
from hdgan.layers.initialization import bias_initializer, kernel_initializer
from hdgan.layers.kernels import relu
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import SequentialBlock


@keras.saving.register_keras_serializable(package="hdgan")
class UpsampleBlock(SequentialBlock):
    """3x3 transposed convolution at stride 2, norm, ReLU.

    `uk` of Wang et al., 2018: padding 1 and output padding 1 in PyTorch's
    terms, which is a valid transposed convolution without its first row and
    column. (`padding="same"` would cut the last ones: shifted by a pixel.)

    Args:
        filters: int, output channels.
        norm: `"instance"`, `"batch"` or `"none"`.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, 2 * height, 2 * width, filters)`.

    Raises:
        ValueError: if `norm` is unknown.

    Example:
        >>> x = keras.random.normal((1, 16, 32, 16))
        >>> hdgan.layers.UpsampleBlock(8)(x).shape
        TensorShape([1, 32, 64, 8])
    """

    def __init__(self, filters, norm="instance", **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.norm = check_norm(norm)

    def _make_layers(self, input_shape):
        dtype = self.dtype_policy
        return [
            CroppedConv2DTranspose(
                self.filters,
                3,
                strides=2,
                cropping=1,
                kernel_initializer=kernel_initializer(),
                bias_initializer=bias_initializer(9 * self.filters),
                dtype=dtype,
                name="convolution",
            ),
            make_norm(self.norm, dtype=dtype, name="norm"),
            keras.layers.Activation(relu, dtype=dtype, name="activation"),
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
        }
