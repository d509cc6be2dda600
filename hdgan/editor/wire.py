"""How the page and the server exchange changed rectangles of the maps.

    {
      "left": 10, "top": 20, "width": 64, "height": 32,
      "label_map": "...", "instance_map": "..."
    }

The maps are packed as in scene files: int32 in little-endian byte order, row
by row, compressed by zlib, in base64.
"""

import base64
import binascii
import zlib

import numpy as np

from hdgan.editing.scene import OBJECTS_PER_CLASS

_PLACES = ("left", "top", "width", "height")


def unpack_change(values, size, num_classes):
    """Reads a changed rectangle, and checks all of it.

    Args:
        values: dict, as described above.
        size: `(height, width)` of the scene in pixels.
        num_classes: int, number of classes.

    Returns:
        Slices of rows and columns, and two int32 arrays `(height, width)` of
        the rectangle: label ids and instance ids.

    Raises:
        ValueError: if the rectangle lies outside of the scene, or a map has
            another size, or an id that the scene can't have.
    """
    if not isinstance(values, dict):
        raise ValueError("Expected a change: a rectangle and its ids.")
    left, top, width, height = (_as_integer(values, name) for name in _PLACES)
    is_inside = (
        0 <= left < left + width <= size[1]
        and 0 <= top < top + height <= size[0]
    )
    if not is_inside:
        raise ValueError(
            f"The rectangle of {width}x{height} pixels at ({left}, {top}) is "
            f"not inside the scene of {size[1]}x{size[0]} pixels."
        )
    label_map = unpack_map("label_map", values, (height, width))
    instance_map = unpack_map("instance_map", values, (height, width))
    check_ids(label_map, instance_map, num_classes)
    return (
        (slice(top, top + height), slice(left, left + width)),
        label_map,
        instance_map,
    )


def pack_change(before, after):
    """Returns the rectangle in which two scenes differ, or None.

    Args:
        before: `EditableScene`.
        after: `EditableScene` of the same size.
    """
    is_changed = (before.label_map != after.label_map) | (
        before.instance_map != after.instance_map
    )
    rows = np.flatnonzero(is_changed.any(axis=1))
    columns = np.flatnonzero(is_changed.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    bottom, right = int(rows[-1]) + 1, int(columns[-1]) + 1
    box = slice(top, bottom), slice(left, right)
    return {
        "left": left,
        "top": top,
        "width": right - left,
        "height": bottom - top,
        "label_map": pack_map(after.label_map[box]),
        "instance_map": pack_map(after.instance_map[box]),
    }


def pack_map(array):
    """Returns a map of ids as text.

    Args:
        array: integers that int32 holds, of any shape.
    """
    contents = np.ascontiguousarray(array, "<i4").tobytes()
    return base64.b64encode(zlib.compress(contents, 1)).decode()


def unpack_map(name, values, size):
    """Returns a map of ids from its text.

    Args:
        name: str, its key in `values`.
        values: dict with the text.
        size: `(height, width)` in pixels.

    Raises:
        ValueError: if the text holds something else.
    """
    text = values.get(name)
    if not isinstance(text, str):
        raise ValueError(f"The change has no {name!r}.")
    count = 4 * size[0] * size[1]
    try:
        # One byte more than fits shows that there is too much, without
        # unpacking all of it.
        contents = zlib.decompressobj().decompress(
            base64.b64decode(text, validate=True), count + 1
        )
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"The {name!r} is damaged: {error}.") from error
    if len(contents) != count:
        raise ValueError(
            f"The {name!r} does not hold {size[1]}x{size[0]} ids of int32."
        )
    return np.frombuffer(contents, "<i4").reshape(size)


def check_ids(label_map, instance_map, num_classes):
    """Checks that every pixel has a class, and an instance id of that class.

    Args:
        label_map: int32 `(height, width)`.
        instance_map: int32 `(height, width)`.
        num_classes: int, number of classes.

    Raises:
        ValueError: naming an id that is wrong.
    """
    is_class = (label_map >= 0) & (label_map < num_classes)
    if not is_class.all():
        raise ValueError(
            f"There is no class {label_map[~is_class][0]}. Expected ids in "
            f"0..{num_classes - 1}."
        )
    is_right = (instance_map == label_map) | (
        (instance_map >= num_classes)
        & (instance_map // OBJECTS_PER_CLASS == label_map)
    )
    if not is_right.all():
        wrong = ~is_right
        raise ValueError(
            f"The class {label_map[wrong][0]} can't have the instance id "
            f"{instance_map[wrong][0]}. Expected the class itself, or "
            f"{OBJECTS_PER_CLASS} * class + k for an object."
        )


def _as_integer(values, name):
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name!r} must be an integer. Received: {value!r}")
    return value
