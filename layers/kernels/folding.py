"""Convolution to few outputs, with the rows of the kernel as outputs.

Processors have no fast kernel for few outputs: theirs compute sixteen at a
time. A first convolution has one output for each row of the kernel: seven
times as many for the image of a generator. A second convolution, whose kernel
is zeros and ones, adds them up at the right row.
"""

import numpy as np

from hdgan.layers.kernels.backend import is_on_processor, sizes, tf


def is_suitable(shape, strides):
    """Returns whether folding is faster, for a kernel of this shape."""
    rows, _, inputs, outputs = shape
    return (
        is_on_processor()
        and strides == 1
        and rows > 1
        and outputs <= 4
        and inputs >= 32
    )


def convolve(x, kernel):
    """Convolves at stride 1 without padding.

    Args:
        x: tensor `(batch, height, width, inputs)`.
        kernel: `(rows, columns, inputs, outputs)`, of the same dtype.

    Returns:
        `(batch, height - rows + 1, width - columns + 1, outputs)`.
    """
    rows, columns, inputs, outputs = kernel.shape
    folded = tf.transpose(kernel, (1, 2, 0, 3))
    folded = tf.reshape(folded, (1, columns, inputs, rows * outputs))
    y = tf.nn.conv2d(x, folded, 1, "VALID")
    return tf.nn.conv2d(y, _unfolding(rows, outputs, x.dtype), 1, "VALID")


def kernel_gradient(x, gradient, shape):
    """Returns the gradient of a kernel of `shape`.

    Args:
        x: as in `convolve`.
        gradient: the gradient of its result.
        shape: of the kernel.
    """
    rows, columns, inputs, outputs = shape
    batch, height, width, _ = sizes(x)
    size = (batch, height, width - columns + 1, rows * outputs)
    gradient = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.stack(size),
        filter=_unfolding(rows, outputs, x.dtype),
        out_backprop=gradient,
        strides=[1, 1, 1, 1],
        padding="VALID",
    )
    folded = tf.raw_ops.Conv2DBackpropFilter(
        input=x,
        filter_sizes=(1, columns, inputs, rows * outputs),
        out_backprop=gradient,
        strides=[1, 1, 1, 1],
        padding="VALID",
    )
    folded = tf.reshape(folded, (columns, inputs, rows, outputs))
    return tf.transpose(folded, (2, 0, 1, 3))


def _unfolding(rows, outputs, dtype):
    """Returns the kernel that adds up row r, r pixels further down."""
    ones = np.eye(rows * outputs, dtype="float32")
    kernel = ones.reshape(rows, outputs, rows * outputs).transpose(0, 2, 1)
    return tf.constant(kernel[:, None], dtype)
