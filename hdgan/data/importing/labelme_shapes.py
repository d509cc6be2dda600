"""The shapes that LabelMe draws: polygons, rectangles, circles and masks."""

import base64
import io

import numpy as np

from hdgan.data.image_files import read_id_map
from hdgan.data.importing.polygons import check_points, draw_polygon

# Points of a shape, from its type. A polygon has three or more.
_NUM_POINTS = {
    "polygon": None,
    "rectangle": 2,
    "oriented_rectangle": 4,
    "circle": 2,
    "mask": 2,
}


def draw_shape(name, shape, height, width):
    """Draws the pixels of a shape.

    Args:
        name: str, file and shape, for the error.
        shape: dict with `points`, and `shape_type`, which is a polygon if it is
            missing.
        height: int, pixels.
        width: int, pixels.

    Returns:
        bool array `(height, width)`.

    Raises:
        ValueError: naming the shape, if it has no area or is damaged.
    """
    kind = shape.get("shape_type") or "polygon"
    if kind not in _NUM_POINTS:
        raise ValueError(
            f"{name} is a {kind}, which has no area. Expected one of "
            f"{', '.join(_NUM_POINTS)}. Draw it again, or remove it."
        )
    count = _NUM_POINTS[kind]
    points = check_points(name, shape.get("points"), height, width, count or 3)
    if count is not None and len(points) != count:
        raise ValueError(
            f"{name} is a {kind} of {len(points)} points. Expected {count}. "
            "Draw it again, or remove it."
        )
    mask = np.zeros((height, width), bool)
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        points = np.array(
            [[left, top], [right, top], [right, bottom], [left, bottom]]
        )
    if kind == "circle":
        _draw_circle(mask, points)
    elif kind == "mask":
        _place_patch(mask, points[0], _decode_patch(name, shape.get("mask")))
    else:
        draw_polygon(mask, points)
    return mask


def _draw_circle(mask, points):
    """Sets the pixels whose centers are in a circle.

    Args:
        mask: bool array `(height, width)`, which is changed.
        points: float array `(2, 2)`, the center and a point of the circle.
    """
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    x, y = points[0]
    squares = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2
    mask |= squares <= np.square(points[1] - points[0]).sum()


class _NamedBytes(io.BytesIO):
    """A file in memory, by whose name errors call it."""

    def __init__(self, name, contents):
        super().__init__(contents)
        self._name = name

    def __str__(self):
        return self._name


def _decode_patch(name, text):
    """Returns the mask that a shape holds as a PNG file, in base 64."""
    try:
        contents = base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is a mask that can't be decoded: {error}. Expected a PNG "
            "file in base 64. Draw it again, or remove it."
        ) from error
    return read_id_map(_NamedBytes(f"{name}, its mask", contents)) > 0


def _place_patch(mask, corner, patch):
    """Sets the pixels of a patch that are inside of the mask.

    Args:
        mask: bool array `(height, width)`, which is changed.
        corner: float array `(2,)`, x and y of the patch's upper left pixel.
        patch: bool array.
    """
    left, top = np.rint(corner).astype(int)
    rows = slice(max(top, 0), min(top + patch.shape[0], mask.shape[0]))
    columns = slice(max(left, 0), min(left + patch.shape[1], mask.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        mask[rows, columns] |= patch[
            rows.start - top : rows.stop - top,
            columns.start - left : columns.stop - left,
        ]
