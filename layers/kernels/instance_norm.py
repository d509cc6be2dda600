"""Instance normalization."""

from keras import ops

from hdgan.layers.kernels.backend import (
    call_by_batch,
    custom_gradient,
    has_fast_paths,
    size,
    tf,
)
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
    @custom_gradient
    def normalize(x):
        y, *kept = call_by_batch(
            _normalize_one, _normalize_several, (x,), epsilon
        )
        y.set_shape(x.shape)

        def backward(gradient):
            result = call_by_batch(
                _differentiate_one,
                _differentiate_several,
                (gradient, x, y, *kept),
                epsilon,
            )
            result.set_shape(x.shape)
            return result

        return y, backward

    return normalize(x)


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


# The functions for one example and for several have the same shapes, which XLA
# demands of a choice. Each keeps a tensor of one example per channel twice.


def _normalize_one(x, epsilon):
    channels = size(x, -1)
    norm = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=tf.ones([channels]),
        offset=tf.zeros([channels]),
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
        is_training=True,
    )
    shape = [size(x, 0), 1, 1, channels]
    return (
        norm.y,
        tf.broadcast_to(norm.reserve_space_1, shape),
        tf.broadcast_to(norm.reserve_space_2, shape),
        norm.reserve_space_3,
    )


def _differentiate_one(gradient, x, y, first, second, third, epsilon):
    del y
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=gradient,
        x=x,
        scale=tf.ones([size(x, -1)]),
        reserve_space_1=first[0, 0, 0],
        reserve_space_2=second[0, 0, 0],
        reserve_space_3=third,
        epsilon=epsilon,
        is_training=True,
    ).x_backprop


def _normalize_several(x, epsilon):
    y, factor = _normalize(tf.cast(x, tf.float32), epsilon)
    return tf.cast(y, x.dtype), factor, factor, tf.zeros([0])


def _differentiate_several(gradient, x, y, factor, second, third, epsilon):
    # The gradient that TensorFlow derives from the formula reads and writes the
    # map about ten times more often.
    del x, second, third, epsilon

    def mean(values):
        return tf.reduce_mean(values, (1, 2), keepdims=True)

    dtype = gradient.dtype
    gradient, y = tf.cast(gradient, tf.float32), tf.cast(y, tf.float32)
    # Ioffe and Szegedy, 2015, section 3, with its sums combined.
    slope = mean(gradient * y)
    return tf.cast(factor * (gradient - mean(gradient) - y * slope), dtype)
