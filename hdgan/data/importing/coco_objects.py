"""The objects of COCO's annotations: polygons and run lengths."""

import numpy as np

from hdgan.data.importing.polygons import check_points, draw_polygon
from hdgan.data.importing.source import read_field


def sort_for_painting(annotations, height, width, path):
    """Sorts annotations by area, so that smaller objects are painted last.

    Regions of crowds come first. Those of equal area keep their order.

    Args:
        annotations: list of dict, the annotations of an image.
        height: int, pixels.
        width: int, pixels.
        path: path of the JSON file, for the error.

    Returns:
        List of dict.
    """

    def key(annotation):
        if "area" in annotation:
            area = read_field(annotation, "area", (int, float), path)
        else:
            area = draw_object(annotation, height, width, path).sum()
        return (not annotation.get("iscrowd"), -area)

    return sorted(annotations, key=key)


def draw_object(annotation, height, width, path):
    """Draws the pixels of an object.

    Args:
        annotation: dict with `segmentation`: a list of polygons, each a flat
            list of x and y, or a dict of run lengths, `size` and `counts`.
        height: int, pixels.
        width: int, pixels.
        path: path of the JSON file, for the error.

    Returns:
        bool array `(height, width)`.

    Raises:
        ValueError: naming the file, if the annotation is damaged, or
            pycocotools is needed and not installed.
    """
    name = f"{path}: annotation {annotation.get('id')}"
    segmentation = read_field(annotation, "segmentation", (list, dict), path)
    if isinstance(segmentation, dict):
        return _decode_runs(segmentation, height, width, name)
    if not segmentation:
        raise ValueError(
            f"{name} has an empty segmentation, such as an object that has a "
            "box alone. Expected polygons or run lengths. Draw the object, or "
            "remove it."
        )
    mask = np.zeros((height, width), bool)
    for polygon in segmentation:
        points = polygon
        if isinstance(polygon, list) and len(polygon) % 2 == 0:
            points = list(zip(polygon[::2], polygon[1::2], strict=True))
        draw_polygon(mask, check_points(name, points, height, width))
    return mask


def _decode_runs(runs, height, width, name):
    try:
        from pycocotools import mask as coco_mask
    except ImportError as error:
        raise ValueError(
            f"{name} is in run lengths, which pycocotools decodes, but it is "
            "not installed. Install it with: pip install pycocotools"
        ) from error
    if runs.get("size") != [height, width]:
        raise ValueError(
            f"{name} has run lengths of the size {runs.get('size')} (height, "
            f"width). Expected that of the image, {[height, width]}."
        )
    counts = runs.get("counts")
    try:
        if isinstance(counts, list):
            is_whole = sum(counts) == height * width
            runs = coco_mask.frPyObjects(runs, height, width)
            mask = coco_mask.decode(runs)
        else:
            mask = coco_mask.decode(runs)
            # Pixels after the last run are undefined.
            is_whole = coco_mask.encode(mask)["counts"] == counts.encode()
    except Exception as error:
        # Damaged runs make it raise errors of many types.
        raise ValueError(
            f"{name} has damaged run lengths: {error}. Correct or remove it."
        ) from error
    if not is_whole:
        raise ValueError(
            f"{name} has run lengths that don't fill the image. Correct or "
            "remove it."
        )
    return mask.astype(bool)
