"""The mean of features over each instance."""

from keras import ops

from hdgan.layers.kernels.backend import tf


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
        # Not `unsorted_segment_mean`, which OpenVINO doesn't read. One more
        # column counts the pixels, exactly up to 2**24.
        columns = tf.pad(flat_features, ((0, 0), (0, 1)), constant_values=1)
        sums = tf.math.unsorted_segment_sum(columns, segments, tf.size(names))
        means = sums[:, :-1] / sums[:, -1:]
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
