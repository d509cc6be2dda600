"""Edits of objects, which the library makes on the server."""

import math

from hdgan.editing.edit_script import place_shape
from hdgan.editing.objects import (
    add_object,
    cut_shape,
    mirror_object,
    move_object,
    remove_object,
    scale_object,
)
from hdgan.editor.wire import pack_change

# Sides of the scene that an object may be long; more only takes memory.
_MAX_SIDES = 4


def edit_object(scene, values, shapes):
    """Makes the edit of an object, as the answer to a request.

    Args:
        scene: `EditableScene`.
        values: dict, as of `apply_edit`.
        shapes: function, as of `apply_edit`.

    Returns:
        Dict for JSON: `change`, the changed rectangle or None; `styles`, all
        styles; and `instance`, the id of the object, or None if it is gone.

    Raises:
        ValueError: if the edit is not possible.
    """
    edited, instance = apply_edit(scene, values, shapes)
    return {
        "change": pack_change(scene, edited),
        "styles": {str(k): list(v) for k, v in edited.styles.items()},
        "instance": instance,
    }


def apply_edit(scene, values, shapes):
    """Makes the edit of an object that a request describes.

    Args:
        scene: `EditableScene`.
        values: dict with the `action`, `"remove"`, `"move"` (`dx`, `dy`),
            `"scale"` (`factor`), `"mirror"`, all with the `instance`; or
            `"stamp"` with the number of the `shape`, the middle `x` and the
            `base` as shares of the scene's sides, `scale` and `mirror`. Also
            `order`, `"by_base"` or `"front"`.
        shapes: function that returns the `ShapeLibrary` of stamps.

    Returns:
        `EditableScene`, and the id of the object, or None if it is gone.

    Raises:
        ValueError: if the edit is not possible.
    """
    actions = {
        "remove": _remove,
        "move": _move,
        "scale": _scale,
        "mirror": _mirror,
        "stamp": _stamp,
    }
    action = values.get("action")
    if not isinstance(action, str) or action not in actions:
        raise ValueError(
            f"`action` must be one of {', '.join(actions)}. Received: "
            f"{action!r}"
        )
    return actions[action](scene, values, shapes)


def _remove(scene, values, shapes):
    return remove_object(scene, _integer(values, "instance")), None


def _move(scene, values, shapes):
    instance = _integer(values, "instance")
    shift = _integer(values, "dx"), _integer(values, "dy")
    order = values.get("order", "by_base")
    return move_object(scene, instance, *shift, order), instance


def _scale(scene, values, shapes):
    instance = _integer(values, "instance")
    factor = _number(values, "factor", 0, math.inf)
    _check_size(scene, cut_shape(scene, instance), factor)
    order = values.get("order", "by_base")
    return scale_object(scene, instance, factor, order), instance


def _mirror(scene, values, shapes):
    instance = _integer(values, "instance")
    return mirror_object(scene, instance), instance


def _stamp(scene, values, shapes):
    library, number = shapes().shapes, _integer(values, "shape")
    if not 0 <= number < len(library):
        raise ValueError(
            f"There is no shape {number}. The library has {len(library)}."
        )
    shape, scale = library[number], _number(values, "scale", 0, math.inf)
    _check_size(scene, shape, scale * scene.size[0] / shape.scene_size[0])
    shape, left, top = place_shape(
        shape,
        scene.size,
        _number(values, "x", -1, 2),
        _number(values, "base", -1, 2),
        scale,
        bool(values.get("mirror")),
    )
    label = scene.labels.index(shape.name)
    instance = scene.new_instance_id(label)
    order = values.get("order", "by_base")
    return add_object(scene, shape, left, top, order, instance), instance


def _integer(values, name):
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be an integer. Received: {value!r}")
    return value


def _number(values, name, low, high):
    value = values.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise ValueError(
            f"`{name}` must be a number in {low}..{high}. Received: {value!r}"
        )
    return value


def _check_size(scene, shape, factor):
    if not max(shape.mask.shape) * factor <= _MAX_SIDES * max(scene.size):
        raise ValueError(
            f"Scaled by {factor:g}, the {shape.name!r} is far larger than the "
            "scene. Choose a smaller size."
        )
