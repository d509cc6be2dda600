"""Regions of a scene as masks: shapes drawn over it, and connected areas.

A pixel in column `x` and row `y` has its center at `(x + 0.5, y + 0.5)`, and
belongs to a shape if its center does. So a mask is exact: no pixel belongs in
part. The editor's page draws by the same rules.
"""

import numpy as np


def polygon_mask(size, points):
    """Returns the pixels inside a polygon.

    Args:
        size: `(height, width)` in pixels.
        points: at least three `(x, y)` in pixels, floats, of the corners. Where
            the polygon crosses itself, the even-odd rule decides.

    Returns:
        bool `(height, width)`.

    Raises:
        ValueError: if there are fewer than three points, or one is no pair of
            finite numbers.
    """
    points = _check_points(points, minimum=3)
    centers_x, centers_y = _centers(size)
    inside = np.zeros(size, bool)
    for (x0, y0), (x1, y1) in zip(
        points, np.roll(points, -1, axis=0), strict=True
    ):
        rows = np.flatnonzero((y0 <= centers_y) != (y1 <= centers_y))
        if not rows.size:
            continue
        crossing = x0 + (centers_y[rows] - y0) * (x1 - x0) / (y1 - y0)
        inside[rows] ^= centers_x >= crossing[:, None]
    return inside


def stroke_mask(size, points, diameter, brush="round"):
    """Returns the pixels that a brush covers on its way.

    Args:
        size: `(height, width)` in pixels.
        points: one or more `(x, y)` in pixels, floats: the way of the brush's
            middle in straight lines.
        diameter: float > 0, pixels.
        brush: `"round"` or `"square"`. Defaults to `"round"`.

    Returns:
        bool `(height, width)`.

    Raises:
        ValueError: if an argument is out of range.
    """
    points = _check_points(points, minimum=1)
    if brush not in ("round", "square"):
        raise ValueError(
            f'`brush` must be "round" or "square". Received: {brush!r}'
        )
    if not 0 < diameter < np.inf:
        raise ValueError(
            f"`diameter` must be a number of pixels > 0. Received: {diameter!r}"
        )
    covers = _covers_round if brush == "round" else _covers_square
    mask = np.zeros(size, bool)
    ends = points[1:] if len(points) > 1 else points
    for start, end in zip(points, ends, strict=False):
        box = _clip_box(size, start, end, diameter / 2)
        x, y = _centers(size)
        mask[box] |= covers(
            x[None, box[1]], y[box[0], None], start, end, diameter / 2
        )
    return mask


def rectangle_mask(size, left, top, right, bottom):
    """Returns the pixels of a rectangle.

    Args:
        size: `(height, width)` in pixels.
        left: float, pixels.
        top: float, pixels.
        right: float, pixels.
        bottom: float, pixels.

    Returns:
        bool `(height, width)`.
    """
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return polygon_mask(size, corners)


def connected_mask(scene, x, y):
    """Returns the connected area of one region, as flood fill takes it.

    Pixels are connected by their edges.

    Args:
        scene: `EditableScene`.
        x: int, column of a pixel.
        y: int, row of the pixel.

    Returns:
        bool `(height, width)`, the pixels of the region at `(x, y)` that are
        connected with that pixel.

    Raises:
        ValueError: if the pixel is outside of the scene.
    """
    _check_pixel(scene.size, x, y)
    instance = scene.instance_map[y, x]
    return _component(scene.instance_map == instance, x, y)


def enclosed_mask(scene, x, y, name):
    """Returns the area that a class encloses, whatever is in it.

    Args:
        scene: `EditableScene`.
        x: int, column of a pixel in the area.
        y: int, row of the pixel.
        name: str, the class that the outline was drawn with.

    Returns:
        bool `(height, width)`, without the outline.

    Raises:
        ValueError: if there is no such class, the pixel is outside of the scene
            or of that class, or the outline has a gap: the area reaches the
            edge of the scene.
    """
    _check_pixel(scene.size, x, y)
    label = scene.labels.index(name)
    if scene.label_map[y, x] == label:
        raise ValueError(
            f"The pixel ({x}, {y}) is of the class {name!r}, the outline's "
            "own. Choose a pixel inside the outline."
        )
    area = _component(scene.label_map != label, x, y)
    edges = (area[0], area[-1], area[:, 0], area[:, -1])
    if any(edge.any() for edge in edges):
        raise ValueError(
            f"Pixels of the class {name!r} do not enclose the pixel ({x}, "
            f"{y}): the area reaches the scene's edge. Close the outline first."
        )
    return area


def _component(mask, x, y):
    from hdgan.editing.optional import import_scipy_ndimage

    components, _ = import_scipy_ndimage().label(mask)
    return components == components[y, x]


def _covers_round(x, y, start, end, radius):
    """Whether the distance to a line is at most the radius."""
    dx, dy = end - start
    length = dx * dx + dy * dy
    along = 0.0
    if length > 0:
        along = ((x - start[0]) * dx + (y - start[1]) * dy) / length
        along = np.clip(along, 0.0, 1.0)
    distance_x = x - (start[0] + along * dx)
    distance_y = y - (start[1] + along * dy)
    square = distance_x * distance_x + distance_y * distance_y
    return square <= radius * radius


def _covers_square(x, y, start, end, radius):
    """Whether a square that moves along a line reaches the pixel."""
    first_x, last_x = _interval(x, start[0], end[0], radius)
    first_y, last_y = _interval(y, start[1], end[1], radius)
    first = np.maximum(np.maximum(first_x, first_y), 0.0)
    return first <= np.minimum(np.minimum(last_x, last_y), 1.0)


def _interval(center, start, end, radius):
    """Returns from where to where on its way an interval holds a point."""
    if start == end:
        is_inside = np.abs(center - start) <= radius
        return np.where(is_inside, 0.0, 2.0), np.where(is_inside, 1.0, -1.0)
    one = (center - radius - start) / (end - start)
    other = (center + radius - start) / (end - start)
    return np.minimum(one, other), np.maximum(one, other)


def _clip_box(size, start, end, radius):
    """Returns slices of the rows and columns that a stroke can touch."""
    low = np.floor(np.minimum(start, end) - radius - 1)
    high = np.ceil(np.maximum(start, end) + radius + 1)
    left, top = np.clip(low, 0, size[::-1]).astype(int)
    right, bottom = np.clip(high, 0, size[::-1]).astype(int)
    return slice(top, bottom), slice(left, right)


def _centers(size):
    height, width = size
    return np.arange(width) + 0.5, np.arange(height) + 0.5


def _check_points(points, minimum):
    try:
        array = np.asarray(points, "float64")
    except (TypeError, ValueError):
        array = np.zeros(0)
    is_right = array.ndim == 2 and array.shape[1] == 2
    if not is_right or len(array) < minimum or not np.isfinite(array).all():
        raise ValueError(
            f"`points` must hold {minimum} or more pairs (x, y) of finite "
            f"numbers, in pixels. Received: {points!r}"
        )
    return array


def _check_pixel(size, x, y):
    height, width = size
    for name, value, limit in (("x", x, width), ("y", y, height)):
        if not isinstance(value, (int, np.integer)) or not 0 <= value < limit:
            raise ValueError(
                f"`{name}` must be an integer in 0..{limit - 1}, a pixel of "
                f"the scene of {width}x{height}. Received: {value!r}"
            )
