"""Gradient checkpointing: activations are recomputed instead of kept."""

from hdgan.layers.kernels import (
    convolutions_to_recompute,
    recomputing_convolutions,
)

# More would keep less, but hold more at a time while they are recomputed.
CONVOLUTIONS_IN_A_ROW = 2


def gradient_checkpointing(is_on=True):
    """Within it, most convolutions run again for the gradient.

    The output of every third successive convolution is kept, and the outputs of
    residual blocks: less memory for more time. Chen et al., 2016. Call the
    layers and record the gradient within the context. It has an effect on
    TensorFlow only. (Norms and ReLUs are always recomputed.)

    Args:
        is_on: bool, False for no effect. Defaults to `True`.

    Returns:
        A context manager.

    Example:
        >>> with gradient_checkpointing(), tf.GradientTape() as tape:
        ...     loss = tf.reduce_mean(hdgan.layers.ResidualBlock()(x))
        >>> gradient = tape.gradient(loss, x)
    """
    return recomputing_convolutions(CONVOLUTIONS_IN_A_ROW if is_on else 0)


def is_checkpointing():
    """Returns whether the caller runs within `gradient_checkpointing`."""
    return convolutions_to_recompute() > 0
