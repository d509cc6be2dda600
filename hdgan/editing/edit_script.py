"""Edit scripts: edits as plain data, to be replayed on many scenes."""

import json
import pathlib

from hdgan.editing.classes import (
    NothingToEditError,
    paint_region,
    replace_class,
    replace_class_of_object,
)
from hdgan.editing.edit_schema import SCHEMA
from hdgan.editing.objects import (
    add_object,
    mirror_object,
    move_object,
    remove_object,
    scale_object,
)
from hdgan.editing.regions import polygon_mask, rectangle_mask
from hdgan.editing.scene import WHOLE_IMAGE


def load_script(path):
    """Reads an edit script from a JSON file.

    Args:
        path: path of the file. `hdgan.editing.edit_schema.SCHEMA` describes it.

    Returns:
        Dict.

    Raises:
        ValueError: naming the file and the wrong entry.
    """
    try:
        text = pathlib.Path(path).read_text("utf-8-sig")
        script = json.loads(text)
        check_script(script)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return script


def check_script(script, schema=SCHEMA):
    """Checks plain data against a schema.

    Args:
        script: dict, as JSON or YAML gives it.
        schema: dict, a JSON Schema. Defaults to that of edit scripts.

    Raises:
        ValueError: if an entry is missing, unknown or of another type, or
            jsonschema is not installed.
    """
    try:
        import jsonschema
    except ImportError as error:
        raise ValueError(
            "Edit scripts are checked by jsonschema, which is not installed: "
            "pip install jsonschema"
        ) from error
    validator = jsonschema.Draft202012Validator(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(script))
    if error is not None:
        raise ValueError(f"{error.json_path}: {error.message}")


def check_edits(edits, labels, model=None, shapes=None):
    """Checks what edits need, before any scene is edited.

    Args:
        edits: list of dicts, the `edits` of a script or a recipe.
        labels: `LabelSet`.
        model: `LabelToPhotoModel` of the photographs. Defaults to None.
        shapes: `ShapeLibrary`, for objects to add. Defaults to None.

    Raises:
        ValueError: naming the edit, if there is no such class, the library has
            no shape of one, or the model no styles or clusters.
    """
    for number, edit in enumerate(edits):
        try:
            _check_edit(edit, labels, model, shapes)
        except ValueError as error:
            raise ValueError(
                f"Edit {number}, {edit['edit']}: {error}"
            ) from error


def _check_edit(edit, labels, model, shapes):
    names = [edit.get(key) for key in ("class", "old", "new")]
    names.append(edit.get("objects", {}).get("class"))
    for name in names:
        if name is not None:
            labels.index(name)
    if edit["edit"] in ("add_object", "add_objects"):
        if shapes is None:
            raise ValueError(
                "An object is cut from other scenes. Give a shape library."
            )
        shapes.of_class(edit["class"])
    if "cluster" in edit and (model is None or model.style_clusters is None):
        raise ValueError(
            "A cluster of styles is a model's. Give a model in which hdgan "
            "cluster_styles has stored some."
        )
    if "style" in edit and model is not None and not model.style_channels:
        raise ValueError("The model takes no style. Leave the edit out.")


def apply_edits(scene, script, model=None, shapes=None):
    """Applies the edits of a script to a scene, one after the other.

    Args:
        scene: `EditableScene`.
        script: dict that follows `hdgan.editing.edit_schema.SCHEMA`.
        model: `LabelToPhotoModel`, for clusters of styles. Defaults to None.
        shapes: `ShapeLibrary`, for objects to add. Defaults to None.

    Returns:
        `EditableScene`; and a list with the number of places that each edit
        changed, 0 where the scene has nothing of what it edits.

    Raises:
        ValueError: naming the edit, if the script has another form, a class or
            id is unknown, or `model` or `shapes` is missing.

    Example:
        >>> script = {
        ...     "edits": [
        ...         {"edit": "replace_class", "old": "tree", "new": "building"},
        ...         {"edit": "remove_objects", "objects": {"class": "car"}},
        ...     ]
        ... }
        >>> scene, counts = apply_edits(scene, script)
    """
    check_script(script)
    counts = []
    for number, edit in enumerate(script["edits"]):
        try:
            scene, count = _EDITS[edit["edit"]](scene, edit, model, shapes)
        except ValueError as error:
            raise ValueError(
                f"Edit {number}, {edit['edit']}: {error}"
            ) from error
        counts.append(count)
    return scene, counts


def find_objects(scene, selector):
    """Returns the ids of the objects that a selector means.

    Args:
        scene: `EditableScene`.
        selector: dict with an `id`; or with a `class` and maybe `which`:
            "all", "largest" or the place in the order of areas.

    Raises:
        ValueError: if there is no such class, or no region of that id.
    """
    if "id" in selector:
        scene.region(selector["id"])
        return [selector["id"]]
    ids = list(scene.objects(selector["class"]))
    label = scene.labels.index(selector["class"])
    if not ids and not scene.is_thing(label):
        # The one region of a class whose objects are not counted.
        ids = [label] if (scene.instance_map == label).any() else []
    which = selector.get("which", "all")
    if which == "all":
        return ids
    first = 0 if which == "largest" else which
    return ids[first : first + 1]


