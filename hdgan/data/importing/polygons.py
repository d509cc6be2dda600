"""Drawing polygons into masks."""

import math

import numpy as np
from PIL import Image, ImageDraw

# Pillow draws the pixels that the outline meets, too, which would enlarge each
# object by half a pixel. Drawn this much larger and sampled at the centers of
# the pixels, the error is a tenth of that.
_SCALE = 5
# Pixels of one drawing, which bounds the memory.
_MAX_PIXELS = 2**24


def draw_polygon(mask, points):
    """Sets the pixels of a mask whose centers are inside a polygon.

    Args:
        mask: bool array `(height, width)`, which is changed.
        points: float array `(num_points, 2)` of x and y in pixels. The left
            upper corner of the image is `(0, 0)`, and the center of its first
            pixel `(0.5, 0.5)`.
    """
    height, width = mask.shape
    low, high = points.min(axis=0), points.max(axis=0)
    left, right = max(0, math.floor(low[0])), min(width, math.ceil(high[0]))
    top, bottom = max(0, math.floor(low[1])), min(height, math.ceil(high[1]))
    if left >= right or top >= bottom:
        return
    num_rows = max(1, _MAX_PIXELS // ((right - left) * _SCALE**2))
    for row in range(top, bottom, num_rows):
        size = (right - left, min(num_rows, bottom - row))
        image = Image.new("L", (size[0] * _SCALE, size[1] * _SCALE))
        corners = (points - [left, row]) * _SCALE - 0.5
        ImageDraw.Draw(image).polygon(corners.ravel().tolist(), fill=1)
        drawn = np.asarray(image)[_SCALE // 2 :: _SCALE, _SCALE // 2 :: _SCALE]
        mask[row : row + size[1], left:right] |= drawn.astype(bool)


def check_points(name, points, height, width, min_points=3):
    """Checks the points of a polygon and returns them as an array.

    Args:
        name: str, file and polygon, for the error.
        points: list of `[x, y]`.
        height: int, pixels.
        width: int, pixels.
        min_points: int. Defaults to 3.

    Returns:
        float array `(num_points, 2)`.

    Raises:
        ValueError: if these are no such points, or lie far outside of the
            image.
    """
    try:
        array = np.asarray(points, "float64")
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < min_points:
        raise ValueError(
            f"{name}: expected at least {min_points} points of two numbers, x "
            f"and y. Received: {str(points)[:80]}. Correct or remove it."
        )
    # Pillow walks along each line, and takes for ever if it is far too long.
    size = np.array([width, height])
    if not ((array >= -size) & (array <= 2 * size)).all():
        raise ValueError(
            f"{name}: has a point far outside of the image of {width}x{height} "
            f"pixels (width x height): {str(points)[:80]}. Correct or remove "
            "it."
        )
    return array
