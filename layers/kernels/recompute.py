"""Maps that are made again for a gradient instead of being kept for it.

What a convolution keeps for its kernel's gradient is its input: for most, a
norm and a ReLU of another convolution's output, which is kept as well. Making
the first from the second again takes a fraction of the convolution's own time,
and nearly halves what a train step holds. Within `recomputing_convolutions`,
outputs of convolutions are made again too.
"""

import contextlib
import threading

from hdgan.layers.kernels.backend import after, custom_gradient, tf

_ATTRIBUTE = "_hdgan_recompute"
# A thread of its own for each replica of a strategy.
_state = threading.local()


@contextlib.contextmanager
def recomputing_convolutions(limit):
    """Within it, convolutions' outputs are made again for the gradient, too.

    Args:
        limit: int, how many in a row, until the output of one is kept.
    """
    before = convolutions_to_recompute()
    _state.limit = limit
    try:
        yield
    finally:
        _state.limit = before


def convolutions_to_recompute():
    """Returns the limit that is set; 0 where none are to be."""
    return getattr(_state, "limit", 0)


def recomputable(tensor, make, num_convolutions=0):
    """Returns the tensor, after noting how to make it again.

    Args:
        tensor: TensorFlow tensor.
        make: function of a tensor to wait for that returns an equal one. It
            makes it of what is kept anyway.
        num_convolutions: int, how many it runs.
    """
    setattr(tensor, _ATTRIBUTE, (make, num_convolutions))
    return tensor


def is_recomputable(tensor):
    """Whether `recomputed` makes it."""
    return hasattr(tensor, _ATTRIBUTE)


def recomputed(tensor, dependency):
    """Returns an equal tensor that is made once `dependency` is there.

    Called from the gradient of what took the tensor, with the gradient that
    came in. A tensor that no one knows how to make is kept.

    Args:
        tensor: TensorFlow tensor.
        dependency: TensorFlow tensor.
    """
    make, _ = getattr(tensor, _ATTRIBUTE, (None, 0))
    return after(dependency, tensor) if make is None else make(dependency)


def recompute_convolution(convolve, x):
    """Calls a convolution, noting within the limit how to run it again.

    Args:
        convolve: function of one tensor.
        x: TensorFlow tensor.

    Returns:
        `convolve(x)`.
    """
    y = convolve(x)
    num_convolutions = _count(x) + 1
    if num_convolutions > convolutions_to_recompute():
        return y
    return recomputable(
        y,
        lambda dependency: convolve(recomputed(x, dependency)),
        num_convolutions,
    )


def recompute_after(function, x):
    """Calls a function whose result is kept unless `x` is made again.

    Args:
        function: of one tensor, whose gradient keeps nothing.
        x: TensorFlow tensor.

    Returns:
        `function(x)`.
    """
    y = function(x)
    if not is_recomputable(x):
        return y
    return recomputable(
        y, lambda dependency: function(recomputed(x, dependency)), _count(x)
    )


def recompute_for_gradient(function, x):
    """Calls a function that takes little time, without keeping its result.

    Neither its gradient nor that of what takes the result keeps anything but
    `x`; both use the same second result.

    Args:
        function: of one tensor, with a gradient.
        x: TensorFlow tensor.

    Returns:
        `function(x)`.
    """
    # One for each graph whose gradients ask for it.
    again = {}

    def make(dependency):
        graph = tf.compat.v1.get_default_graph()
        if graph not in again:
            source = recomputed(x, dependency)
            with tf.GradientTape() as tape:
                tape.watch(source)
                again[graph] = tape, source, function(source)
        return again[graph][-1]

    @custom_gradient
    def call(inner):
        def backward(gradient):
            make(gradient)
            # Another gradient that passes here waits for what is its own.
            graph = tf.compat.v1.get_default_graph()
            tape, source, y = again.pop(graph)
            return tape.gradient(y, source, gradient)

        return function(inner), backward

    return recomputable(call(x), make, _count(x))


def _count(tensor):
    return getattr(tensor, _ATTRIBUTE, (None, 0))[1]