def _replace_class(scene, edit, model, shapes):
    # Both names are checked, also where the scene lacks the class.
    scene.labels.index(edit["new"])
    return _try(replace_class, scene, edit["old"], edit["new"])


def _paint_region(scene, edit, model, shapes):
    region = edit["region"]
    height, width = scene.size
    if "polygon" in region:
        points = [(x * width, y * height) for x, y in region["polygon"]]
        mask = polygon_mask(scene.size, points)
    else:
        left, top, right, bottom = region["rectangle"]
        mask = rectangle_mask(
            scene.size,
            left * width,
            top * height,
            right * width,
            bottom * height,
        )
    return _try(paint_region, scene, mask, edit["class"])


def _add_object(scene, edit, model, shapes):
    if shapes is None:
        raise ValueError(
            "An object is cut from other scenes. Give a shape library."
        )
    known = shapes.of_class(edit["class"])
    index = edit.get("shape", 0)
    if index >= len(known):
        raise ValueError(
            f"The library has {len(known)} shapes of the class "
            f"{edit['class']!r}. Expected a shape in 0..{len(known) - 1}. "
            f"Received: {index}"
        )
    shape, left, top = place_shape(
        known[index],
        scene.size,
        edit.get("x"),
        edit.get("base"),
        edit.get("scale", 1),
        edit.get("mirror", False),
    )
    label = scene.labels.index(shape.name)
    instance = scene.new_instance_id(label)
    order = edit.get("order", "by_base")
    scene, count = _try(add_object, scene, shape, left, top, order, instance)
    if count and "cluster" in edit:
        scene = _choose_cluster(scene, model, instance, edit["cluster"])
    return scene, count


def place_shape(shape, size, x=None, base=None, scale=1, mirror=False):
    """Returns a shape for a scene of another size, and its place.

    Args:
        shape: `Shape`.
        size: `(height, width)` of the scene in pixels.
        x: float, middle of the object, a share of the width. Defaults to None,
            that of the shape in its own scene.
        base: float, lower edge of the object, a share of the height. Defaults
            to None, that of the shape in its own scene.
        scale: float > 0, beside that of the scenes' heights. Defaults to 1.
        mirror: bool, whether left and right are exchanged. Defaults to False.

    Returns:
        `Shape`, and `left` and `top` for `add_object`.
    """
    old_height, old_width = shape.scene_size
    height, width = shape.mask.shape
    if x is None:
        x = (shape.left + width / 2) / old_width
    if base is None:
        base = (shape.top + height) / old_height
    scaled = shape.scaled(scale * size[0] / old_height)
    if mirror:
        scaled = scaled.mirrored()
    height, width = scaled.mask.shape
    return (
        scaled,
        round(x * size[1] - width / 2),
        round(base * size[0]) - height,
    )


def _move_objects(scene, edit, model, shapes):
    height, width = scene.size
    shift = round(edit["dx"] * width), round(edit["dy"] * height)
    return _edit_objects(
        scene, edit, move_object, *shift, edit.get("order", "by_base")
    )


def _scale_objects(scene, edit, model, shapes):
    order = edit.get("order", "by_base")
    return _edit_objects(scene, edit, scale_object, edit["factor"], order)


def _mirror_objects(scene, edit, model, shapes):
    return _edit_objects(scene, edit, mirror_object)


def _remove_objects(scene, edit, model, shapes):
    return _edit_objects(scene, edit, remove_object)


def _replace_class_of_objects(scene, edit, model, shapes):
    scene.labels.index(edit["class"])
    return _edit_objects(scene, edit, replace_class_of_object, edit["class"])


def _set_style(scene, edit, model, shapes):
    regions = [WHOLE_IMAGE]
    if "objects" in edit:
        regions = find_objects(scene, edit["objects"])
    for region in regions:
        if "style" in edit:
            styles = {**scene.styles, region: edit["style"]}
            scene = scene.replace(styles=styles)
        else:
            scene = _choose_cluster(scene, model, region, edit["cluster"])
    return scene, len(regions)


def _set_seed(scene, edit, model, shapes):
    return scene.replace(seed=edit["seed"]), 1


def _choose_cluster(scene, model, region, cluster):
    # Only here: other edits need neither a model nor TensorFlow.
    from hdgan.editing.styles import choose_cluster

    if model is None:
        raise ValueError("A cluster of styles is a model's. Give the model.")
    return choose_cluster(model, scene, region, cluster)


def _edit_objects(scene, edit, function, *arguments):
    total = 0
    for instance in find_objects(scene, edit["objects"]):
        # An object that was moved in front of it may hide it by now.
        if (scene.instance_map == instance).any():
            scene, count = _try(function, scene, instance, *arguments)
            total += count
    return scene, total


def _try(function, scene, *arguments):
    """Returns the edited scene and 1, or the same and 0 without a change."""
    try:
        return function(scene, *arguments), 1
    except NothingToEditError:
        return scene, 0


_EDITS = {
    "replace_class": _replace_class,
    "paint_region": _paint_region,
    "replace_class_of_objects": _replace_class_of_objects,
    "add_object": _add_object,
    "remove_objects": _remove_objects,
    "move_objects": _move_objects,
    "scale_objects": _scale_objects,
    "mirror_objects": _mirror_objects,
    "set_style": _set_style,
    "set_seed": _set_seed,
}
