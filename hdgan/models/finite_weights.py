"""Search for weights that are NaN or infinite."""

import collections

import keras
import tensorflow as tf


def describe_not_finite(model):
    """Says which networks have weights that are NaN or infinite.

    Each weight is reduced on its device, and only one bool of it is copied to
    the host.

    Args:
        model: `keras.Model` whose layers are its networks.

    Returns:
        str, such as `"has NaN or infinite weights (18 in the generator)"`; None
        if all are finite.
    """
    weights = [
        (network.name, weight.value)
        for network in model.layers
        for weight in network.weights
        if keras.backend.is_float_dtype(weight.dtype)
    ]
    if not weights:
        return None
    finite = [tf.reduce_all(tf.math.is_finite(value)) for _, value in weights]
    # Stacked, so that the host waits for the device once.
    finite = tf.stack(finite).numpy()
    if finite.all():
        return None
    counts = collections.Counter()
    for (name, value), is_finite in zip(weights, finite, strict=True):
        if not is_finite:
            counts[name] += int(
                tf.math.count_nonzero(~tf.math.is_finite(value))
            )
    found = ", ".join(f"{n:,} in the {name}" for name, n in counts.items())
    return f"has NaN or infinite weights ({found})"
