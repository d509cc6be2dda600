"""Average pooling that leaves padding out of its means."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="hdgan")
class AveragePooling2DExcludingPadding(keras.layers.Layer):
    """Halves the size: mean over 3x3 windows at stride 2, padded by one pixel.

    At the border the mean is over the image's pixels only. pix2pixHD makes
    every image pyramid with it. (`AveragePooling2D(padding="same")` pads only
    bottom and right of an even size: a shift by a pixel.)

    Args:
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, ceil(height / 2), ceil(width / 2), channels)`.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 8))
        >>> hdgan.layers.AveragePooling2DExcludingPadding()(x).shape
        TensorShape([1, 16, 32, 8])
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        height, width = ops.shape(inputs)[1:3]
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        means = ops.average_pool(padded, 3, 2, "valid", "channels_last")
        rows = 3.0 / _count_pixels(height)
        columns = 3.0 / _count_pixels(width)
        scale = ops.reshape(rows, (1, -1, 1, 1)) * ops.reshape(
            columns, (1, 1, -1, 1)
        )
        return means * ops.cast(scale, means.dtype)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        halves = [
            None if side is None else (side + 1) // 2
            for side in (height, width)
        ]
        return (batch, *halves, channels)


def _count_pixels(size):
    """Counts the pixels that aren't padding in each window along one side."""
    centers = 2 * ops.arange((size + 1) // 2, dtype="int32")
    last = ops.minimum(centers + 1, size - 1)
    first = ops.maximum(centers - 1, 0)
    return ops.cast(last - first + 1, "float32")
