"""Styles of instances, chosen by whoever asks, inside of a served graph."""

import numpy as np
import tensorflow as tf

from hdgan.serving.checks import refuse_first


def make_style_specs(style_channels):
    """Returns the inputs of `draw_style_maps` beside the maps.

    Args:
        style_channels: int, length of a style.
    """
    return [
        tf.TensorSpec((None, None), tf.int32, "style_instances"),
        tf.TensorSpec(
            (None, None, style_channels), tf.float32, "style_vectors"
        ),
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
            a cluster for each region that is not among the ids (not the one
            that this seed draws in `Pix2PixHD.synthesize`). A model without
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
        ids, segments, first = _find_regions(region_map)
        labels = tf.gather(tf.reshape(label_map, [-1]), first)
        labels = tf.minimum(labels, len(counts) - 1)
        available = tf.gather(counts, labels)
        which = _search(instances, ids)
        is_asked = which < tf.size(instances)
        # One more, for those that were not asked for.
        clusters = tf.pad(clusters, ((0, 1),), constant_values=-1)
        vectors = tf.pad(vectors, ((0, 1), (0, 0)))
        clusters = tf.gather(clusters, which)
        check = refuse_first(
            (
                tf.reduce_any(clusters >= available),
                "`style_clusters` names a cluster that the class of its "
                "instance does not have. Send less than their number, or -1 "
                "and a vector.",
            )
        )
        with tf.control_dependencies([check]):
            drawn = _draw_clusters(seed, ids, available)
        chosen = tf.where(clusters >= 0, clusters, drawn)
        features = tf.gather_nd(centers, tf.stack([labels, chosen], axis=1))
        takes_vector = is_asked & (clusters < 0)
        features = tf.where(
            takes_vector[:, None], tf.gather(vectors, which), features
        )
        return tf.reshape(
            tf.gather(features, segments),
            (*tf.unstack(tf.shape(region_map)), features.shape[1]),
        )

    # Of no number nothing is true.
    is_fine = tf.reduce_all(tf.abs(styles[1]) <= 1)
    check = refuse_first((~is_fine, "`style_vectors` must be in [-1, 1]."))
    with tf.control_dependencies([check]):
        arguments = (label_map, region_map, *map(tf.identity, styles))
    return tf.map_fn(
        draw,
        arguments,
        fn_output_signature=tf.TensorSpec(
            (None, None, model.style_channels), tf.float32
        ),
        parallel_iterations=1,
    )


def _draw_clusters(seed, ids, available):
    """Returns for each region the number of one of the available clusters."""
    # Of seed and id alone: a car keeps its style when another drives off.
    names = tf.strings.join(
        [tf.as_string(seed), tf.as_string(ids)], separator=" "
    )
    drawn = tf.strings.to_hash_bucket_strong(names, 2**31 - 1, [17, 29])
    return tf.cast(drawn, tf.int32) % available


def _search(instances, ids):
    """Returns where among instances the ids are; past them what is not."""
    order = tf.argsort(instances, stable=True)
    ordered = tf.gather(instances, order)
    place = tf.searchsorted(ordered, ids)
    is_there = tf.gather(tf.pad(ordered, ((0, 1),)), place) == ids
    is_there &= place < tf.size(instances)
    found = tf.gather(tf.pad(order, ((0, 1),)), place)
    return tf.where(is_there, found, tf.size(instances))


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
    _, _, first = _find_regions(keys)
    flat = tf.reshape(features, (-1, features.shape[-1]))
    instances = tf.gather(tf.reshape(region_map, [-1]), first)
    pixels = tf.size(region_map) // tf.shape(region_map)[0]
    return {
        "style_examples": first // pixels,
        "style_instances": instances,
        "style_vectors": tf.gather(flat, first),
    }


def _find_regions(region_map):
    """Returns the ids, the number of each pixel's, and of each a pixel."""
    ids, segments = tf.unique(tf.reshape(region_map, [-1]))
    order = tf.range(tf.size(segments))
    first = tf.math.unsorted_segment_min(order, segments, tf.size(ids))
    return ids, segments, first


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
