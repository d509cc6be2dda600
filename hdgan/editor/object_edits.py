"""Edits of objects, which the library makes on the server."""

from hdgan.editing.edit_script import place_shape
from hdgan.editing.objects import (
    add_object,
    mirror_object,
    move_object,
    remove_object,
    scale_object,
)
from hdgan.editor.wire import pack_change


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
    if action not in actions:
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
    instance, factor = _integer(values, "instance"), _number(values, "factor")
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
    shape, left, top = place_shape(
        library[number],
        scene.size,
        _number(values, "x"),
        _number(values, "base"),
        _number(values, "scale"),
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


def _number(values, name):
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be a number. Received: {value!r}")
    return value
