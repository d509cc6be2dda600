"""Convolutions padded as in PyTorch, with their gradients.

There are two reasons for writing out the gradients. They keep the input before
padding, which other operations keep anyway, and pad it again: that takes less
time than the memory is worth. And some of TensorFlow's kernels are much slower
on a processor than matrix products, so that other ways to the same numbers are
faster: `winograd.py`, `folding.py` and `products.py`.
"""

from keras import ops

from hdgan.layers.kernels import folding, products, winograd
from hdgan.layers.kernels.backend import (
    after,
    call_shared,
    custom_gradient,
    has_fast_paths,
    sizes,
    tf,
)
from hdgan.layers.kernels.padding import Padding
from hdgan.layers.kernels.recompute import recompute_convolution, recomputed


def convolve(x, kernel, bias, strides=1, pad_width=0, pad_mode="constant"):
    """Convolves images that are padded alike on all sides.

    Args:
        x: floating tensor, `(batch, height, width, inputs)`.
        kernel: `(rows, columns, inputs, outputs)`, of the same dtype.
        bias: `(outputs,)`, of the same dtype, or None.
        strides: int, of height and width. Defaults to `1`.
        pad_width: int, pixels added on each of the four sides. Defaults to `0`.
        pad_mode: `"constant"`, zeros, or `"reflect"`, the image mirrored at its
            border pixels. Defaults to `"constant"`.

    Returns:
        `(batch, new_height, new_width, outputs)`, where a side becomes `(side +
        2 * pad_width - kernel's side) // strides + 1`.
    """
    padding = Padding(pad_width, pad_mode)
    if not has_fast_paths():
        x = padding.apply(x)
        y = ops.conv(x, kernel, strides, "valid", "channels_last")
        return y if bias is None else ops.add(y, bias)
    weights = _to_tensors(kernel, bias)
    return recompute_convolution(
        lambda x: _convolve_with_gradient(x, weights, strides, padding),
        tf.convert_to_tensor(x),
    )


def _convolve_with_gradient(outer_x, weights, strides, padding):
    @custom_gradient
    def convolve_with_gradient(x, kernel, *bias):
        padded = padding.apply(x)
        shape = tf.shape(padded)
        y = _convolve(padded, kernel, strides)

        def backward(gradient):
            padded = padding.apply(recomputed(outer_x, gradient))
            kernel_gradient = _kernel_gradient(
                padded, gradient, kernel.shape, strides
            )
            bias_gradient = [_sum_pixels(gradient) for _ in bias]
            if folding.is_suitable(kernel.shape, strides):
                # Maps are largest at the image: one of the two gradients at a
                # time. (Elsewhere this would compute a kernel's gradient even
                # where nothing needs it.)
                gradient = after(kernel_gradient, gradient)
            input_gradient = _input_gradient(gradient, kernel, strides, shape)
            return (
                padding.gradient(input_gradient),
                kernel_gradient,
                *bias_gradient,
            )

        return _add_bias(y, *bias), backward

    return convolve_with_gradient(outer_x, *weights)


def convolve_transposed(x, kernel, bias, strides, cropping):
    """Applies a transposed convolution and crops the top and the left.

    Args:
        x: floating tensor, `(batch, height, width, inputs)`.
        kernel: `(rows, columns, outputs, inputs)`, of the same dtype.
        bias: `(outputs,)`, of the same dtype, or None.
        strides: int, of height and width.
        cropping: int, pixels cropped at the top and at the left.

    Returns:
        `(batch, new_height, new_width, outputs)`, where a side becomes
        `(side - 1) * strides + kernel's side - cropping`.
    """
    if not has_fast_paths():
        y = ops.conv_transpose(
            x, kernel, strides, "valid", None, "channels_last"
        )
        y = y[:, cropping:, cropping:]
        return y if bias is None else ops.add(y, bias)
    weights = _to_tensors(kernel, bias)
    return recompute_convolution(
        lambda x: _convolve_transposed_with_gradient(
            x, weights, strides, cropping
        ),
        tf.convert_to_tensor(x),
    )


def _convolve_transposed_with_gradient(outer_x, weights, strides, cropping):
    @custom_gradient
    def convolve_with_gradient(x, kernel, *bias):
        batch, *sides, _ = sizes(x)
        uncropped_sides = [
            (side - 1) * strides + kernel_side
            for side, kernel_side in zip(sides, kernel.shape[:2], strict=True)
        ]
        shape = tf.stack([batch, *uncropped_sides, kernel.shape[2]])
        y = _input_gradient(x, kernel, strides, shape)

        def backward(gradient):
            # Cropped pixels have the gradient zero.
            uncropped = tf.pad(
                gradient, ((0, 0), (cropping, 0), (cropping, 0), (0, 0))
            )
            return (
                _convolve(uncropped, kernel, strides),
                _kernel_gradient(
                    uncropped,
                    recomputed(outer_x, gradient),
                    kernel.shape,
                    strides,
                ),
                *[_sum_pixels(gradient) for _ in bias],
            )

        return _add_bias(y[:, cropping:, cropping:], *bias), backward

    return convolve_with_gradient(outer_x, *weights)


def _to_tensors(kernel, bias):
    """Returns a list of the kernel and, if there is one, the bias."""
    weights = [kernel] if bias is None else [kernel, bias]
    return [tf.convert_to_tensor(weight) for weight in weights]


def _add_bias(y, bias=None):
    return y if bias is None else tf.nn.bias_add(y, bias)


# === Convolution without padding and bias, and its gradients ===


def _convolve(x, kernel, strides):
    if winograd.is_suitable(x, kernel.shape, strides):
        return winograd.convolve(x, kernel)
    if folding.is_suitable(kernel.shape, strides):
        return folding.convolve(x, kernel)
    return tf.nn.conv2d(x, kernel, strides, "VALID")


def _input_gradient(gradient, kernel, strides, shape):
    """Returns the gradient of an input of `shape`, an int32 tensor."""
    if winograd.is_suitable(gradient, kernel.shape, strides):
        return winograd.input_gradient(kernel, gradient)
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=shape,
        filter=kernel,
        out_backprop=gradient,
        strides=[1, strides, strides, 1],
        padding="VALID",
    )


def _kernel_gradient(x, gradient, shape, strides):
    """Returns the gradient of a kernel of `shape`."""
    if winograd.is_suitable(x, shape, strides):
        return winograd.kernel_gradient(x, gradient)
    if folding.is_suitable(shape, strides):
        return folding.kernel_gradient(x, gradient, shape)
    if products.is_suitable(shape, strides):
        return products.kernel_gradient(x, gradient, shape, strides)
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x,
        filter_sizes=shape,
        out_backprop=gradient,
        strides=[1, strides, strides, 1],
        padding="VALID",
    )


def _sum_pixels(gradient):
    """Returns the gradient of a bias."""
    return call_shared(_sum_rows, (gradient,), shape=gradient.shape[-1:])


def _sum_rows(gradient):
    # A matrix product accumulates in float32, whatever the precision.
    flat = tf.reshape(gradient, (-1, tf.shape(gradient)[-1]))
    ones = tf.ones((1, tf.shape(flat)[0]), flat.dtype)
    return tf.matmul(ones, flat)[0]
