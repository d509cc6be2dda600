"""The initial weights of the published code."""

import math

import keras


def kernel_initializer():
    """Returns N(0, 0.02), a new instance so that no two kernels are equal."""
    return keras.initializers.RandomNormal(stddev=0.02)


def bias_initializer(fan_in):
    """Returns the uniform distribution within ±1 / sqrt(fan_in).

    Args:
        fan_in: int, inputs of one output value: kernel height x width x input
            channels (of a transposed convolution: x output channels).
    """
    bound = 1.0 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)
