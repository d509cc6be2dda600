"""Styles of objects, and the photograph of an edited scene."""

import numpy as np
import tensorflow as tf

from hdgan.editing.scene import WHOLE_IMAGE
from hdgan.models.style_clustering import find_regions


def set_style(scene, region, style):
    """Gives an object a style.

    Args:
        scene: `EditableScene`.
        region: int, id of the object or region. For a model with one style per
            image `WHOLE_IMAGE`, for one with a style per class the label id.
        style: sequence of floats, as long as the model's style vectors.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if the style holds something else than finite numbers.
    """
    return scene.replace(styles={**scene.styles, region: style})


def reset_style(scene, region):
    """Leaves the style of an object to the seed again.

    Args:
        scene: `EditableScene`.
        region: int, as in `set_style`.

    Returns:
        `EditableScene`.
    """
    styles = {k: style for k, style in scene.styles.items() if k != region}
    return scene.replace(styles=styles)


def choose_cluster(model, scene, region, cluster):
    """Gives an object one of the typical styles of its class.

    Args:
        model: `LabelToPhotoModel` with style clusters.
        scene: `EditableScene`.
        region: int, as in `set_style`.
        cluster: int, index of the cluster.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if the model has no clusters, the scene not that region, or
            its class not that cluster.
    """
    clusters = model.style_clusters
    if clusters is None:
        raise ValueError(
            "This model has no style clusters. Store them in it: hdgan "
            "cluster_styles."
        )
    _, classes = find_scene_regions(model, scene)
    if region not in classes:
        raise ValueError(_describe_missing(region, classes))
    centers = clusters.of_class(classes[region])
    if not 0 <= cluster < len(centers):
        raise ValueError(
            f"The class of the region {region} has {len(centers)} clusters. "
            f"Expected an index in 0..{len(centers) - 1}. Received: {cluster}"
        )
    return set_style(scene, region, centers[cluster])


def blend_styles(one, other, share):
    """Returns a style between two others.

    Args:
        one: sequence of floats.
        other: sequence of as many floats.
        share: float in [0, 1]; 0 gives the first, 1 the second.

    Raises:
        ValueError: if the lengths differ or `share` is out of range.
    """
    one, other = np.asarray(one, "float64"), np.asarray(other, "float64")
    if one.shape != other.shape or not 0 <= share <= 1:
        raise ValueError(
            "Expected two styles of one length and a share in [0, 1]. "
            f"Received: lengths {one.size} and {other.size}, share {share!r}"
        )
    return tuple(((1 - share) * one + share * other).tolist())


def copy_style(model, scene, source, target):
    """Gives an object the style of another, also one that the seed drew.

    Args:
        model: `LabelToPhotoModel` that takes styles.
        scene: `EditableScene`.
        source: int, id of the object whose style is copied.
        target: int, id of the object that gets it.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if the scene lacks one of them, or the model takes no style.
    """
    styles = list_styles(model, scene)
    for region in (source, target):
        if region not in styles:
            raise ValueError(_describe_missing(region, styles))
    return set_style(scene, target, styles[source])


def list_styles(model, scene):
    """Returns the style that each region has, chosen or drawn by the seed.

    Args:
        model: `LabelToPhotoModel` that takes styles.
        scene: `EditableScene`.

    Returns:
        Dict from the id of a region to a tuple of floats.

    Raises:
        ValueError: as in `make_style_map`.
    """
    regions, _ = find_scene_regions(model, scene)
    return _list_styles(regions, make_style_map(model, scene))


def encode_styles(model, scene, photo):
    """Finds the styles of the objects in a photograph.

    Args:
        model: `LabelToPhotoModel` with an encoder.
        scene: `EditableScene`, the maps of the photograph.
        photo: uint8 `(height, width, 3)`, 0..255, of the scene's size.

    Returns:
        Dict from the id of a region to a tuple of floats.

    Raises:
        ValueError: if the model has no encoder, or the photo does not fit.

    Example:
        >>> styles = encode_styles(model, other_scene, photo)
        >>> scene = set_style(scene, 9001, styles[9000])
    """
    photo = np.asarray(photo)
    if photo.shape != (*scene.size, 3) or photo.dtype != np.uint8:
        raise ValueError(
            f"`photo` must be uint8 {(*scene.size, 3)}, of the scene's size. "
            f"Received: {photo.dtype} {photo.shape}"
        )
    check_classes(model, scene)
    style_map = model.encode(
        {
            "label_map": tf.constant(scene.label_map[None]),
            "instance_map": tf.constant(scene.instance_map[None]),
            "photo": tf.constant(photo[None]),
        }
    )
    regions, _ = find_scene_regions(model, scene)
    return _list_styles(regions, style_map[0].numpy())


