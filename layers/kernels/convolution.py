"""Convolutions as PyTorch pads them, with their gradients.

The gradients are written out for two reasons. What is kept for them is the map
before it is padded, which others keep anyway; padding it again takes less time
than the memory is worth. And on a processor some of TensorFlow's kernels stay
far from the speed of matrix products, so that other ways to the same numbers
are faster: BUILD.md, performance, has the figures behind the conditions.
"""

import numpy as np
from keras import ops

from hdgan.layers.kernels import winograd
from hdgan.layers.kernels.backend import (
    after,
    custom_gradient,
    is_on_processor,
    sizes,
    tf,
)
from hdgan.layers.kernels.recompute import recompute_convolution, recomputed

PAD_MODES = ("constant", "reflect")


def convolve(x, kernel, bias, strides=1, pad_width=0, pad_mode="constant"):
    """Convolves images, padded alike on all sides.

    Args:
        x: floating tensor, `(batch, height, width, inputs)`.
        kernel: `(rows, columns, inputs, outputs)`, of the same dtype.
        bias: `(outputs,)`, of the same dtype.
        strides: int, of height and width.
        pad_width: int, pixels added on each of the four sides.
        pad_mode: `"constant"`, zeros, or `"reflect"`, the image mirrored at its
            border pixels.

    Returns:
        `(batch, new_height, new_width, outputs)`, where a side becomes `(side +
        2 * pad_width - kernel's side) // strides + 1`.
    """
    padding = _Padding(pad_width, pad_mode)
    if tf is None:
        x = padding.apply(x)
        x = ops.conv(x, kernel, strides, "valid", "channels_last")
        return ops.add(x, bias)
    kernel, bias = map(tf.convert_to_tensor, (kernel, bias))
    return recompute_convolution(
        lambda x: _convolve_with_gradient(x, kernel, bias, strides, padding),
        tf.convert_to_tensor(x),
    )


def _convolve_with_gradient(outer_x, kernel, bias, strides, padding):
    @custom_gradient
    def convolve_with_gradient(x, kernel, bias):
        padded = padding.apply(x)
        size = sizes(padded)[1:3]
        y = _convolve(padded, kernel, strides)

        def backward(gradient):
            padded = padding.apply(recomputed(outer_x, gradient))
            kernel_gradient = _kernel_gradient(
                padded, gradient, kernel.shape, strides
            )
            bias_gradient = _sum_pixels(gradient)
            if _suits_folding(kernel.shape, strides):
                # At the image maps are largest: one of the two at a time. (For
                # all, a gradient that no one needs would be made.)
                gradient = after(kernel_gradient, gradient)
            input_gradient = _input_gradient(gradient, kernel, strides, size)
            return (
                padding.gradient(input_gradient),
                kernel_gradient,
                bias_gradient,
            )

        return tf.nn.bias_add(y, bias), backward

    return convolve_with_gradient(outer_x, kernel, bias)


def convolve_transposed(x, kernel, bias, strides, cropping):
    """Applies a transposed convolution, whose result is cut at two sides.

    Args:
        x: floating tensor, `(batch, height, width, inputs)`.
        kernel: `(rows, columns, outputs, inputs)`, of the same dtype.
        bias: `(outputs,)`, of the same dtype.
        strides: int, of height and width.
        cropping: int, pixels cut off at the top and at the left.

    Returns:
        `(batch, new_height, new_width, outputs)`, where a side becomes
        `(side - 1) * strides + kernel's side - cropping`.
    """
    if tf is None:
        y = ops.conv_transpose(
            x, kernel, strides, "valid", None, "channels_last"
        )
        return ops.add(y[:, cropping:, cropping:], bias)
    kernel, bias = map(tf.convert_to_tensor, (kernel, bias))
    return recompute_convolution(
        lambda x: _convolve_transposed_with_gradient(
            x, kernel, bias, strides, cropping
        ),
        tf.convert_to_tensor(x),
    )


