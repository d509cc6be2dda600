"""The activations between convolutions."""

from keras import ops

from hdgan.layers.kernels.backend import custom_gradient, has_fast_paths, tf
from hdgan.layers.kernels.recompute import (
    is_recomputable,
    recompute_for_gradient,
)

_SLOPE = 0.2


def relu(x):
    """Returns `x` where it is positive, and 0 elsewhere.

    Args:
        x: floating tensor of any shape.

    Returns:
        Tensor of the same shape and dtype.
    """
    if not has_fast_paths():
        return ops.relu(x)
    return recompute_for_gradient(tf.nn.relu, tf.convert_to_tensor(x))


def leaky_relu(x):
    """Returns `x` where it is positive, and `0.2 * x` elsewhere.

    The gradient is computed from the result, which has the sign of `x`. So
    nothing needs `x` after a convolution: it is not kept, and TensorFlow
    computes both in the kernel of the convolution.

    Args:
        x: floating tensor of any shape.

    Returns:
        Tensor of the same shape and dtype.
    """
    if not has_fast_paths():
        return ops.where(x > 0, x, _SLOPE * x)

    @custom_gradient
    def activate(x):
        y = tf.raw_ops.LeakyRelu(features=x, alpha=_SLOPE)

        def backward(gradient):
            return tf.raw_ops.LeakyReluGrad(
                gradients=gradient, features=y, alpha=_SLOPE
            )

        return y, backward

    x = tf.convert_to_tensor(x)
    if is_recomputable(x):
        return recompute_for_gradient(activate, x)
    # The result is kept, in place of `x`.
    return activate(x)
