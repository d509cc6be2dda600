"""Styles of instances, chosen by whoever asks, inside of a served graph."""

import numpy as np
import tensorflow as tf


def make_style_specs(num_features):
    """Returns the inputs of `draw_style_maps` beside the maps.

    Args:
        num_features: int, length of a style.
    """
    return [
        tf.TensorSpec((None, None), tf.int32, "style_instances"),
        tf.TensorSpec((None, None, num_features), tf.float32, "style_vectors"),
        tf.TensorSpec((None, None), tf.int32, "style_clusters"),
        tf.TensorSpec((None,), tf.int32, "seed"),
    ]


def draw_style_maps(model, label_map, region_map, styles):
    """Gives each region the style that was asked for, or a drawn one.

    Args:
        model: `Pix2PixHD` with labels, that takes styles.
        label_map: int32 `(batch, height, width)`, the classes.
        region_map: int32 `(batch, height, width)`, ids of what has one style.
        styles: list of the tensors of `make_style_specs`: ids of regions; for
            each the style, in [-1, 1]; or instead, where it is not negative,
            which of the clusters of the region's class; and the seed that draws
            a cluster for each region that is not among the ids. A model without
            clusters gives those zeros.

    Returns:
        float32 `(batch, height, width, features)` in [-1, 1].

    Raises:
        InvalidArgumentError: when run, if there is no such cluster, or a
            style is outside of [-1, 1].
    """
    centers, counts = _tabulate(model)

    def draw(arguments):
        label_map, region_map, instances, vectors, clusters, seed = arguments
        size = tf.shape(region_map)
        ids, segments = tf.unique(tf.reshape(region_map, [-1]))
        # Of the region's first pixel.
        order = tf.range(tf.size(region_map))
        first = tf.math.unsorted_segment_min(order, segments, tf.size(ids))
        labels = tf.gather(tf.reshape(label_map, [-1]), first)
        labels = tf.minimum(labels, len(counts) - 1)
        available = tf.gather(counts, labels)
        # Of seed and id alone: a car keeps its style when another drives off.
        names = tf.strings.join(
            [tf.as_string(seed), tf.as_string(ids)], separator=" "
        )
        drawn = tf.strings.to_hash_bucket_strong(names, 2**31 - 1, [17, 29])
        chosen = tf.cast(drawn, tf.int32) % available

        # Which of those that were asked for; one past them for the others.
        num_asked = tf.size(instances)
        order = tf.argsort(instances, stable=True)
        ordered = tf.gather(instances, order)
        place = tf.searchsorted(ordered, ids)
        is_found = tf.gather(tf.pad(ordered, ((0, 1),)), place) == ids
        has_asked = is_found & (place < num_asked)
        which = tf.where(
            has_asked, tf.gather(tf.pad(order, ((0, 1),)), place), num_asked
        )
        asked_clusters = tf.gather(
            tf.pad(clusters, ((0, 1),), constant_values=-1), which
        )
        asked_clusters = tf.where(has_asked, asked_clusters, -1)
        check = tf.debugging.assert_less(
            asked_clusters,
            available,
            "`style_clusters` names a cluster that its instance's class does "
            "not have. Send less than their number, or -1 and a vector.",
        )
        with tf.control_dependencies([check]):
            chosen = tf.where(asked_clusters >= 0, asked_clusters, chosen)
        features = tf.gather_nd(centers, tf.stack([labels, chosen], axis=1))
        asked_vectors = tf.gather(tf.pad(vectors, ((0, 1), (0, 0))), which)
        takes_vector = has_asked & (asked_clusters < 0)
        features = tf.where(takes_vector[:, None], asked_vectors, features)
        return tf.reshape(
            tf.gather(features, segments),
            (*tf.unstack(size), features.shape[1]),
        )

    check = tf.debugging.assert_less_equal(
        tf.abs(styles[1]),
        1.0,
        "`style_vectors` must be in [-1, 1].",
    )
    with tf.control_dependencies([check]):
        arguments = (label_map, region_map, *map(tf.identity, styles))
    num_features = model.style_channels
    return tf.map_fn(
        draw,
        arguments,
        fn_output_signature=tf.TensorSpec(
            (None, None, num_features), tf.float32
        ),
        parallel_iterations=1,
    )


def list_styles(features, region_map):
    """Returns the style of each region.

    Args:
        features: float32 `(batch, height, width, features)`, constant over
            each region.
        region_map: int32 `(batch, height, width)`.

    Returns:
        Dict of `style_examples`, int32 `(n,)`, the example's number;
        `style_instances`, int32 `(n,)`, the region's id; `style_vectors`,
        float32 `(n, features)`: for each region of each example, in the order
        in which they come.
    """
    examples = tf.range(tf.shape(region_map)[0], dtype=tf.int64)
    # The id and the example together name a region, in 64 bits.
    keys = examples[:, None, None] * 2**32 + tf.cast(region_map, tf.int64)
    names, segments = tf.unique(tf.reshape(keys, [-1]))
    order = tf.range(tf.size(segments))
    first = tf.math.unsorted_segment_min(order, segments, tf.size(names))
    flat = tf.reshape(features, (-1, features.shape[-1]))
    instances = tf.gather(tf.reshape(region_map, [-1]), first)
    pixels = tf.size(region_map) // tf.shape(region_map)[0]
    return {
        "style_examples": first // pixels,
        "style_instances": instances,
        "style_vectors": tf.gather(flat, first),
    }


def _tabulate(model):
    """Returns all centers, `(classes, clusters, features)`, and their counts.

    A class without clusters has one, the mean of all, as in `StyleClusters`.
    """
    num_classes = len(model.labels)
    if model.style_clusters is None:
        shape = (num_classes, 1, model.style_channels)
        return np.zeros(shape, "float32"), np.ones(num_classes, "int32")
    given = model.style_clusters.centers
    mean = np.concatenate(list(given.values())).mean(axis=0, keepdims=True)
    rows = [given.get(label, mean) for label in range(num_classes)]
    counts = np.array([len(row) for row in rows], "int32")
    centers = np.zeros((num_classes, counts.max(), mean.shape[1]), "float32")
    for label, row in enumerate(rows):
        centers[label, : len(row)] = row
    return centers, counts
