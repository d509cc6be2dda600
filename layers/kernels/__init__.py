"""The one place where layers leave `keras.ops` for TensorFlow, for speed.

Each function has a plain twin in `keras.ops`, used on every other backend and
within `plain_kernels`. Both give the same numbers; tests compare them.
README.md says what each fast path is for.
"""

from hdgan.layers.kernels.activations import leaky_relu, relu
from hdgan.layers.kernels.backend import call_shared, plain_kernels
from hdgan.layers.kernels.batch_norm import batch_normalize
from hdgan.layers.kernels.channels import join_channels
from hdgan.layers.kernels.convolution import convolve, convolve_transposed
from hdgan.layers.kernels.instance_mean import mean_per_instance
from hdgan.layers.kernels.instance_norm import instance_normalize
from hdgan.layers.kernels.recompute import (
    convolutions_to_recompute,
    recompute_from,
    recomputing_convolutions,
)

__all__ = [
    "batch_normalize",
    "call_shared",
    "convolutions_to_recompute",
    "convolve",
    "convolve_transposed",
    "instance_normalize",
    "join_channels",
    "leaky_relu",
    "mean_per_instance",
    "plain_kernels",
    "recompute_from",
    "recomputing_convolutions",
    "relu",
]
