"""The mean of a map over each instance."""

from keras import ops

from hdgan.layers.kernels.backend import has_fast_paths, tf


def mean_per_instance(values, instance_map):
    """Replaces the values of every pixel by their mean over its instance.

    Args:
        values: float32 tensor, `(batch, height, width, channels)`.
        instance_map: integer tensor, `(batch, height, width)`, any ids. The
            same id in two examples means two instances.

    Returns:
        Float32 tensor of the shape of `values`.
    """
    if not has_fast_paths():
        return _mean_by_sorting(values, instance_map)
    shape = tf.shape(values)
    # Example and id together name an instance, in 64 bits.
    example = tf.range(tf.cast(shape[0], tf.int64))[:, None, None]
    keys = example * 2**32 + tf.cast(instance_map, tf.int64)
    names, segments = tf.unique(tf.reshape(keys, [-1]))
    # Not `unsorted_segment_mean`, which OpenVINO doesn't read. One more column
    # counts the pixels, exactly up to 2**24.
    flat_values = tf.reshape(values, (-1, values.shape[-1]))
    columns = tf.pad(flat_values, ((0, 0), (0, 1)), constant_values=1)
    sums = tf.math.unsorted_segment_sum(columns, segments, tf.size(names))
    means = sums[:, :-1] / sums[:, -1:]
    return tf.reshape(tf.gather(means, segments), shape)


def _mean_by_sorting(values, instance_map):
    """The plain twin.

    It has no hash table: it sorts the ids of each example and numbers the runs
    of equal ids.
    """
    shape = ops.shape(values)
    num_pixels = shape[0] * shape[1] * shape[2]
    flat_values = ops.reshape(values, (num_pixels, shape[3]))
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
    sums = ops.segment_sum(flat_values, segments, num_segments=num_pixels)
    counts = ops.segment_sum(
        ops.ones((num_pixels, 1), "float32"),
        segments,
        num_segments=num_pixels,
    )
    means = sums / ops.maximum(counts, 1.0)
    return ops.reshape(ops.take(means, segments, axis=0), shape)
