"""Padding to a size that a network accepts."""

import keras
from keras import ops

from hdgan.layers.kernels import call_shared


@keras.saving.register_keras_serializable(package="hdgan")
class EdgePadding(keras.layers.Layer):
    """Repeats the last row and column until both sides suit a network.

    Each side grows to the next multiple of `multiple`, and to at least
    `minimum`. Pixel (y, x) stays at (y, x), so `[:, :height, :width]` crops the
    network's output. The dtype stays as well: label ids and instance ids don't
    change, whatever the compute dtype.

    Args:
        multiple: int >= 1; each side becomes a multiple of it, in pixels.
        minimum: int >= 1, a multiple of `multiple`; the smallest side, in
            pixels. Defaults to `None`, which means `multiple`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width)` or `(batch, height, width, channels)`, of any
        dtype; sizes may be unknown.

    Output shape:
        The same with larger height and width.

    Raises:
        ValueError: if `multiple` or `minimum` is not an integer >= 1, or
            `minimum` is not a multiple of `multiple`.

    Example:
        >>> label_map = np.zeros((1, 17, 33), "uint8")
        >>> hdgan.layers.EdgePadding(16, minimum=32)(label_map).shape
        TensorShape([1, 32, 48])
    """

    def __init__(self, multiple, minimum=None, **kwargs):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)
        minimum = multiple if minimum is None else minimum
        for name, value in (("multiple", multiple), ("minimum", minimum)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be an integer >= 1. Received: {value!r}"
                )
        if minimum % multiple:
            raise ValueError(
                "`minimum` must be a multiple of `multiple`. Received: "
                f"minimum={minimum}, multiple={multiple}"
            )
        self.multiple = multiple
        self.minimum = minimum
        self.input_spec = keras.layers.InputSpec(min_ndim=3, max_ndim=4)

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        outputs = inputs
        for axis in (1, 2):
            size = ops.shape(inputs)[axis]
            if isinstance(size, int):
                # Not by `ops`: within JAX' jit the result would be unknown.
                padded = _padded(size, self.multiple, self.minimum)
                if padded == size:
                    continue
                pixels = ops.minimum(ops.arange(padded), size - 1)
            else:
                pixels = call_shared(
                    _find_pixels, (size,), self.multiple, self.minimum
                )
            outputs = ops.take(outputs, pixels, axis=axis)
        return outputs

    def compute_output_shape(self, input_shape):
        height, width = (
            None if side is None else _padded(side, self.multiple, self.minimum)
            for side in input_shape[1:3]
        )
        return (input_shape[0], height, width, *input_shape[3:])

    def compute_output_spec(self, inputs):
        # The dtype of the input, not of the layer.
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=inputs.dtype
        )

    def get_config(self):
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "minimum": self.minimum,
        }


def _find_pixels(size, multiple, minimum):
    """Returns for each pixel of a padded side the one of `size` it shows."""
    padded = ops.maximum(_next_multiple(size, multiple), minimum)
    return ops.minimum(ops.arange(padded), size - 1)


def _padded(size, multiple, minimum):
    return max(_next_multiple(size, multiple), minimum)


def _next_multiple(size, multiple):
    # Not `-(-size // multiple)`: in ONNX, division rounds to 0.
    return (size + multiple - 1) // multiple * multiple
