"""Normalization layers by name, for blocks and networks."""

import keras

from hdgan.layers.instance_normalization import InstanceNormalization

NORMS = ("instance", "batch", "none")


def check_norm(norm):
    """Returns `norm`, or raises `ValueError` if it is not one of `NORMS`."""
    if norm not in NORMS:
        raise ValueError(f"`norm` must be one of {NORMS}. Received: {norm!r}")
    return norm


def make_norm(norm, **kwargs):
    """Returns the normalization layer that `norm` names.

    Args:
        norm: `"instance"` (without scale and offset), `"batch"` (with both,
            and statistics over all replicas) or `"none"`.
        **kwargs: `dtype` and `name` of the layer.

    Returns:
        A layer; for `"none"` the identity.

    Raises:
        ValueError: if `norm` is another value.
    """
    check_norm(norm)
    if norm == "instance":
        return InstanceNormalization(**kwargs)
    if norm == "batch":
        # Synchronized, because the statistics of replicas would drift apart.
        # Other backends run on one device here, with nothing to synchronize.
        # Momentum and epsilon are those of the original PyTorch code.
        return keras.layers.BatchNormalization(
            momentum=0.9,
            epsilon=1e-5,
            synchronized=keras.backend.backend() == "tensorflow",
            **kwargs,
        )
    return keras.layers.Identity(**kwargs)
