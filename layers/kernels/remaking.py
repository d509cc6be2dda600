"""Maps that are made again for a gradient instead of being kept for it.

What a convolution keeps for its kernel's gradient is its input: for most, a
norm and a ReLU of another convolution's output, which is kept as well. Making
the first from the second again takes a fraction of the convolution's own time,
and nearly halves what a train step holds.
"""

from hdgan.layers.kernels.backend import after, tf

_ATTRIBUTE = "_hdgan_remake"


def remakable(tensor, make):
    """Returns the tensor, after noting how to make it again.

    Args:
        tensor: TensorFlow tensor.
        make: function of a tensor to wait for that returns an equal one. It
            makes it of what is kept anyway.
    """
    setattr(tensor, _ATTRIBUTE, make)
    return tensor


def remade(tensor, dependency):
    """Returns an equal tensor that is made once `dependency` is there.

    Called from the gradient of what took the tensor, with the gradient that
    came in. A tensor that no one knows how to make is kept.

    Args:
        tensor: TensorFlow tensor.
        dependency: TensorFlow tensor.
    """
    make = getattr(tensor, _ATTRIBUTE, None)
    return after(dependency, tensor) if make is None else make(dependency)


def remake_for_gradient(function, x):
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
            with tf.GradientTape() as tape:
                source = remade(x, dependency)
                tape.watch(source)
                again[graph] = tape, source, function(source)
        return again[graph][-1]

    @tf.custom_gradient
    def call(inner):
        def backward(gradient):
            make(gradient)
            graph = tf.compat.v1.get_default_graph()
            # Another gradient that passes here waits for what is its own.
            tape, source, y = again.pop(graph)
            return tape.gradient(y, source, gradient)

        return function(inner), backward

    return remakable(call(x), make)
