"""The activations between convolutions."""

from keras import ops

from hdgan.layers.kernels.backend import custom_gradient, tf
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
    if tf is None:
        return ops.relu(x)
    return recompute_for_gradient(tf.nn.relu, tf.convert_to_tensor(x))


def leaky_relu(x):
    """Returns `x` where it is positive, and `0.2 * x` elsewhere.

    After a convolution the gradient is taken from the result, which has the
    sign of `x`, so that nothing else needs `x`: it is not kept, and TensorFlow
    computes both in the kernel of the convolution.

    Args:
        x: floating tensor of any shape.

    Returns:
        Tensor of the same shape and dtype.
    """
    if tf is None:
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
    # Else the result is what is kept in place of `x`.
    return (
        recompute_for_gradient(activate, x)
        if is_recomputable(x)
        else activate(x)
    )
