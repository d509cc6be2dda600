"""Gradient checkpointing: activations made twice instead of kept."""

from hdgan.layers.kernels import (
    convolutions_to_recompute,
    recomputing_convolutions,
)

# More would keep less, but hold more at a time while it is made again.
CONVOLUTIONS_IN_A_ROW = 2


def gradient_checkpointing(is_on=True):
    """Within it, most convolutions are run again for the gradient.

    The output of every third in a row is kept, and what comes out of residual
    blocks: less memory for more time. Chen et al., 2016. It is for whoever
    takes the gradient of what is called within, on TensorFlow. (Norms and
    ReLUs are made again anyway.)

    Args:
        is_on: bool; False changes nothing.

    Returns:
        A context manager.

    Example:
        >>> with gradient_checkpointing(), tf.GradientTape() as tape:
        ...     loss = tf.reduce_mean(hdgan.layers.ResidualBlock()(x))
        >>> gradient = tape.gradient(loss, x)
    """
    return recomputing_convolutions(CONVOLUTIONS_IN_A_ROW if is_on else 0)


def is_checkpointing():
    """Whether what is called now is called within it."""
    return convolutions_to_recompute() > 0
