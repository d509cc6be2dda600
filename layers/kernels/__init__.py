"""The one place where layers leave `keras.ops` for TensorFlow, for speed.

Each function has a portable twin written in `keras.ops`, used on every other
backend. Both give the same numbers; tests hold them to each other.
"""

from hdgan.layers.kernels.activations import leaky_relu, relu
from hdgan.layers.kernels.convolution import convolve, convolve_transposed
from hdgan.layers.kernels.instance_mean import mean_per_instance
from hdgan.layers.kernels.instance_norm import instance_normalize
from hdgan.layers.kernels.recompute import (
    convolutions_to_recompute,
    recomputable,
    recomputed,
    recomputing_convolutions,
)

__all__ = [
    "convolutions_to_recompute",
    "convolve",
    "convolve_transposed",
    "instance_normalize",
    "leaky_relu",
    "mean_per_instance",
    "recomputable",
    "recomputed",
    "recomputing_convolutions",
    "relu",
]
