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
        ValueError: naming the file, if the annotation is damaged.
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
    """Decodes run lengths, which go down the columns and begin with zeros.

    COCO's own decoder is not used: it writes beyond its memory if the text is
    damaged.
    """
    if runs.get("size") != [height, width]:
        raise ValueError(
            f"{name} has run lengths of the size {runs.get('size')} (height, "
            f"width). Expected that of the image, {[height, width]}."
        )
    counts = runs.get("counts")
    if isinstance(counts, str):
        counts = _parse_counts(counts)
    is_list = isinstance(counts, list) and all(
        type(count) is int and count >= 0 for count in counts
    )
    if not is_list or sum(counts) != height * width:
        raise ValueError(
            f"{name} has damaged run lengths: {str(runs.get('counts'))[:60]}. "
            f"Expected the {height * width} pixels of the image. Correct or "
            "remove it."
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def _parse_counts(text):
    """Returns the run lengths that a text holds, or None if it is damaged.

    Each character has five bits of a number, the lowest first, and a bit that
    says whether more follow. The numbers are signed; from the fourth on they
    are differences from the last but one.
    """
    counts, value, shift = [], 0, 0
    for char in text:
        bits = ord(char) - 48
        if not 0 <= bits < 64 or shift > 60:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value, shift = 0, 0
    return None if shift else counts
