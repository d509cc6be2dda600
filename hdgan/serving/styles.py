"""Styles that a request chooses or draws, inside served graphs."""

import numpy as np
import tensorflow as tf

from hdgan.preprocessing.style_clusters import draw_clusters
from hdgan.serving.checks import refuse_first


def make_style_specs(style_channels):
    """Returns the `tf.TensorSpec`s of the `styles` of `draw_style_maps`.

    Args:
        style_channels: int, the length of a style.
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
    """Gives each region the style in the request, or draws a cluster for it.

    Args:
        model: `LabelToPhotoModel` with labels whose generator takes styles.
        label_map: int32 `(batch, height, width)`, class ids.
        region_map: int32 `(batch, height, width)`, or `(batch, 1, 1)` for one
            style per image: ids of the regions that have one style each. A
            region has the class of its first pixel.
        styles: list of the tensors of `make_style_specs`: the ids of `n`
            regions per example; a style in [-1, 1] for each; a cluster index of
            the region's class for each, which replaces the style unless it is
            negative; and the seed that draws the clusters of all other regions.
            A model without clusters gives these regions zeros. The same seed
            draws the same clusters in `LabelToPhotoModel.synthesize`.

    Returns:
        float32 style map in [-1, 1], the size of `region_map` with
        `style_channels` channels.

    Raises:
        InvalidArgumentError: when run, if a class does not have the cluster, or
            a style is outside [-1, 1].
    """
    centers, counts = _tabulate(model)

    def draw(arguments):
        label_map, region_map, instances, vectors, clusters, seed = arguments
        ids, segments, first = _find_regions(region_map)
        # Cut to the region map's size, so that `first` finds the same pixel.
        height, width = tf.unstack(tf.shape(region_map))
        label_map = label_map[:height, :width]
        labels = tf.gather(tf.reshape(label_map, [-1]), first)
        labels = tf.minimum(labels, len(counts) - 1)
        if model.style_regions == "image":
            labels = tf.zeros_like(labels)  # All clusters are those of class 0.
        available = tf.gather(counts, labels)
        index = _search(instances, ids)
        is_requested = index < tf.size(instances)
        # `index` is one past the end for the regions that are not requested.
        clusters = tf.pad(clusters, ((0, 1),), constant_values=-1)
        vectors = tf.pad(vectors, ((0, 1), (0, 0)))
        clusters = tf.gather(clusters, index)
        check = refuse_first(
            (
                tf.reduce_any(clusters >= available),
                "`style_clusters` holds a cluster that the class of its "
                "instance does not have. Send a smaller index, or -1 and a "
                "vector.",
            )
        )
        with tf.control_dependencies([check]):
            drawn = draw_clusters(seed, ids, available)
        chosen = tf.where(clusters >= 0, clusters, drawn)
        region_styles = tf.gather_nd(centers, tf.stack([labels, chosen], 1))
        takes_vector = is_requested & (clusters < 0)
        region_styles = tf.where(
            takes_vector[:, None], tf.gather(vectors, index), region_styles
        )
        return tf.reshape(
            tf.gather(region_styles, segments),
            (height, width, model.style_channels),
        )

    limit = model.style_limit
    # NaN fails every comparison, so it is rejected too.
    if limit is None:
        is_valid = tf.reduce_all(tf.abs(styles[1]) < np.inf)
        expected = "finite"
    else:
        is_valid = tf.reduce_all(tf.abs(styles[1]) <= limit)
        expected = f"in [-{limit:g}, {limit:g}]"
    check = refuse_first((~is_valid, f"`style_vectors` must be {expected}."))
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


def list_styles(style_map, region_map):
    """Returns the style of each region.

    Args:
        style_map: float32 `(batch, height, width, style_channels)`, constant
            over each region.
        region_map: int32 `(batch, height, width)` or `(batch, 1, 1)`, ids.

    Returns:
        Dict with one entry per region of each example, in order of appearance:
        `style_examples`, int32 `(n,)`, the index of the example;
        `style_instances`, int32 `(n,)`, the id of the region; `style_vectors`,
        float32 `(n, style_channels)`.
    """
    batch, height, width = tf.unstack(tf.shape(region_map))
    examples = tf.range(tf.cast(batch, tf.int64))
    # Regions of two examples may share an id; example and id in 64 bits differ.
    keys = examples[:, None, None] * 2**32 + tf.cast(region_map, tf.int64)
    _, _, first = _find_regions(keys)
    # Cut to the region map's size, so that `first` finds the same pixel.
    style_map = style_map[:, :height, :width]
    flat = tf.reshape(style_map, (-1, style_map.shape[-1]))
    return {
        "style_examples": first // (height * width),
        "style_instances": tf.gather(tf.reshape(region_map, [-1]), first),
        "style_vectors": tf.gather(flat, first),
    }


def _search(instances, ids):
    """Returns the index of each id in `instances`; their number if missing."""
    order = tf.argsort(instances, stable=True)
    ordered = tf.gather(instances, order)
    place = tf.searchsorted(ordered, ids)
    is_found = tf.gather(tf.pad(ordered, ((0, 1),)), place) == ids
    is_found &= place < tf.size(instances)
    index = tf.gather(tf.pad(order, ((0, 1),)), place)
    return tf.where(is_found, index, tf.size(instances))


def _find_regions(region_map):
    """Returns the ids, the region of each pixel and a pixel of each region."""
    ids, segments = tf.unique(tf.reshape(region_map, [-1]))
    pixels = tf.range(tf.size(segments))
    first = tf.math.unsorted_segment_min(pixels, segments, tf.size(ids))
    return ids, segments, first


def _tabulate(model):
    """Returns the cluster centers of all classes, and their number per class.

    The centers are `(classes, clusters, style_channels)`. A class without
    clusters has one, the mean of all, as in `StyleClusters`.
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
