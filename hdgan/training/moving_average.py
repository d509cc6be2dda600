"""A network that follows another one: a moving average of its weights."""

import tensorflow as tf


def make_average(network, name):
    """Returns a copy of a network that is not trained.

    Args:
        network: `keras.Model` with weights.
        name: str, name of the copy.
    """
    average = type(network).from_config({**network.get_config(), "name": name})
    average.set_weights(network.get_weights())
    average.trainable = False
    return average


def move_average(average, network, decay, step):
    """Moves the average by one step, `decay * average + (1 - decay) * weight`.

    Early on the decay is smaller, `(1 + step) / (10 + step)`, so that the
    average does not linger at the initial weights. Statistics and the vectors
    of spectral norms are copied: a mean of unit vectors is no unit vector.

    It is called in each replica.

    Args:
        average: network of `make_average`.
        network: the network that it follows.
        decay: float in (0, 1).
        step: integer scalar, number of steps so far, this one included.
    """
    step = tf.cast(step, tf.float32)
    decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))

    def update(strategy, decay):
        for old, weight in zip(average.weights, network.weights, strict=True):
            strategy.extended.update(
                old.value,
                _move if weight.trainable else _copy,
                args=(weight.value, decay),
            )

    # In the cross-replica context each device moves its own copy; an
    # assignment by a replica would need an all-reduce of every weight.
    tf.distribute.get_replica_context().merge_call(update, args=(decay,))


def _move(average, weight, decay):
    return average.assign(
        tf.cast(decay, average.dtype) * average
        + tf.cast(1.0 - decay, average.dtype) * weight
    )


def _copy(average, weight, decay):
    return average.assign(weight)
