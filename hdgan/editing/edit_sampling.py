"""Random edits: a recipe says which, a seed chooses, a script comes out."""

import pathlib

from hdgan.editing.edit_schema import EDITS
from hdgan.editing.edit_script import (
    apply_edits,
    check_script,
    find_objects,
    place_shape,
)

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_NAME = {"type": "string"}


def _range(item):
    return {"type": "array", "items": item, "minItems": 2, "maxItems": 2}


_RANDOM = {
    "add_objects": {
        "required": ["class", "count"],
        "properties": {
            "class": _NAME,
            "count": _range({"type": "integer", "minimum": 0}),
            "scale": _range({"type": "number", "exclusiveMinimum": 0}),
        },
    },
    "remove_some_objects": {
        "required": ["class", "share"],
        "properties": {"class": _NAME, "share": _range(_SHARE)},
    },
    "draw_styles": {"required": [], "properties": {}},
}
# Edits of a script that need no place or id of one scene.
_FIXED = (
    "replace_class",
    "replace_class_of_objects",
    "remove_objects",
    "mirror_objects",
    "scale_objects",
    "move_objects",
)


def _variants():
    for name, rules in _RANDOM.items():
        yield name, rules["properties"], rules["required"]
    for name in _FIXED:
        edit = EDITS[name]
        properties = dict(edit["properties"])
        del properties["edit"]
        yield name, properties, [k for k in edit["required"] if k != "edit"]


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "hdgan augmentation recipe",
    "type": "object",
    "properties": {
        "edits": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "edit": {"enum": [name for name, _, _ in _variants()]}
                },
                "required": ["edit"],
                "allOf": [
                    {
                        "if": {"properties": {"edit": {"const": name}}},
                        "then": {
                            "properties": {
                                "edit": True,
                                "probability": _SHARE,
                                **properties,
                            },
                            "required": ["edit", *required],
                            "additionalProperties": False,
                        },
                    }
                    for name, properties, required in _variants()
                ],
            },
        }
    },
    "required": ["edits"],
    "additionalProperties": False,
}
# Places that are tried for an object before it is left out.
_TRIES = 30


def load_recipe(path):
    """Reads an augmentation recipe from a YAML or JSON file.

    Args:
        path: path of the file. `hdgan.editing.edit_sampling.SCHEMA` describes
            it.

    Returns:
        Dict.

    Raises:
        ValueError: naming the file and the wrong entry, or if PyYAML is not
            installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise ValueError(
            "Recipes of edits are YAML, and PyYAML is not installed: pip "
            "install pyyaml"
        ) from error
    try:
        recipe = yaml.safe_load(pathlib.Path(path).read_text("utf-8-sig"))
        check_script(recipe, SCHEMA)
        for number, edit in enumerate(recipe["edits"]):
            _check_ranges(number, edit)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    return recipe


def sample_edits(scene, recipe, rng, shapes=None):
    """Draws edits for a scene and applies them.

    Args:
        scene: `EditableScene`.
        recipe: dict that follows `SCHEMA`.
        rng: `numpy.random.Generator`.
        shapes: `ShapeLibrary`, for objects to add. Defaults to None.

    Returns:
        `EditableScene`; and the script that makes it of the first one, a dict
        for `apply_edits`.

    Raises:
        ValueError: as in `apply_edits`.
    """
    edits = []
    for rule in recipe["edits"]:
        if rng.random() >= rule.get("probability", 1):
            continue
        if rule["edit"] in _RANDOM:
            # One by one: where a car fits depends on those before it.
            for edit in _SAMPLERS[rule["edit"]](scene, rule, rng, shapes):
                scene, count = _apply(scene, edit, shapes)
                edits += [edit] if count else []
        else:
            edit = {k: v for k, v in rule.items() if k != "probability"}
            scene, count = _apply(scene, edit, shapes)
            edits += [edit] if count else []
    return scene, {"edits": edits}


def _apply(scene, edit, shapes):
    scene, (count,) = apply_edits(scene, {"edits": [edit]}, shapes=shapes)
    return scene, count


def _add_objects(scene, rule, rng, shapes):
    known = shapes.of_class(rule["class"])
    low, high = rule["count"]
    for _ in range(rng.integers(low, high + 1)):
        for _ in range(_TRIES):
            index = int(rng.integers(len(known)))
            edit = {
                "edit": "add_object",
                "class": rule["class"],
                "shape": index,
                "x": round(float(rng.random()), 4),
                "scale": round(
                    float(rng.uniform(*rule.get("scale", (1, 1)))), 4
                ),
                "mirror": bool(rng.random() < 0.5),
            }
            if _stands_on_its_ground(scene, known[index], edit):
                yield edit
                break


def _stands_on_its_ground(scene, shape, edit):
    """Whether the class below the object is the one that it stood on."""
    scaled, left, top = place_shape(
        shape, scene.size, edit["x"], scale=edit["scale"]
    )
    height, width = scaled.mask.shape
    row = min(max(top + height, 0), scene.size[0] - 1)
    columns = slice(max(left, 0), max(left + width, 0))
    below = scene.label_map[row, columns]
    if not below.size or shape.ground is None:
        return False
    return (below == scene.labels.index(shape.ground)).mean() > 0.5


def _remove_some_objects(scene, rule, rng, shapes):
    ids = find_objects(scene, {"class": rule["class"]})
    share = rng.uniform(*rule["share"])
    for instance in rng.permutation(ids)[: round(share * len(ids))].tolist():
        yield {"edit": "remove_objects", "objects": {"id": instance}}


def _draw_styles(scene, rule, rng, shapes):
    yield {"edit": "set_seed", "seed": int(rng.integers(2**31))}


def _check_ranges(number, edit):
    for name in ("count", "scale", "share"):
        if name in edit and edit[name][0] > edit[name][1]:
            raise ValueError(
                f"$.edits[{number}].{name}: {edit[name]} is no range. Expected "
                "the smaller number first."
            )


_SAMPLERS = {
    "add_objects": _add_objects,
    "remove_some_objects": _remove_some_objects,
    "draw_styles": _draw_styles,
}