def _convolve_transposed_with_gradient(
    outer_x, kernel, bias, strides, cropping
):
    @custom_gradient
    def convolve_with_gradient(x, kernel, bias):
        size = [
            (side - 1) * strides + kernel_side
            for side, kernel_side in zip(
                sizes(x)[1:3], kernel.shape[:2], strict=True
            )
        ]
        y = _input_gradient(x, kernel, strides, size)

        def backward(gradient):
            # The gradient of what was cut off is zero.
            uncut = tf.pad(
                gradient, ((0, 0), (cropping, 0), (cropping, 0), (0, 0))
            )
            return (
                _convolve(uncut, kernel, strides),
                _kernel_gradient(
                    uncut, recomputed(outer_x, gradient), kernel.shape, strides
                ),
                _sum_pixels(gradient),
            )

        return tf.nn.bias_add(y[:, cropping:, cropping:], bias), backward

    return convolve_with_gradient(outer_x, kernel, bias)


class _Padding:
    """Padding alike on all sides, and its gradient."""

    def __init__(self, width, mode):
        self._width = width
        self._mode = mode
        self._widths = ((0, 0), (width, width), (width, width), (0, 0))

    def apply(self, x):
        if not self._width:
            return x
        if tf is None:
            return ops.pad(x, self._widths, self._mode)
        return tf.pad(x, self._widths, self._mode)

    def gradient(self, gradient):
        width = self._width
        if not width:
            return gradient
        if self._mode == "reflect":
            if not is_on_processor():
                return tf.raw_ops.MirrorPadGrad(
                    input=gradient, paddings=self._widths, mode="REFLECT"
                )
            # On a processor that has a copy of the map more, at the peak of
            # the step's memory.
            gradient = _add_margins(gradient, width)
        return gradient[:, width:-width, width:-width]


def _add_margins(gradient, width):
    """Adds to the pixels inside what came to their mirrored copies.

    What is in the margins of the result has no meaning.
    """
    batch, height, num_columns, _ = sizes(gradient)

    def mirrored(side):
        margin = tf.range(width)
        return tf.concat([2 * width - margin, side - 2 - width - margin], 0)

    def margins(axis):
        first, _, last = tf.split(gradient, [width, -1, width], axis)
        # The last margin's outermost pixel comes from furthest inside.
        return tf.concat([first, last], axis)

    rows = _grid(batch, mirrored(height))
    gradient = tf.tensor_scatter_nd_add(gradient, rows, margins(1))
    pixels = _grid(batch, tf.range(height), mirrored(num_columns))
    return tf.tensor_scatter_nd_add(gradient, pixels, margins(2))


def _grid(size, *axes):
    """Returns all indices of an axis of `size` and of parts of the next."""
    return tf.stack(tf.meshgrid(tf.range(size), *axes, indexing="ij"), -1)


# === Convolution without padding and bias, and its gradients ===


def _convolve(x, kernel, strides):
    if _suits_winograd(x, kernel.shape, strides):
        return winograd.convolve(x, kernel)
    if _suits_folding(kernel.shape, strides):
        return _convolve_folded(x, kernel)
    return tf.nn.conv2d(x, kernel, strides, "VALID")


def _input_gradient(gradient, kernel, strides, size):
    """Returns the gradient of an input of `size`, height and width."""
    if _suits_winograd(gradient, kernel.shape, strides):
        return winograd.input_gradient(kernel, gradient)
    shape = (tf.shape(gradient)[0], *size, kernel.shape[2])
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.stack(shape),
        filter=kernel,
        out_backprop=gradient,
        strides=[1, strides, strides, 1],
        padding="VALID",
    )


def _kernel_gradient(x, gradient, shape, strides):
    """Returns the gradient of a kernel of `shape`."""
    if _suits_winograd(x, shape, strides):
        return winograd.kernel_gradient(x, gradient)
    if _suits_folding(shape, strides):
        return _folded_kernel_gradient(x, gradient, shape)
    if _suits_products(shape, strides):
        return _kernel_gradient_by_products(x, gradient, shape, strides)
    return _plain_kernel_gradient(x, gradient, shape, strides)


