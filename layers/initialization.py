"""The initial weights of the original PyTorch code."""

import math

import keras


def default_kernel_initializer():
    """Returns N(0, 0.02), a new instance so that no two kernels are equal."""
    return keras.initializers.RandomNormal(stddev=0.02)


def default_bias_initializer(fan_in):
    """Returns the uniform distribution within ±1 / sqrt(fan_in).

    Args:
        fan_in: int, inputs of one output value: kernel height x width x input
            channels (transposed convolution: x output channels).
    """
    bound = 1.0 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


def xavier_stddev(fan_in, fan_out):
    """Returns SPADE's standard deviation of the initial kernels.

    Xavier's rule with a gain of 0.02. Spectral normalization takes the scale
    out again, but not out of the ratio of an optimizer's step to the kernel.

    Args:
        fan_in: int, inputs of one output value.
        fan_out: int, outputs that one input value contributes to.
    """
    return 0.02 * math.sqrt(2.0 / (fan_in + fan_out))


def xavier_initializer():
    """Returns N(0, `xavier_stddev`) for the fans of the kernel it makes."""
    return keras.initializers.VarianceScaling(
        0.02**2, "fan_avg", "untruncated_normal"
    )


def clone_initializer(initializer):
    """Returns an equal initializer that draws other numbers, if unseeded.

    One instance draws the same numbers at every call.
    """
    if isinstance(initializer, keras.initializers.Initializer):
        return initializer.clone()
    return initializer
