"""The switch of the fast paths, and helpers for code written in TensorFlow."""

import contextlib
import functools
import os
import threading

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
else:
    tf = None

# One per thread, because a strategy traces each replica in its own.
_thread = threading.local()


class _Switch:
    """Whether layers run their plain twins, in all threads."""

    is_plain = os.environ.get("HDGAN_PLAIN_KERNELS", "0") not in ("", "0")


@contextlib.contextmanager
def plain_kernels(is_plain=True):
    """Makes layers run plain `keras.ops` in place of the fast paths.

    Results agree to rounding; a step takes more time and memory. Use it to find
    out whether a fast path is the cause of a problem, or on a device that lacks
    one of its kernels. The environment variable `HDGAN_PLAIN_KERNELS=1` does
    the same for a whole process. A `tf.function` keeps the paths that it was
    traced with, so enter the context before the first call. It applies to all
    threads, because a distribution strategy runs each replica in its own.

    `gradient_checkpointing` has no effect on layers then: recomputation is part
    of the fast paths.

    Args:
        is_plain: bool, False for the fast paths. Defaults to `True`.

    Example:
        >>> with hdgan.layers.plain_kernels():
        ...     photo = generator(condition)
    """
    before = _Switch.is_plain
    _Switch.is_plain = is_plain
    try:
        yield
    finally:
        _Switch.is_plain = before


def has_fast_paths():
    """Returns whether layers run TensorFlow's kernels, not plain twins."""
    return tf is not None and not _Switch.is_plain


@contextlib.contextmanager
def tracing_for_inference(device=None):
    """Within it, this thread traces graphs without their gradients.

    Without the hand-written gradients a graph has half the size and loads in
    half the time.

    Args:
        device: `"cpu"` or `"gpu"`, the device that will run the graph. Defaults
            to `None`, which means a GPU if this machine has one.

    Yields:
        None.
    """
    before = vars(_thread).copy()
    _thread.is_without_gradients = True
    _thread.device = device
    try:
        yield
    finally:
        vars(_thread).clear()
        vars(_thread).update(before)


def custom_gradient(function):
    """Applies `tf.custom_gradient`, except while tracing for inference."""

    @functools.wraps(function)
    def call(*args):
        if getattr(_thread, "is_without_gradients", False):
            return function(*args)[0]
        return tf.custom_gradient(function)(*args)

    return call


def is_on_processor():
    """Returns whether the code that is traced now will run on a CPU."""
    device = getattr(_thread, "device", None)
    if device is not None:
        return device == "cpu"
    return not tf.config.list_logical_devices("GPU")


def size(x, axis):
    """Returns the size of an axis: an int if known, else a scalar tensor."""
    known = None if x.shape.rank is None else x.shape[axis]
    return tf.shape(x)[axis] if known is None else known


def sizes(x):
    """Returns a tensor's shape: ints where known, scalar tensors elsewhere."""
    if x.shape.is_fully_defined():
        return list(x.shape)
    dynamic = tf.shape(x)
    return [
        dynamic[axis] if size is None else size
        for axis, size in enumerate(x.shape)
    ]


def is_same(size, other):
    """Returns whether two sizes are known and equal."""
    return isinstance(size, int) and isinstance(other, int) and size == other


def after(dependency, tensor):
    """Returns the tensor, available only once another has been computed.

    TensorFlow runs an operation as soon as its inputs exist. An operation on
    weights alone, or on maps kept for a gradient, would run at the start of the
    backward pass, and its result would fill the memory until it is needed. And
    Grappler's common-subexpression elimination would merge a recomputed map
    with the forward copy and keep that alive.
    """
    with tf.control_dependencies([dependency]):
        return tf.identity(tensor)


def call_shared(function, tensors, *constants, shape=None):
    """Calls a function of which all layers share one graph.

    A graph that is traced then holds one operation in place of the function's.
    It is Python that takes the time until the first train step: about half a
    millisecond for each operation.

    It is not for functions that return maps of a train step: all tensors of a
    call stay until the whole of it has run. Norms that were called like this
    took a quarter more memory at the peak.

    Args:
        function: function of tensors and constants, in TensorFlow or in
            `keras.ops`.
        tensors: tuple of tensors.
        *constants: hashable arguments, after the tensors.
        shape: static shape of the result, if it is one tensor. The shared graph
            knows no sizes. Defaults to None.

    Returns:
        What the function returns. No gradient is defined.
    """
    if not has_fast_paths() or tf.executing_eagerly():
        return function(*tensors, *constants)
    tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]
    graph = _shared_graph(function, _specs(tensors), constants)
    results = tf.raw_ops.PartitionedCall(
        args=tensors,
        Tout=[output.dtype for output in graph.outputs],
        f=graph,
    )
    for result, output in zip(results, graph.outputs, strict=True):
        result.set_shape(output.shape if shape is None else shape)
    return tf.nest.pack_sequence_as(graph.structured_outputs, results)


def call_by_batch(one, several, tensors, *constants):
    """Calls one function for a batch of one, another one for larger batches.

    Where the batch size is known only when the graph runs, the graph chooses.
    `tf.cond` would trace both functions, and their gradients, for each layer
    anew, which took more than half of the time until the first train step.
    Here all layers share two graphs.

    Args:
        one: function of tensors and constants, in TensorFlow.
        several: function with the same results, up to rounding.
        tensors: tuple of TensorFlow tensors, the first with the batch size.
        *constants: hashable arguments, after the tensors.

    Returns:
        What the function returns. No gradient is defined.
    """
    batch = tensors[0].shape[0]
    if batch is not None:
        return (one if batch == 1 else several)(*tensors, *constants)
    then_branch, else_branch = (
        _shared_graph(function, _specs(tensors), constants)
        for function in (one, several)
    )
    outputs = then_branch.outputs
    results = tf.raw_ops.StatelessIf(
        cond=tf.equal(tf.shape(tensors[0])[0], 1),
        input=list(tensors),
        Tout=[output.dtype for output in outputs],
        then_branch=then_branch,
        else_branch=else_branch,
        output_shapes=[output.shape for output in outputs],
    )
    return tf.nest.pack_sequence_as(then_branch.structured_outputs, results)


def _specs(tensors):
    """Returns the signature of a shared graph: tensors of any sizes."""
    return tuple(
        tf.TensorSpec(
            tf.TensorShape(None)
            if tensor.shape.rank is None
            else [None] * tensor.shape.rank,
            tensor.dtype,
        )
        for tensor in tensors
    )


@functools.cache
def _shared_graph(function, specs, constants):
    with tf.init_scope():
        return tf.function(
            lambda *tensors: function(*tensors, *constants),
            input_signature=specs,
            autograph=False,
        ).get_concrete_function()
