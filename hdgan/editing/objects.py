"""Edits of objects: add, move, scale, mirror, remove."""

import dataclasses

import numpy as np

from hdgan.editing.classes import NothingToEditError, paint
from hdgan.editing.optional import import_scipy_ndimage

_ORDERS = ("by_base", "front")
# Pixels of a shape's longest side, far beyond any scene.
_MAX_SIDE = 16384
# Areas narrower than two of so many parts of the height do not fill holes.
_THIN = 75
# How much longer a pixel down or up is than one to the side, in filling holes.
_VERTICAL = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """The outline of an object, cut from a scene.

    Args:
        mask: bool `(height, width)`, the object's pixels in its bounding box.
        name: str, its class.
        left: int, column of the box in the scene that it comes from.
        top: int, row of the box in that scene.
        scene_size: `(height, width)` of that scene in pixels.
        ground: str, the class below the object's lowest pixels; None if the
            scene ends there.
        style: tuple of float, the object's style; None if it has none of its
            own.
        source: str, name of the scene. Defaults to "".
    """

    mask: np.ndarray
    name: str
    left: int
    top: int
    scene_size: tuple
    ground: str | None = None
    style: tuple | None = None
    source: str = ""

    def scaled(self, factor):
        """Returns the shape with other sides, each pixel that of its center.

        Args:
            factor: float > 0.

        Raises:
            ValueError: if `factor` is out of range, or the shape would have no
                pixel left or a side above 16,384.
        """
        if not 0 < factor < np.inf:
            raise ValueError(
                f"`factor` must be a number > 0. Received: {factor!r}"
            )
        if factor == 1:
            return self
        height, width = self.mask.shape
        if factor * max(height, width) > _MAX_SIDE:
            raise ValueError(
                f"Scaled by {factor:g}, an object of {width}x{height} pixels "
                f"would be larger than {_MAX_SIDE:,}. Choose a smaller factor."
            )
        rows = _sample(height, factor)
        columns = _sample(width, factor)
        mask = self.mask[rows[:, None], columns]
        if not mask.any():
            raise ValueError(
                f"Scaled by {factor:g}, nothing is left of an object of "
                f"{width}x{height} pixels. Choose a larger factor."
            )
        return dataclasses.replace(self, mask=mask)

    def mirrored(self):
        """Returns the shape with left and right exchanged."""
        return dataclasses.replace(self, mask=self.mask[:, ::-1])


def cut_shape(scene, instance, source=""):
    """Returns the shape of an object.

    Args:
        scene: `EditableScene`.
        instance: int, id of the object or region.
        source: str, name of the scene. Defaults to "".

    Raises:
        ValueError: if there is no such id.
    """
    region = scene.region(instance)
    rows, columns = _bounds(region)
    mask = region[rows, columns].copy()
    mask.flags.writeable = False
    return Shape(
        mask,
        scene.labels.names[scene.class_of(instance)],
        columns.start,
        rows.start,
        scene.size,
        _find_ground(scene, region),
        scene.styles.get(instance),
        source,
    )


def add_object(scene, shape, left, top, order="by_base", instance=None):
    """Adds an object to a scene.

    Args:
        scene: `EditableScene`.
        shape: `Shape`.
        left: int, column of the shape's bounding box; what lies outside of the
            scene is cut off.
        top: int, row of the box.
        order: `"by_base"`: objects whose lowest pixel is below the new one's
            are nearer, and hide it. `"front"`: it hides all. Defaults to
            `"by_base"`.
        instance: int, id of the new object, which the scene must not have.
            Defaults to None, the smallest free one.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if there is no such class or order, or the id is used.
        NothingToEditError: if nothing of the object would be visible.

    Example:
        >>> car = cut_shape(other_scene, 9000)
        >>> scene = add_object(scene, car.mirrored(), left=40, top=70)
    """
    if order not in _ORDERS:
        raise ValueError(
            f"`order` must be one of {_ORDERS}. Received: {order!r}"
        )
    label = scene.labels.index(shape.name)
    if instance is None:
        instance = scene.new_instance_id(label)
    elif (scene.instance_map == instance).any():
        raise ValueError(
            f"The scene has a region of the id {instance} already."
        )
    mask = _place(scene.size, shape.mask, left, top)
    if order == "by_base":
        base = top + np.flatnonzero(shape.mask.any(axis=1))[-1]
        mask &= ~_find_nearer(scene, base)
    if not mask.any():
        raise NothingToEditError(
            f"Nothing of the {shape.name!r} would be visible at ({left}, "
            f"{top}): it lies outside of the scene or behind other objects. "
            'Choose another place, or the order "front".'
        )
    scene = paint(scene, mask, label, instance)
    if shape.style is not None:
        scene = scene.replace(styles={**scene.styles, instance: shape.style})
    return scene


