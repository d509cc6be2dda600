"""Style clusters: the typical styles that an encoder finds in photos."""

import base64
import io

import numpy as np
import tensorflow as tf
from PIL import Image

from hdgan.checks import check_integers
from hdgan.data.scene_dataset import read_scene
from hdgan.preprocessing.style_clusters import StyleClusters
from hdgan.progress_bar import make_progress_bar

# As in the original code: smaller instances have styles that depend on few
# pixels.
MIN_AREA = 1 / 64
_THUMBNAIL_SIZE = 64  # Pixels of the longer side.
_THUMBNAIL_MARGIN = 0.1  # Of the instance's sides.


def cluster_styles(
    model, scenes, resizing, num_clusters=10, min_area=MIN_AREA, seed=0
):
    """Finds the typical styles of each class, with a progress bar.

    Encodes every photo, takes one vector per instance, or per class or image by
    the kind of the encoder, and forms clusters per class by k-means: Wang et
    al., 2018, section 3.4.

    Args:
        model: `LabelToPhotoModel` with an encoder.
        scenes: `SceneSource` with photos.
        resizing: `ResizePolicy` without a crop, as in the model's training.
        num_clusters: int >= 1, the most clusters of a class. A class with fewer
            different vectors has fewer. Defaults to 10.
        min_area: float in [0, 1), share of the image that an instance must
            exceed to count. Defaults to 1/64, as in the original code.
        seed: int >= 0, of k-means. Defaults to 0.

    Returns:
        `StyleClusters` with thumbnails. A class of which no instance is large
        enough has no clusters; its instances get the mean of all centers.

    Raises:
        ValueError: if the model has no encoder, scikit-learn is not installed,
            an argument is out of range, no instance is large enough, or a file
            does not fit, which is named.
    """
    if model.encoder is None:
        raise ValueError(
            "This model has no encoder, which finds the style of a photo. "
            "Expected one that was trained with --instance_feat, --label_feat "
            "or --use_vae."
        )
    check_integers(num_clusters=num_clusters)
    check_integers(minimum=0, seed=seed)
    if not 0 <= min_area < 1:
        raise ValueError(
            f"`min_area` must be a share in [0, 1). Received: {min_area!r}"
        )
    k_means = _import_k_means()
    found = _collect_styles(model, scenes, resizing, min_area)
    if not found:
        raise ValueError(
            f"No instance covers more than {min_area:g} of its image. Choose a "
            "smaller --min_area."
        )
    centers, typical = {}, {}
    for label, examples in sorted(found.items()):
        vectors = np.stack([vector for vector, _, _ in examples])
        count = min(num_clusters, len(np.unique(vectors, axis=0)))
        fitted = k_means(count, n_init=10, random_state=seed).fit(vectors)
        centers[label] = fitted.cluster_centers_
        nearest = fitted.transform(vectors).argmin(axis=0)
        typical[label] = [examples[index][1:] for index in nearest]
    thumbnails = _make_thumbnails(model, scenes, resizing, typical)
    return StyleClusters(centers, thumbnails)


def find_regions(model, scene):
    """Returns the regions of a scene that have one style each.

    Args:
        model: `LabelToPhotoModel`.
        scene: dict of NumPy arrays with `label_map` and maybe `instance_map`.

    Returns:
        int32 `(style_map_height, style_map_width)`, the ids of the regions; and
        a dict from each id to its class.
    """
    label_map, instance_map = scene["label_map"], scene.get("instance_map")
    regions = model.find_style_regions(
        tf.constant(label_map[None]),
        None if instance_map is None else tf.constant(instance_map[None]),
    )[0].numpy()
    ids, first = np.unique(regions, return_index=True)
    if model.style_regions == "image":
        classes = np.zeros_like(ids)
    elif model.labels is None:
        # Without labels, the classes follow from the ids as in Cityscapes.
        classes = np.where(ids < 1000, ids, ids // 1000)
    else:
        label_map = model.labels.replace_ignored(label_map)
        classes = label_map.ravel()[first]
    return regions, dict(zip(ids.tolist(), classes.tolist(), strict=True))


def _collect_styles(model, scenes, resizing, min_area):
    """Returns a dict from a class to (vector, scene index, region id)s."""
    # One graph for every size.
    encode = tf.function(model.encode, reduce_retracing=True)
    progress = make_progress_bar(len(scenes))
    found = {}
    for index in range(len(scenes)):
        scene = read_scene(scenes, index, resizing)
        regions, classes = find_regions(model, scene)
        batch = {key: tf.constant(array[None]) for key, array in scene.items()}
        style_map = encode(batch)[0].numpy()
        ids, first, counts = np.unique(
            regions, return_index=True, return_counts=True
        )
        vectors = style_map.reshape(-1, style_map.shape[-1])[first]
        if not np.isfinite(vectors).all():
            raise ValueError(f"{scenes.place(index)}: its style is not finite.")
        for region, vector, count in zip(
            ids.tolist(), vectors, counts, strict=True
        ):
            if count > min_area * regions.size:
                found.setdefault(classes[region], []).append(
                    (vector, index, region)
                )
        progress.add(1)
    return found


def _make_thumbnails(model, scenes, resizing, typical):
    """Returns a dict from a class to the pictures of its clusters."""
    wanted = {}
    for label, places in typical.items():
        for cluster, (index, region) in enumerate(places):
            wanted.setdefault(index, []).append((label, cluster, region))
    thumbnails = {
        label: [None] * len(places) for label, places in typical.items()
    }
    for index, entries in wanted.items():
        scene = read_scene(scenes, index, resizing)
        regions, _ = find_regions(model, scene)
        for label, cluster, region in entries:
            # A style of the whole image has the whole image as its picture.
            mask = np.broadcast_to(regions == region, scene["photo"].shape[:2])
            thumbnails[label][cluster] = _crop(scene["photo"], mask)
    return thumbnails


def _crop(photo, mask):
    """Returns the surroundings of a region as a JPEG file in base64."""
    slices = []
    for axis in (1, 0):
        places = np.flatnonzero(mask.any(axis=axis))
        margin = round(_THUMBNAIL_MARGIN * (places[-1] - places[0] + 1))
        start = max(places[0] - margin, 0)
        slices.append(slice(start, places[-1] + 1 + margin))
    image = Image.fromarray(photo[tuple(slices)])
    image.thumbnail((_THUMBNAIL_SIZE, _THUMBNAIL_SIZE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()


def _import_k_means():
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise ValueError(
            "Clusters of styles need scikit-learn, which is not installed: pip "
            "install scikit-learn"
        ) from error
    return KMeans