def make_style_map(model, scene):
    """Returns the style map that the model gets.

    Args:
        model: `LabelToPhotoModel` that takes styles.
        scene: `EditableScene`.

    Returns:
        float32 `(style_map_height, style_map_width, style_channels)`. Regions
        without a style of their own have the one that the scene's seed draws;
        of a model that has nothing to draw from, zeros.

    Raises:
        ValueError: if the model takes no style, or a style has another length
            or exceeds the model's limit.
    """
    if not model.style_channels:
        raise ValueError(
            "This model takes no style. Train one with --instance_feat, "
            "--label_feat or --use_vae."
        )
    check_classes(model, scene)
    regions, _ = find_scene_regions(model, scene)
    shape = (*regions.shape, model.style_channels)
    style_map = np.zeros(shape, "float32")
    if model.draws_styles:
        style_map[...] = model.draw_style_map(
            scene.label_map, scene.instance_map, scene.seed
        )
    for region, style in scene.styles.items():
        _check_style(model, region, style)
        style_map[regions == region] = style
    return style_map


def synthesize_scene(model, scene, noise_seed=None):
    """Makes the photograph of a scene.

    Args:
        model: `LabelToPhotoModel` of the scene's classes.
        scene: `EditableScene`.
        noise_seed: int, as in `LabelToPhotoModel.synthesize`. Defaults to None.

    Returns:
        uint8 `(height, width, 3)`, 0..255.

    Raises:
        ValueError: if the model has other classes, or as in `make_style_map`.
            Styles are an error for a model that takes none.
    """
    check_classes(model, scene)
    style_map = None
    if model.style_channels or scene.styles:
        style_map = make_style_map(model, scene)
    return model.synthesize(
        scene.label_map,
        scene.instance_map,
        style_map=style_map,
        noise_seed=noise_seed,
    )


def check_classes(model, scene):
    """Checks that a model has the classes of a scene.

    Args:
        model: `LabelToPhotoModel`.
        scene: `EditableScene`.

    Raises:
        ValueError: if it has other ones.
    """
    names = () if model.labels is None else model.labels.names
    if names != scene.labels.names:
        raise ValueError(
            f"The scene has other classes than the model: {scene.labels}, but "
            f"{model.labels or 'RGB input'}. Open the scene with the model "
            "that it was made for."
        )


def find_scene_regions(model, scene):
    """Returns the regions of a scene that have one style each.

    Args:
        model: `LabelToPhotoModel`.
        scene: `EditableScene`.

    Returns:
        int32 map of ids, and a dict from each id to its class, as of
        `hdgan.models.style_clustering.find_regions`; the id of the whole image
        is `WHOLE_IMAGE`.
    """
    maps = {"label_map": scene.label_map, "instance_map": scene.instance_map}
    regions, classes = find_regions(model, maps)
    if model.style_regions == "image":
        regions = np.full_like(regions, WHOLE_IMAGE)
        classes = {WHOLE_IMAGE: 0}
    return regions, classes


def _list_styles(regions, style_map):
    ids, first = np.unique(regions, return_index=True)
    vectors = style_map.reshape(-1, style_map.shape[-1])[first]
    return {
        region: tuple(vector)
        for region, vector in zip(ids.tolist(), vectors.tolist(), strict=True)
    }


def _check_style(model, region, style):
    limit = np.inf if model.style_limit is None else model.style_limit
    if len(style) != model.style_channels or np.abs(style).max() > limit:
        expected = f"{model.style_channels} numbers"
        if model.style_limit is not None:
            expected += f" in [-{limit:g}, {limit:g}]"
        raise ValueError(
            f"The style of the region {region} is {style}. Expected {expected}."
        )


def _describe_missing(region, regions):
    shown = ", ".join(map(str, list(regions)[:20]))
    return (
        f"The scene has no region of the id {region} that has a style. Those "
        f"that have one: {shown}."
    )
