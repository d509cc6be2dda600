"""Winograd's convolution with 3x3 kernels, and its gradients.

F(2x2, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural
Networks", CVPR 2016: 2x2 pixels of output need 16 multiplications for a pair of
channels instead of 36. Small matrices transform inputs, kernel and outputs;
they only add and halve. In between there are 16 matrix products.
"""

import numpy as np

from hdgan.layers.kernels.backend import (
    after,
    is_on_processor,
    is_same,
    sizes,
    tf,
)

# Lavin and Gray, 2016, equation 9. The Kronecker products transform both axes
# at once: their 16 rows are the 4x4 products, row by row.
_INPUT = np.array(
    [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], "float32"
)
_KERNEL = np.array(
    [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], "float32"
)
_OUTPUT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], "float32")
_FROM_INPUT = np.kron(_INPUT, _INPUT)
_FROM_KERNEL = np.kron(_KERNEL, _KERNEL)
_TO_OUTPUT = np.kron(_OUTPUT, _OUTPUT)


def is_suitable(x, shape, strides):
    """Returns whether it is faster, for a kernel of this shape.

    With fewer channels the transforms take longer than the products save.
    """
    rows, columns, inputs, outputs = shape
    return (
        is_on_processor()
        # Some processors have no products in float16.
        and x.dtype in (tf.float32, tf.bfloat16)
        and (rows, columns, strides) == (3, 3, 1)
        and inputs * outputs >= 256 * 256
    )


def convolve(x, kernel):
    """Convolves at stride 1 without padding.

    Args:
        x: tensor `(batch, height, width, inputs)`.
        kernel: `(3, 3, inputs, outputs)`, of the same dtype.

    Returns:
        `(batch, height - 2, width - 2, outputs)`.
    """
    _, height, width, _ = sizes(x)
    tiles, grid = _transform_input(_pad_to_even(x))
    products = tf.matmul(tiles, _transform_kernel(after(tiles, kernel)))
    y = _transform(_TO_OUTPUT, products)
    y = tf.reshape(y, (2, 2, *grid, y.shape[-1]))
    y = tf.transpose(y, (2, 3, 0, 4, 1, 5))
    y = tf.reshape(y, (grid[0], 2 * grid[1], 2 * grid[2], y.shape[-1]))
    return _crop(y, height - 2, width - 2)


def kernel_gradient(x, gradient):
    """Returns the gradient of the kernel.

    Args:
        x: as in `convolve`.
        gradient: the gradient of its result.
    """
    tiles, _ = _transform_input(_pad_to_even(x))
    products = tf.matmul(
        tiles, _transform_gradient(_pad_to_even(gradient)), transpose_a=True
    )
    kernel = _transform(_FROM_KERNEL.T, products)
    return tf.reshape(kernel, (3, 3, *kernel.shape[1:]))


def input_gradient(kernel, gradient):
    """Returns the gradient of `x`.

    Args:
        kernel: as in `convolve`.
        gradient: the gradient of its result.
    """
    batch, height, width, _ = sizes(gradient)
    gradient = _pad_to_even(gradient)
    products = tf.matmul(
        _transform_gradient(gradient),
        _transform_kernel(after(gradient, kernel)),
        transpose_b=True,
    )
    rows, columns = _half(gradient)
    channels = kernel.shape[2]
    tiles = _transform(_FROM_INPUT.T, products)
    tiles = tf.reshape(tiles, (4, 4, batch, rows, columns, channels))
    # Tiles overlap by two pixels: a pixel is the sum over four tiles. Pixels of
    # even and odd rows and columns are summed apart.
    phases = [
        tf.add_n(
            [
                tf.pad(
                    tiles[2 * a + row, 2 * b + column],
                    ((0, 0), (a, 1 - a), (b, 1 - b), (0, 0)),
                )
                for a in range(2)
                for b in range(2)
            ]
        )
        for row in range(2)
        for column in range(2)
    ]
    rows_of_pixels = [tf.stack(phases[:2], 3), tf.stack(phases[2:], 3)]
    x = tf.reshape(
        tf.stack(rows_of_pixels, 2),
        (batch, 2 * rows + 2, 2 * columns + 2, channels),
    )
    return _crop(x, height + 2, width + 2)


def _transform(matrix, x):
    """Applies a matrix to the first axis."""
    shape = sizes(x)[1:]
    flat = tf.reshape(x, (matrix.shape[1], -1))
    product = tf.matmul(tf.constant(matrix, x.dtype), flat)
    return tf.reshape(product, (matrix.shape[0], *shape))


def _transform_input(x):
    """Returns `(16, tiles, channels)`, and the grid (batch, rows, columns)."""
    batch, height, width, channels = sizes(x)
    rows, columns = height // 2 - 1, width // 2 - 1
    # Neighboring tiles are two pixels apart: even and odd rows and columns get
    # axes of their own.
    pixels = tf.reshape(x, (batch, rows + 1, 2, columns + 1, 2, channels))
    tiles = tf.stack(
        [
            pixels[
                :,
                row // 2 : row // 2 + rows,
                row % 2,
                column // 2 : column // 2 + columns,
                column % 2,
            ]
            for row in range(4)
            for column in range(4)
        ]
    )
    tiles = tf.reshape(tiles, (16, batch * rows * columns, channels))
    return _transform(_FROM_INPUT, tiles), (batch, rows, columns)


def _transform_kernel(kernel):
    """Returns `(16, inputs, outputs)`."""
    return _transform(_FROM_KERNEL, tf.reshape(kernel, (9, *kernel.shape[2:])))


def _transform_gradient(gradient):
    """Returns the gradient of an output as `(16, tiles, outputs)`."""
    batch, _, _, channels = sizes(gradient)
    rows, columns = _half(gradient)
    pixels = tf.reshape(gradient, (batch, rows, 2, columns, 2, channels))
    pixels = tf.transpose(pixels, (2, 4, 0, 1, 3, 5))
    pixels = tf.reshape(pixels, (4, batch * rows * columns, channels))
    return _transform(_TO_OUTPUT.T, pixels)


def _half(x):
    _, height, width, _ = sizes(x)
    return height // 2, width // 2


def _pad_to_even(x):
    """Pads an odd height or width by one row or column of zeros."""
    odd = [size % 2 for size in sizes(x)[1:3]]
    if all(is_same(size, 0) for size in odd):
        return x
    return tf.pad(x, ((0, 0), (0, odd[0]), (0, odd[1]), (0, 0)))


def _crop(x, height, width):
    if all(map(is_same, x.shape[1:3], (height, width))):
        return x
    return x[:, :height, :width]
