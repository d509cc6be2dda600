"""Spectral normalization."""

import contextlib
import math
import threading

import keras
from keras import ops

from hdgan.layers.keras_internals import current_stateless_scope
from hdgan.layers.kernels import call_shared

# One per thread, because a strategy traces each replica in its own.
_step = threading.local()


@contextlib.contextmanager
def one_power_iteration():
    """Within it, each spectral normalization iterates at most once.

    Training calls after a layer's first divide by the same sigma, so that a
    discriminator is the same function for photo and fake in one step.

    Example:
        >>> with one_power_iteration():
        ...     real = discriminator(photo, training=True)
        ...     fake = discriminator(generator(x), training=True)
    """
    before = getattr(_step, "vectors", None)
    _step.vectors = {}
    try:
        yield
    finally:
        _step.vectors = before


@keras.saving.register_keras_serializable(package="hdgan")
class SpectralNormalization(keras.layers.Wrapper):
    """Divides the kernel of a layer by its largest singular value.

    W is the kernel as a matrix `(-1, outputs)`. Each training call (within
    `one_power_iteration`, the first of each layer) runs power iterations
    `v = l2(u W')`, `u = l2(v W)` and calls the layer with `W / sigma`,
    `sigma = v W u'`. The layer's own kernel does not change, and the gradient
    flows through sigma, with u and v constant (Miyato et al., 2018,
    equations 11 and 12). `keras.layers.SpectralNormalization` overwrites the
    kernel instead, without that gradient. u starts as a random unit vector. A
    kernel of zeros stays as it is. u, v and sigma are float32, whatever the
    dtype of the layer.

    Args:
        layer: a Keras layer with an attribute `kernel`.
        power_iterations: int >= 1, iterations per training call. Defaults to
            `1`.
        epsilon: float > 0, the smallest length that u and v are divided by.
            Defaults to `1e-12`.
        store_v: bool, whether v is a weight beside u. Inference then divides by
            the sigma of the two as the last training call left them, which is
            what PyTorch does and its checkpoints need. Otherwise inference
            finds v from u and the kernel. Training is the same. Defaults to
            `False`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        The wrapped layer's.

    Output shape:
        The wrapped layer's, in this layer's compute dtype.

    Raises:
        ValueError: if `power_iterations` is not an integer >= 1, or the layer
            has no kernel.

    Example:
        >>> convolution = keras.layers.Conv2D(8, 4)
        >>> layer = hdgan.layers.SpectralNormalization(convolution)
    """

    def __init__(
        self,
        layer,
        power_iterations=1,
        epsilon=1e-12,
        store_v=False,
        **kwargs,
    ):
        super().__init__(layer, **kwargs)
        if not isinstance(power_iterations, int) or power_iterations < 1:
            raise ValueError(
                "`power_iterations` must be an integer >= 1. "
                f"Received: {power_iterations!r}"
            )
        self.power_iterations = power_iterations
        self.epsilon = epsilon
        self.store_v = store_v

    def build(self, input_shape):
        super().build(input_shape)
        if not hasattr(self.layer, "kernel"):
            raise ValueError(
                "SpectralNormalization needs a layer with a `kernel`. "
                f"Received: {self.layer}"
            )
        *inputs, outputs = self.layer.kernel.shape
        self.u = self._add_vector("u", outputs, self._draw_unit_vector)
        if self.store_v:
            self.v = self._add_vector("v", math.prod(inputs), self._start_v)

    def _add_vector(self, name, size, initializer):
        return self.add_weight(
            name=name,
            shape=(1, size),
            initializer=initializer,
            trainable=False,
            autocast=False,
            dtype="float32",
            # Depends on the kernel alone, so it is equal on every replica.
            aggregation="only_first_replica",
        )

    def _draw_unit_vector(self, shape, dtype=None):
        draw = keras.initializers.RandomNormal(stddev=1.0)
        return _l2_normalize(draw(shape, dtype), self.epsilon)

    def _start_v(self, shape, dtype=None):
        # Two random vectors would give a sigma near zero, and inference
        # before the first training call would overflow.
        matrix = ops.reshape(
            ops.cast(self.layer.kernel.value, dtype), (shape[-1], -1)
        )
        start = ops.matmul(self.u, ops.transpose(matrix))
        return _l2_normalize(start, self.epsilon)

    def call(self, inputs, training=False):
        kernel = ops.cast(self.layer.kernel.value, "float32")
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        v, u = self._find_vectors(ops.stop_gradient(matrix), training)
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))[0, 0]
        # Only a kernel of zeros has the sigma 0.
        kernel = kernel / ops.where(sigma == 0, 1.0, sigma)
        with _replaced_kernel(self.layer, kernel):
            outputs = self.layer(inputs)
        return ops.cast(outputs, self.compute_dtype)

    def call_children(self, call, inputs):
        """Calls the layer by `call(layer, inputs)`; used by shape traces."""
        return call(self.layer, inputs)

    def _find_vectors(self, matrix, training):
        """Returns v and u, iterated if this is a training call."""
        known = getattr(_step, "vectors", None) if training else None
        if known and id(self) in known:
            return known[id(self)]
        u = self.u.value
        if self.store_v and not training:
            return self.v.value, u
        v, u = call_shared(
            _iterate,
            (matrix, u),
            self.power_iterations if training else 1,
            self.epsilon,
            training,
        )
        if training:
            self.u.assign(u)
            if self.store_v:
                self.v.assign(v)
        if known is not None:
            known[id(self)] = v, u
        return v, u

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "power_iterations": self.power_iterations,
            "epsilon": self.epsilon,
            "store_v": self.store_v,
        }


def _iterate(matrix, u, count, epsilon, training):
    """Returns v and u after some power iterations."""
    for _ in range(count):
        v = _l2_normalize(ops.matmul(u, ops.transpose(matrix)), epsilon)
        next_u = _l2_normalize(ops.matmul(v, matrix), epsilon)
        # At inference u stays that of the last training call. And u = 0, from a
        # kernel of zeros, would stay 0 whatever the kernel becomes.
        u = ops.where(ops.any(next_u), next_u, u) if training else u
    return v, u


def _l2_normalize(vector, epsilon):
    length = ops.sqrt(ops.sum(ops.square(vector)))
    return vector / ops.maximum(length, epsilon)


@contextlib.contextmanager
def _replaced_kernel(layer, kernel):
    """Within it, a layer has another kernel. Nothing is written.

    Args:
        layer: Keras layer with an attribute `kernel`.
        kernel: tensor of the kernel's shape.
    """
    scope = current_stateless_scope()
    if scope is None:
        with keras.StatelessScope(
            [(layer.kernel, kernel)], collect_losses=True
        ) as scope:
            yield
        for loss in scope.losses:
            layer.add_loss(loss)
        return
    # A scope of its own would hide the values of all other variables, which
    # JAX passes in the outer one.
    before = scope.get_current_value(layer.kernel)
    scope.add_update((layer.kernel, kernel))
    try:
        yield
    finally:
        scope.add_update((layer.kernel, before))
