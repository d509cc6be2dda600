"""Padding alike on all sides, and its gradient."""

from keras import ops

from hdgan.layers.kernels.backend import (
    call_shared,
    has_fast_paths,
    is_on_processor,
    tf,
)


class Padding:
    """Adds pixels on each of the four sides of a map.

    Args:
        width: int >= 0, pixels on each side.
        mode: `"constant"`, zeros, or `"reflect"`, the map mirrored at its
            border pixels.
    """

    def __init__(self, width, mode):
        self._width = width
        self._mode = mode
        self._widths = ((0, 0), (width, width), (width, width), (0, 0))

    def apply(self, x):
        """Returns the padded map."""
        if not self._width:
            return x
        if not has_fast_paths():
            return ops.pad(x, self._widths, self._mode)
        return tf.pad(x, self._widths, self._mode)

    def gradient(self, gradient):
        """Returns the gradient of a map, given that of the padded map."""
        width = self._width
        if not width:
            return gradient
        if self._mode == "reflect":
            if not is_on_processor():
                return tf.raw_ops.MirrorPadGrad(
                    input=gradient, paddings=self._widths, mode="REFLECT"
                )
            # TensorFlow's kernel for processors makes another copy of the map,
            # at the peak of a train step's memory.
            gradient = _add_margins(gradient, width)
        return gradient[:, width:-width, width:-width]


def _add_margins(gradient, width):
    """Adds the gradients of mirrored pixels to those of their originals.

    The margins of the result have no meaning.
    """

    def margins(axis):
        first, _, last = tf.split(gradient, [width, -1, width], axis)
        # The outermost pixel of the last margin mirrors the innermost one.
        return tf.concat([first, last], axis)

    rows, pixels = call_shared(_find_originals, (tf.shape(gradient),), width)
    gradient = tf.tensor_scatter_nd_add(gradient, rows, margins(1))
    return tf.tensor_scatter_nd_add(gradient, pixels, margins(2))


def _find_originals(shape, width):
    """Returns the index tuples of the rows and of the pixels in each row."""
    batch, height, num_columns, _ = tf.unstack(shape, num=4)

    def mirrored(side):
        margin = tf.range(width)
        return tf.concat([2 * width - margin, side - 2 - width - margin], 0)

    def grid(*axes):
        return tf.stack(tf.meshgrid(*axes, indexing="ij"), -1)

    return (
        grid(tf.range(batch), mirrored(height)),
        grid(tf.range(batch), tf.range(height), mirrored(num_columns)),
    )