def remove_object(scene, instance):
    """Removes an object, and fills the hole with what surrounds it.

    Each pixel gets class and id of the nearest pixel of an area that is no
    object. Distances down or up count three times, because what lies beside an
    object more often goes on behind it. Narrow areas, such as poles, do not
    count, because they would grow into the hole.

    Args:
        scene: `EditableScene`.
        instance: int, id of the object or region.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if there is no such id, or it is the whole scene.
    """
    hole = scene.region(instance)
    if hole.all():
        raise ValueError(
            f"The region {instance} is the whole scene, so there is nothing to "
            "fill its place with. Give it another class instead."
        )
    ndimage = import_scipy_ndimage()
    is_stuff = ~hole & (scene.instance_map == scene.label_map)
    size = 2 * max(scene.size[0] // _THIN, 1) + 1
    low = ndimage.minimum_filter1d(scene.label_map, size, axis=1)
    high = ndimage.maximum_filter1d(scene.label_map, size, axis=1)
    choices = (is_stuff & (low == high), is_stuff, ~hole)
    is_source = next(choice for choice in choices if choice.any())
    y, x = ndimage.distance_transform_edt(
        ~is_source,
        sampling=(_VERTICAL, 1),
        return_distances=False,
        return_indices=True,
    )
    return paint(scene, hole, scene.label_map[y, x], scene.instance_map[y, x])


def move_object(scene, instance, dx, dy, order="by_base"):
    """Moves an object; it keeps its id and its style.

    Args:
        scene: `EditableScene`.
        instance: int, id of the object.
        dx: int, pixels to the right.
        dy: int, pixels down.
        order: as in `add_object`. Defaults to `"by_base"`.

    Returns:
        `EditableScene`. Where the object was, the hole is filled as in
        `remove_object`.

    Raises:
        ValueError: as in `add_object` and `remove_object`.
    """
    shape = cut_shape(scene, instance)
    return _put_back(
        scene, instance, shape, shape.left + dx, shape.top + dy, order
    )


def scale_object(scene, instance, factor, order="by_base"):
    """Scales an object about the middle of its base.

    Args:
        scene: `EditableScene`.
        instance: int, id of the object.
        factor: float > 0.
        order: as in `add_object`. Defaults to `"by_base"`.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: as in `Shape.scaled` and `move_object`.
    """
    shape = cut_shape(scene, instance)
    scaled = shape.scaled(factor)
    height, width = shape.mask.shape
    new_height, new_width = scaled.mask.shape
    left = shape.left + (width - new_width) // 2
    top = shape.top + height - new_height
    return _put_back(scene, instance, scaled, left, top, order)


def mirror_object(scene, instance):
    """Exchanges left and right of an object in its place.

    Args:
        scene: `EditableScene`.
        instance: int, id of the object.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: as in `move_object`.
    """
    shape = cut_shape(scene, instance)
    return _put_back(
        scene, instance, shape.mirrored(), shape.left, shape.top, "by_base"
    )


def _put_back(scene, instance, shape, left, top, order):
    emptied = remove_object(scene, instance)
    return add_object(emptied, shape, left, top, order, instance)


def _find_nearer(scene, base):
    """Returns the pixels of objects that reach farther down than a row."""
    is_object = scene.instance_map != scene.label_map
    below = is_object.copy()
    below[: max(base + 1, 0)] = False
    nearer = np.unique(scene.instance_map[below])
    return is_object & np.isin(scene.instance_map, nearer)


def _find_ground(scene, region):
    """Returns the most frequent class under the lower half of a region."""
    rows, _ = _bounds(region)
    middle = (rows.start + rows.stop) // 2
    below = np.zeros_like(region)
    below[1:] = region[:-1]
    below &= ~region
    below[:middle] = False
    labels = scene.label_map[below]
    if not labels.size:
        return None
    return scene.labels.names[np.bincount(labels).argmax()]


def _place(size, mask, left, top):
    """Returns a mask of the scene's size with a smaller mask at a place."""
    placed = np.zeros(size, bool)
    height, width = mask.shape
    rows = slice(max(top, 0), max(min(top + height, size[0]), 0))
    columns = slice(max(left, 0), max(min(left + width, size[1]), 0))
    if rows.start < rows.stop and columns.start < columns.stop:
        placed[rows, columns] = mask[
            rows.start - top : rows.stop - top,
            columns.start - left : columns.stop - left,
        ]
    return placed


def _bounds(mask):
    """Returns slices of the rows and columns of a mask's bounding box."""
    slices = []
    for axis in (1, 0):
        places = np.flatnonzero(mask.any(axis=axis))
        slices.append(slice(int(places[0]), int(places[-1]) + 1))
    return slices


def _sample(length, factor):
    """Returns the old index of each new pixel."""
    new_length = max(round(length * factor), 1)
    centers = (np.arange(new_length) + 0.5) * length / new_length
    return np.minimum(centers.astype(int), length - 1)
