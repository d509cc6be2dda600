"""The JSON Schema of edit scripts."""

# Places far outside of a scene are mistakes, such as pixels for shares.
_NUMBER = {"type": "number", "minimum": -100, "maximum": 100}
_FACTOR = {"type": "number", "exclusiveMinimum": 0, "maximum": 1000}
_NAME = {"type": "string", "description": "Name of a class."}
_POINT = {
    "type": "array",
    "prefixItems": [_NUMBER, _NUMBER],
    "items": False,
    "minItems": 2,
    "description": "x and y, as shares of the width and height.",
}
_OBJECTS = {
    "description": "The objects to edit: an id, or those of a class.",
    "oneOf": [
        {
            "type": "object",
            "properties": {"id": {"type": "integer", "minimum": 0}},
            "required": ["id"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "class": _NAME,
                "which": {
                    "oneOf": [
                        {"enum": ["all", "largest"]},
                        {"type": "integer", "minimum": 0},
                    ],
                    "description": "all, largest, or the place in the order "
                    "of areas, largest first. Default: all.",
                },
            },
            "required": ["class"],
            "additionalProperties": False,
        },
    ],
}
_REGION = {
    "description": "An area, in shares of the width and height.",
    "oneOf": [
        {
            "type": "object",
            "properties": {
                "polygon": {"type": "array", "items": _POINT, "minItems": 3}
            },
            "required": ["polygon"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "rectangle": {
                    "type": "array",
                    "items": _NUMBER,
                    "minItems": 4,
                    "maxItems": 4,
                    "description": "left, top, right, bottom",
                }
            },
            "required": ["rectangle"],
            "additionalProperties": False,
        },
    ],
}
_ORDER = {
    "enum": ["by_base", "front"],
    "description": "Whether nearer objects hide it. Default: by_base.",
}


def _edit(name, description, required, optional=None):
    properties = {"edit": {"const": name}, **required, **(optional or {})}
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": ["edit", *required],
        "additionalProperties": False,
    }


EDITS = {
    edit["properties"]["edit"]["const"]: edit
    for edit in (
        _edit(
            "replace_class",
            "Replaces one class by another in the whole scene.",
            {"old": _NAME, "new": _NAME},
        ),
        _edit(
            "paint_region",
            "Paints an area with a class.",
            {"region": _REGION, "class": _NAME},
        ),
        _edit(
            "replace_class_of_objects",
            "Gives objects another class.",
            {"objects": _OBJECTS, "class": _NAME},
        ),
        _edit(
            "add_object",
            "Adds an object of the shape library. Its middle and base, shares "
            "of width and height, default to those in its own scene.",
            {"class": _NAME},
            {
                "shape": {"type": "integer", "minimum": 0},
                "x": _NUMBER,
                "base": _NUMBER,
                "scale": _FACTOR,
                "mirror": {"type": "boolean"},
                "order": _ORDER,
                "cluster": {"type": "integer", "minimum": 0},
            },
        ),
        _edit("remove_objects", "Removes objects.", {"objects": _OBJECTS}),
        _edit(
            "move_objects",
            "Moves objects by shares of the width and height.",
            {"objects": _OBJECTS, "dx": _NUMBER, "dy": _NUMBER},
            {"order": _ORDER},
        ),
        _edit(
            "scale_objects",
            "Scales objects about the middle of their base.",
            {
                "objects": _OBJECTS,
                "factor": _FACTOR,
            },
            {"order": _ORDER},
        ),
        _edit(
            "mirror_objects",
            "Exchanges left and right of objects.",
            {"objects": _OBJECTS},
        ),
        _edit(
            "set_style",
            "Gives objects a style: a vector or a cluster of their class. "
            "Without objects, the whole image.",
            {},
            {
                "objects": _OBJECTS,
                "style": {
                    "type": "array",
                    "items": {"type": "number"},
                    "minItems": 1,
                },
                "cluster": {"type": "integer", "minimum": 0},
            },
        ),
        _edit(
            "set_seed",
            "Draws other styles for all regions without one of their own.",
            {"seed": {"type": "integer", "minimum": 0}},
        ),
    )
}
EDITS["set_style"]["oneOf"] = [
    {"required": ["style"]},
    {"required": ["cluster"]},
]

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "hdgan edit script",
    "type": "object",
    "properties": {
        "edits": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"edit": {"enum": list(EDITS)}},
                "required": ["edit"],
                "allOf": [
                    {
                        "if": {"properties": {"edit": {"const": name}}},
                        "then": schema,
                    }
                    for name, schema in EDITS.items()
                ],
            },
        }
    },
    "required": ["edits"],
    "additionalProperties": False,
}
