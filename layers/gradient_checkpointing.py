"""Gradient checkpointing: activations made twice instead of kept."""

import contextlib
import threading

import keras

# A thread of its own for each replica of a strategy.
_state = threading.local()


@contextlib.contextmanager
def gradient_checkpointing(is_on=True):
    """Within it, blocks keep their inputs alone for the gradient.

    What is inside of a block is computed once more when its gradient is: less
    memory for more time. Chen et al., 2016. It is for whoever takes the
    gradient of what is called within; batch normalization would count its
    statistics twice, and is not for it.

    Args:
        is_on: bool; False changes nothing.

    Example:
        >>> with gradient_checkpointing(), tf.GradientTape() as tape:
        ...     loss = tf.reduce_mean(hdgan.layers.ResidualBlock()(x))
        >>> gradient = tape.gradient(loss, x)
    """
    before = getattr(_state, "is_on", False)
    _state.is_on = is_on
    try:
        yield
    finally:
        _state.is_on = before


def checkpointed(function):
    """Returns the function, to be run again for its gradient if that is on.

    Args:
        function: from tensors to a tensor or a list of them.
    """
    if not getattr(_state, "is_on", False):
        return function
    made = {}

    def run(*inputs):
        # What is inside of it is not checkpointed once more.
        with gradient_checkpointing(False), _remembering(made):
            return function(*inputs)

    return keras.remat(run)


def is_checkpointed():
    """Whether what is called now may be run again for its gradient."""
    return getattr(_state, "made", None) is not None


def remember(key, make):
    """Returns what the first run made, in the second one too.

    A random mask, or a state that each call moves on, has to be the same in
    both: else the gradient would be that of another function.

    Args:
        key: hashable, different for each call in a function.
        make: function without arguments.
    """
    made = getattr(_state, "made", None)
    if made is None:
        return make()
    if key not in made:
        made[key] = make()
    return made[key]


@contextlib.contextmanager
def _remembering(made):
    before = getattr(_state, "made", None)
    _state.made = made
    try:
        yield
    finally:
        _state.made = before