def _plain_kernel_gradient(x, gradient, shape, strides=1):
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x,
        filter_sizes=shape,
        out_backprop=gradient,
        strides=[1, strides, strides, 1],
        padding="VALID",
    )


def _sum_pixels(gradient):
    """Returns the gradient of a bias."""
    # As a product it is added up in float32, whatever the precision.
    flat = tf.reshape(gradient, (-1, gradient.shape[-1]))
    ones = tf.ones((1, tf.shape(flat)[0]), flat.dtype)
    return tf.matmul(ones, flat)[0]


# === Ways that are faster on a processor ===


def _suits_winograd(x, shape, strides):
    # With fewer channels the transforms take longer than the products save.
    rows, columns, inputs, outputs = shape
    return (
        is_on_processor()
        and x.dtype in (tf.float32, tf.bfloat16)
        and (rows, columns, strides) == (3, 3, 1)
        and inputs * outputs >= 256 * 256
    )


def _suits_folding(shape, strides):
    rows, _, inputs, outputs = shape
    return (
        is_on_processor()
        and strides == 1
        and rows > 1
        and outputs <= 4
        and inputs >= 32
    )


def _suits_products(shape, strides):
    rows, _, inputs, _ = shape
    return is_on_processor() and rows > 1 and inputs * strides >= 128


def _convolve_folded(x, kernel):
    """Convolves to few outputs, for which processors have no fast kernel.

    The rows of the kernel become outputs, seven times as many for the image of
    a generator. A second convolution, whose kernel is zeros and ones, adds each
    up where it belongs.
    """
    rows, columns, inputs, outputs = kernel.shape
    folded = tf.transpose(kernel, (1, 2, 0, 3))
    folded = tf.reshape(folded, (1, columns, inputs, rows * outputs))
    y = tf.nn.conv2d(x, folded, 1, "VALID")
    return tf.nn.conv2d(y, _unfolding(rows, outputs, x.dtype), 1, "VALID")


def _folded_kernel_gradient(x, gradient, shape):
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
    folded = _plain_kernel_gradient(
        x, gradient, (1, columns, inputs, rows * outputs)
    )
    folded = tf.reshape(folded, (columns, inputs, rows, outputs))
    return tf.transpose(folded, (2, 0, 1, 3))


def _unfolding(rows, outputs, dtype):
    """Returns the kernel that adds row r up, r pixels further down."""
    ones = np.eye(rows * outputs, dtype="float32")
    kernel = ones.reshape(rows, outputs, rows * outputs).transpose(0, 2, 1)
    return tf.constant(kernel[:, None], dtype)


def _kernel_gradient_by_products(x, gradient, shape, strides):
    """Returns the gradient of a kernel: a matrix product for each pixel."""
    rows, columns, inputs, outputs = shape
    batch, height, width, _ = sizes(gradient)
    flat_gradient = tf.reshape(gradient, (-1, outputs))
    if strides > 1:
        # Together lie the pixels that one of the kernel's pixels meets.
        x = tf.pad(
            x,
            (
                (0, 0),
                (0, -sizes(x)[1] % strides),
                (0, -sizes(x)[2] % strides),
                (0, 0),
            ),
        )
    x = tf.reshape(
        x,
        (
            batch,
            sizes(x)[1] // strides,
            strides,
            sizes(x)[2] // strides,
            strides,
            inputs,
        ),
    )
    products = []
    for row in range(rows):
        for column in range(columns):
            first_row, first_column = row // strides, column // strides
            if products:
                # One copy of pixels at a time.
                x = after(products[-1], x)
            met = x[
                :,
                first_row : first_row + height,
                row % strides,
                first_column : first_column + width,
                column % strides,
            ]
            products.append(
                tf.matmul(
                    tf.reshape(met, (-1, inputs)),
                    flat_gradient,
                    transpose_a=True,
                )
            )
    return tf.reshape(tf.stack(products), shape)
