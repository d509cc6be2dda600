"""The one place where a layer leaves `keras.ops` for TensorFlow, for speed.

Each function has a portable twin written in `keras.ops`, used on every other
backend. Both give the same numbers; tests hold them to each other.
"""

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
else:
    tf = None


def instance_normalize(x, epsilon):
    """Normalizes each channel of each example over height and width.

    Statistics are taken in float32 and the variance is the biased one.

    In half precision a batch of one goes through TensorFlow's fused batch
    norm, where training-mode batch norm *is* instance norm: the kernel reads
    and writes half precision and keeps its statistics in float32, which saves
    two casts of the whole map. In float32 the plain formula is faster.

    Args:
        x: floating tensor, `(batch, height, width, channels)`.
        epsilon: float, added to the variance.

    Returns:
        Tensor of the same shape and dtype.
    """
    half = keras.backend.standardize_dtype(x.dtype) in ("bfloat16", "float16")
    if tf is not None and half and x.shape[0] == 1:
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
    wide = ops.cast(x, "float32")
    mean = ops.mean(wide, axis=(1, 2), keepdims=True)
    centred = wide - mean
    variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True)
    return ops.cast(centred * ops.rsqrt(variance + epsilon), x.dtype)


def mean_per_instance(features, instance_map):
    """Replaces every pixel's features by their mean over its instance.

    Args:
        features: float32 tensor, `(batch, height, width, channels)`.
        instance_map: integer tensor, `(batch, height, width)`, any ids. The
            same id in two examples means two instances.

    Returns:
        Float32 tensor of the shape of `features`.
    """
    shape = ops.shape(features)
    num_pixels = shape[0] * shape[1] * shape[2]
    flat_features = ops.reshape(features, (num_pixels, shape[3]))
    if tf is not None:
        # The id and the example together name an instance, in 64 bits.
        example = tf.range(tf.cast(shape[0], tf.int64))[:, None, None]
        keys = example * 2**32 + tf.cast(instance_map, tf.int64)
        names, segments = tf.unique(tf.reshape(keys, [-1]))
        means = tf.math.unsorted_segment_mean(
            flat_features, segments, tf.size(names)
        )
        return tf.reshape(tf.gather(means, segments), tf.shape(features))
    # Without a hash table: sort by id within each example, number the runs.
    ids = ops.reshape(instance_map, (shape[0], shape[1] * shape[2]))
    order = ops.argsort(ids, axis=1)
    ordered = ops.take_along_axis(ids, order, axis=1)
    starts = ops.concatenate(
        [
            ops.ones((shape[0], 1), dtype="int32"),
            ops.cast(ordered[:, 1:] != ordered[:, :-1], "int32"),
        ],
        axis=1,
    )
    numbers = ops.cumsum(ops.reshape(starts, (-1,))) - 1
    rank = ops.argsort(order, axis=1)
    segments = ops.reshape(
        ops.take_along_axis(
            ops.reshape(numbers, (shape[0], shape[1] * shape[2])), rank, axis=1
        ),
        (-1,),
    )
    sums = ops.segment_sum(flat_features, segments, num_segments=num_pixels)
    counts = ops.segment_sum(
        ops.ones((num_pixels, 1)), segments, num_segments=num_pixels
    )
    means = sums / ops.maximum(counts, 1.0)
    return ops.reshape(ops.take(means, segments, axis=0), shape)
