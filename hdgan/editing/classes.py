"""Edits of classes: paint an area, replace the class of all or of an object."""

import numpy as np


class NothingToEditError(ValueError):
    """The scene has nothing of what an edit changes, such as no trees."""


def paint_region(scene, mask, name, instance=None):
    """Paints an area with a class.

    Args:
        scene: `EditableScene`.
        mask: bool `(height, width)`, the pixels to paint.
        name: str, the class.
        instance: int, id of an object of this class in the scene, to which the
            area is added. Defaults to None: a new object for a class of things,
            and the class's one region for others.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if there is no such class, the mask has another size or
            dtype or no pixel, or the object is of another class.

    Example:
        >>> mask = polygon_mask(scene.size, [(10, 10), (90, 10), (50, 80)])
        >>> scene = paint_region(scene, mask, "tree")
    """
    label = scene.labels.index(name)
    mask = _check_mask(scene, mask)
    if instance is None:
        is_thing = scene.is_thing(label)
        instance = scene.new_instance_id(label) if is_thing else label
    elif scene.class_of(instance) != label:
        found = scene.labels.names[scene.class_of(instance)]
        raise ValueError(
            f"`instance` {instance} is a {found!r}. Expected an object of the "
            f"class {name!r}."
        )
    return paint(scene, mask, label, instance)


def replace_class(scene, old, new):
    """Replaces one class by another, such as trees by buildings.

    The area becomes one region of the new class, without the objects of the
    old class and their styles. Wang et al., 2018, section 4.2 edits scenes like
    this.

    Args:
        scene: `EditableScene`.
        old: str, name of the class to replace.
        new: str, name of the class that replaces it.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if there is no such class.
        NothingToEditError: if the scene has nothing of the old class.

    Example:
        >>> scene = replace_class(scene, "tree", "building")
    """
    old_id, new_id = scene.labels.index(old), scene.labels.index(new)
    # The label map decides, because the instance map may have other ids there.
    is_old = scene.label_map == old_id
    if not is_old.any():
        names = scene.labels.names
        shown = ", ".join(names[k] for k in np.unique(scene.label_map))
        raise NothingToEditError(
            f"The scene has no {old!r} to replace. Expected one of its "
            f"classes: {shown}."
        )
    return paint(scene, is_old, new_id, new_id)


def replace_class_of_object(scene, instance, name):
    """Gives an object or region another class, such as a bus for a car.

    Args:
        scene: `EditableScene`.
        instance: int, id of the object or region.
        name: str, the new class.

    Returns:
        `EditableScene`, in which the object has a new id, and no style.

    Raises:
        ValueError: if there is no such class or id.
    """
    return paint_region(scene, scene.region(instance), name)


def paint(scene, mask, label, instance):
    """Returns a scene with a class and an instance id in an area.

    Styles of regions of which nothing is left are dropped.

    Args:
        scene: `EditableScene`.
        mask: bool `(height, width)`.
        label: int or array, the label id.
        instance: int or array, the instance id.
    """
    label_map = np.where(mask, label, scene.label_map)
    instance_map = np.where(mask, instance, scene.instance_map)
    left = set(np.unique(instance_map).tolist())
    gone = set(scene.styles) & set(np.unique(scene.instance_map).tolist())
    styles = {
        key: style
        for key, style in scene.styles.items()
        if key in left or key not in gone
    }
    return scene.replace(
        label_map=label_map, instance_map=instance_map, styles=styles
    )


def _check_mask(scene, mask):
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != scene.size:
        raise ValueError(
            f"`mask` must be of booleans, {scene.size}, the scene's size. "
            f"Received: {mask.dtype}, {mask.shape}"
        )
    if not mask.any():
        raise NothingToEditError(
            "`mask` holds no pixel of the scene. Draw a larger shape, or one "
            "inside the scene."
        )
    return mask
