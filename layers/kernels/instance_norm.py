"""Instance normalization."""

from keras import ops

from hdgan.layers.kernels.backend import custom_gradient, has_fast_paths, tf
from hdgan.layers.kernels.recompute import (
    recompute_after,
    recompute_for_gradient,
)


def instance_normalize(x, epsilon):
    """Normalizes each channel of each example over height and width.

    Statistics are taken in float32; the variance is the biased one.

    A batch of one goes through TensorFlow's fused batch norm, because
    training-mode batch norm of one example *is* instance norm. It reads and
    writes the map half as often as the formula does, and half precision needs
    no casts.

    Args:
        x: floating tensor, `(batch, height, width, channels)`.
        epsilon: float, added to the variance.

    Returns:
        Tensor of the same shape and dtype.
    """
    if not has_fast_paths():
        centred = _subtract_first_pixel(ops.cast(x, "float32"))
        return ops.cast(_normalize(centred, epsilon)[0], x.dtype)
    x = tf.convert_to_tensor(x)
    if x.dtype == tf.float32:
        # TensorFlow writes the result over `x`, and keeps it in its place.
        x = recompute_after(_subtract_first_pixel, x)
    return recompute_for_gradient(
        lambda x: _normalize_on_tensorflow(x, epsilon), x
    )


def _normalize_on_tensorflow(x, epsilon):
    batch = x.shape[0]
    if batch is None:
        return tf.cond(
            tf.equal(tf.shape(x)[0], 1),
            lambda: _normalize_one(x, epsilon),
            lambda: _normalize_several(x, epsilon),
        )
    normalize = _normalize_one if batch == 1 else _normalize_several
    return normalize(x, epsilon)


def _normalize(x, epsilon):
    """Returns the normalized map, and the factor of each channel."""
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    centred = x - mean
    variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True)
    factor = ops.rsqrt(variance + epsilon)
    return centred * factor, factor


def _subtract_first_pixel(x):
    """Makes a constant channel exactly 0; the norm of others stays the same.

    Each norm that follows would amplify rounding noise up to 316 times, and
    each kernel rounds differently.
    """
    # The norm doesn't depend on the subtracted constant, so its gradient is 0.
    return x - ops.stop_gradient(x[:, :1, :1])


def _normalize_one(x, epsilon):
    channels = tf.shape(x)[-1:]
    return tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=tf.ones(channels),
        offset=tf.zeros(channels),
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
        is_training=True,
    )[0]


def _normalize_several(x, epsilon):
    # The gradient that TensorFlow derives from the formula reads and writes the
    # map about ten times more often.
    @custom_gradient
    def normalize(x):
        y, factor = _normalize(x, epsilon)

        def backward(gradient):
            def mean(values):
                return tf.reduce_mean(values, (1, 2), keepdims=True)

            # Ioffe and Szegedy, 2015, section 3, with its sums combined.
            slope = mean(gradient * y)
            return factor * (gradient - mean(gradient) - y * slope)

        return y, backward

    return tf.cast(normalize(tf.cast(x, tf.float32)), x.dtype)
