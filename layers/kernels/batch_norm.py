"""Batch normalization with statistics over all replicas."""

from keras import ops

from hdgan.layers.kernels.backend import has_fast_paths, tf


def batch_normalize(x, epsilon):
    """Normalizes each channel over the batch of all replicas, height and width.

    Statistics are taken in float32, and the map is divided by the root of the
    biased variance. On one replica TensorFlow's fused kernel reads and writes
    the map half as often as the formula, and half precision without casts.

    Args:
        x: floating tensor, `(batch, height, width, channels)`.
        epsilon: float, added to the variance.

    Returns:
        Tensor of the same shape and dtype; the mean and the unbiased variance,
        float32 `(channels,)`, through which no gradient flows.
    """
    context = None if tf is None else tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        if has_fast_paths():
            return _normalize_fused(tf.convert_to_tensor(x), epsilon)
        return _normalize(x, epsilon, lambda total: total)
    return _normalize(
        x,
        epsilon,
        lambda total: context.all_reduce(tf.distribute.ReduceOp.SUM, total),
    )


def _normalize_fused(x, epsilon):
    channels = x.shape[-1]
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=tf.ones([channels]),
        offset=tf.zeros([channels]),
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
        is_training=True,
    )
    return y, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _normalize(x, epsilon, sum_replicas):
    """Normalizes by the formula; `sum_replicas` adds up a float32 vector."""
    wide = ops.cast(x, "float32")
    pixels = ops.cast(ops.prod(ops.shape(x)[:-1]), "float32")
    sums = ops.append(ops.sum(wide, axis=(0, 1, 2)), pixels)
    sums = sum_replicas(sums)
    # Replicas may hold batches of different sizes.
    pixels = ops.stop_gradient(sums[-1])
    mean = sums[:-1] / pixels
    # Two sums in a row: the mean of squares minus the square of the mean would
    # lose the variance of a channel far from zero to rounding.
    centred = wide - mean
    squares = sum_replicas(ops.sum(ops.square(centred), axis=(0, 1, 2)))
    y = centred * ops.rsqrt(squares / pixels + epsilon)
    unbiased = squares / ops.maximum(pixels - 1.0, 1.0)
    return (
        ops.cast(y, x.dtype),
        ops.stop_gradient(mean),
        ops.stop_gradient(unbiased),
    )
