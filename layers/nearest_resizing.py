"""Nearest-neighbour resizing as PyTorch does it."""

import keras
from keras import ops

from hdgan.layers.kernels import call_shared, recompute_from


def resize_nearest(x, height, width):
    """Resizes images or maps by nearest neighbour, from the top left corner.

    Output pixel i shows input pixel `floor(i * input_side / output_side)`, as
    in PyTorch. `keras.ops.image.resize` and PIL measure from the centres of the
    pixels and choose others: from 8 to 2 they take 2 and 6 in place of 0 and 4.

    Args:
        x: tensor of any dtype, `(batch, rows, columns, channels)`.
        height: int or integer scalar >= 1, rows of the result.
        width: int or integer scalar >= 1, columns of the result.

    Returns:
        Tensor of the same dtype, `(batch, height, width, channels)`.

    Example:
        >>> half = resize_nearest(label_map, 128, 256)
    """
    rows, columns = ops.shape(x)[1:3]
    x = ops.take(x, _source_pixels(rows, height), axis=1)
    return ops.take(x, _source_pixels(columns, width), axis=2)


def _source_pixels(size, new_size):
    """Returns for each pixel of `new_size` the one of `size` it shows."""
    known = new_size if isinstance(new_size, int) else None
    return call_shared(_divide_pixels, (size, new_size), shape=(known,))


def _divide_pixels(size, new_size):
    # In float32, as in PyTorch: its rounding decides between two pixels where
    # the ratio is not an integer (175 to 21 is such a case).
    ratio = ops.cast(size, "float32") / ops.cast(new_size, "float32")
    pixels = ops.cast(ops.arange(new_size, dtype="int32"), "float32") * ratio
    return ops.minimum(ops.cast(ops.floor(pixels), "int32"), size - 1)


@keras.saving.register_keras_serializable(package="hdgan")
class NearestDownsampling(keras.layers.Layer):
    """Divides height and width by a factor: keeps every `factor`-th pixel.

    A side that the factor does not divide becomes `side // factor`, with the
    pixels that `resize_nearest` chooses.

    Args:
        factor: int >= 1.

    Input shape:
        `(batch, height, width, channels)`, both sides at least `factor`; either
        may be unknown.

    Output shape:
        `(batch, height // factor, width // factor, channels)`.

    Raises:
        ValueError: if `factor` is not an integer >= 1, or a known side is
            smaller than it.

    Example:
        >>> x = keras.random.normal((1, 32, 64, 8))
        >>> hdgan.layers.NearestDownsampling(4)(x).shape
        TensorShape([1, 8, 16, 8])
    """

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(factor, int) or factor < 1:
            raise ValueError(
                f"`factor` must be an integer >= 1. Received: {factor!r}"
            )
        self.factor = factor
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        # Checks the sides that are known.
        self.compute_output_shape(inputs.shape)
        height, width = ops.shape(inputs)[1:3]
        return resize_nearest(
            inputs, height // self.factor, width // self.factor
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        for side, size in (("height", height), ("width", width)):
            if size is not None and size < self.factor:
                raise ValueError(
                    f"The {side} must be at least {self.factor} pixels to be "
                    f"divided by `factor`. Received: {size} pixels"
                )
        smaller = [
            None if side is None else side // self.factor
            for side in (height, width)
        ]
        return (batch, *smaller, channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="hdgan")
class NearestDoubling(keras.layers.Layer):
    """Doubles height and width: each pixel becomes 2x2 equal ones.

    It is `keras.layers.UpSampling2D()`, except that a gradient recomputes the
    result, which is four times as large as the input, instead of keeping it.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        `(batch, 2 * height, 2 * width, channels)`.

    Example:
        >>> x = keras.random.normal((1, 8, 16, 4))
        >>> hdgan.layers.NearestDoubling()(x).shape
        TensorShape([1, 16, 32, 4])
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        return recompute_from(_double, inputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        doubles = [
            None if side is None else 2 * side for side in (height, width)
        ]
        return (batch, *doubles, channels)


def _double(x):
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
