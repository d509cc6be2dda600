"""Maps that are recomputed for a gradient instead of being kept for it.

The gradient of a convolution's kernel needs the convolution's input. Mostly
that is the norm and ReLU of another convolution's output, which is kept as
well. Recomputing the first from the second takes a fraction of a convolution's
time and nearly halves the memory that a train step holds. Within
`recomputing_convolutions`, convolutions run again too.

A recomputable tensor carries a function that computes it again, in an
attribute. `recomputable` sets it and `recomputed` calls it.
"""

import contextlib
import threading

from hdgan.layers.kernels.backend import (
    after,
    custom_gradient,
    has_fast_paths,
    tf,
)

_ATTRIBUTE = "_hdgan_recompute"
# One per thread, because a strategy traces each replica in its own.
_thread = threading.local()


@contextlib.contextmanager
def recomputing_convolutions(limit):
    """Within it, outputs of convolutions are recomputed for the gradient, too.

    Args:
        limit: int, the number of successive convolutions whose outputs are
            recomputed before one is kept.
    """
    before = convolutions_to_recompute()
    _thread.limit = limit
    try:
        yield
    finally:
        _thread.limit = before


def convolutions_to_recompute():
    """Returns the limit of `recomputing_convolutions`; 0 outside of it."""
    return getattr(_thread, "limit", 0)


def recomputable(tensor, recompute, num_convolutions=0):
    """Returns the tensor, after attaching a function that recomputes it.

    Args:
        tensor: TensorFlow tensor.
        recompute: function of a tensor to wait for; returns an equal tensor,
            computed from tensors that are kept anyway.
        num_convolutions: int, the number of convolutions that it runs.
            Defaults to `0`.
    """
    setattr(tensor, _ATTRIBUTE, (recompute, num_convolutions))
    return tensor


def is_recomputable(tensor):
    """Returns whether `recomputed` computes the tensor again."""
    return hasattr(tensor, _ATTRIBUTE)


def recomputed(tensor, dependency):
    """Returns an equal tensor, computed once `dependency` is available.

    The gradient of the function that took the tensor calls it with the incoming
    gradient as `dependency`. A tensor that is not recomputable is kept.

    Args:
        tensor: TensorFlow tensor.
        dependency: TensorFlow tensor.
    """
    recompute, _ = getattr(tensor, _ATTRIBUTE, (None, 0))
    if recompute is None:
        return after(dependency, tensor)
    return recompute(dependency)


def recompute_from(function, *tensors):
    """Calls a fast function whose result is recomputed from its arguments.

    Its gradient, if it has one, must keep neither result nor arguments.

    Args:
        function: function of the tensors, written in `keras.ops`.
        *tensors: tensors that are kept anyway, or recomputable.

    Returns:
        `function(*tensors)`.
    """
    if not has_fast_paths():
        return function(*tensors)
    tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]
    return recomputable(
        function(*tensors),
        lambda dependency: function(
            *(recomputed(tensor, dependency) for tensor in tensors)
        ),
        sum(map(_count, tensors)),
    )


def recompute_convolution(convolve, x):
    """Calls a convolution that, within the limit, runs again for a gradient.

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
    """Calls a function whose result is kept unless `x` is recomputable.

    Args:
        function: function of one tensor, whose gradient keeps nothing.
        x: TensorFlow tensor.

    Returns:
        `function(x)`.
    """
    if not is_recomputable(x):
        return function(x)
    return recompute_from(function, x)


def recompute_for_gradient(function, x):
    """Calls a fast function without keeping what its gradient needs.

    The gradient of the function recomputes the result from `x`. If the function
    that takes the result needs it for a gradient as well, both share the same
    recomputed tensor.

    Args:
        function: function of one tensor, with a gradient.
        x: TensorFlow tensor.

    Returns:
        `function(x)`.
    """
    # Tape, input and result by graph: each graph that takes gradients
    # recomputes for itself.
    shared = {}

    def recompute(dependency):
        graph = tf.compat.v1.get_default_graph()
        if graph not in shared:
            source = recomputed(x, dependency)
            with tf.GradientTape() as tape:
                tape.watch(source)
                shared[graph] = tape, source, function(source)
        return shared[graph][-1]

    @custom_gradient
    def call(inner):
        def backward(gradient):
            recompute(gradient)
            # Popped, so that a second gradient recomputes under its own
            # control dependency.
            graph = tf.compat.v1.get_default_graph()
            tape, source, y = shared.pop(graph)
            return tape.gradient(y, source, gradient)

        return function(inner), backward

    return recomputable(call(x), recompute, _count(x))


def _count(tensor):
    return getattr(tensor, _ATTRIBUTE, (None, 0))[1]
