"""TensorFlow where it is Keras' backend, and what is asked of it."""

import contextlib
import functools
import threading

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
else:
    tf = None

# A thread of its own for each replica of a strategy.
_state = threading.local()


@contextlib.contextmanager
def tracing_for_inference(device=None):
    """Within it, this thread traces graphs that no gradient will be asked of.

    They are half as large without the gradients that are written out, and load
    in half the time.

    Args:
        device: `"cpu"` or `"gpu"`, on which they will run; None for this
            machine's.

    Yields:
        None.
    """
    before = vars(_state).copy()
    _state.is_without_gradients = True
    _state.device = device
    try:
        yield
    finally:
        vars(_state).clear()
        vars(_state).update(before)


def custom_gradient(function):
    """Returns `tf.custom_gradient` of a function, where there are gradients."""

    @functools.wraps(function)
    def call(*args):
        if getattr(_state, "is_without_gradients", False):
            return function(*args)[0]
        return tf.custom_gradient(function)(*args)

    return call


def is_on_processor():
    """Whether what is traced now runs without a GPU."""
    device = getattr(_state, "device", None)
    if device is not None:
        return device == "cpu"
    return not tf.config.list_logical_devices("GPU")


def sizes(x):
    """Returns the sides of a tensor: integers where known, else scalars."""
    dynamic = tf.shape(x)
    return [
        dynamic[axis] if size is None else size
        for axis, size in enumerate(x.shape)
    ]


def is_same(size, other):
    """Whether both are known, and equal."""
    return isinstance(size, int) and isinstance(other, int) and size == other


def after(dependency, tensor):
    """Returns the tensor, for operations that are to wait for another.

    TensorFlow runs what it can as soon as it can. What follows from weights
    alone, or from maps that are kept for a gradient, would all be made at once
    and fill the memory until it is needed; and it would be taken for the same
    that was made before, and kept.
    """
    with tf.control_dependencies([dependency]):
        return tf.identity(tensor)
