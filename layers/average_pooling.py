"""Average pooling whose borders are not darkened by padding."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="hdgan")
class AveragePooling2DExcludingPadding(keras.layers.Layer):
    """Halves the size: mean over 3x3 windows at stride 2, padded by one pixel.

    At the border the mean is taken over the real pixels only. pix2pixHD makes
    every image pyramid with it. (`AveragePooling2D(padding="same")` pads only
    bottom and right of an even size: shifted by a pixel.)

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, ceil(height / 2), ceil(width / 2), channels)`.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 8))
        >>> hdgan.layers.AveragePooling2DExcludingPadding()(x).shape
        TensorShape([1, 16, 32, 8])
    """

    def call(self, inputs):
        height, width = ops.shape(inputs)[1:3]
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        means = ops.average_pool(padded, 3, strides=2, padding="valid")
        rows = 3.0 / _real_pixels(height)
        columns = 3.0 / _real_pixels(width)
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


def _real_pixels(size):
    """Counts, along one side, the pixels in each window that aren't padding."""
    centres = 2 * ops.arange((size + 1) // 2, dtype="int32")
    last = ops.minimum(centres + 1, size - 1)
    first = ops.maximum(centres - 1, 0)
    return ops.cast(last - first + 1, "float32")
