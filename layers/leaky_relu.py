"""LeakyReLU as the discriminators and the U-Net use it."""

from keras import ops


def leaky_relu(x):
    """Returns `x` where it is positive, and `0.2 * x` elsewhere.

    Neither TensorFlow's op of that name nor a maximum, which its graph
    optimizer takes for one: where something besides it reads the convolution
    before it (a gradient, a skip connection), the optimizer fails on that op,
    and leaves the whole graph without fused kernels.
    """
    return ops.where(x > 0, x, 0.2 * x)
