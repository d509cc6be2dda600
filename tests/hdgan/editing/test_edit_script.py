"""Edit scripts: edits as plain data."""

import json

import numpy as np
import pytest
from small_scene import CAR, TREE, make_scene

from hdgan.editing import (
    ShapeLibrary,
    apply_edits,
    cut_shape,
    mirror_object,
    move_object,
    paint_region,
    polygon_mask,
    remove_object,
    replace_class,
    replace_class_of_object,
    scale_object,
)
from hdgan.editing.edit_script import load_script


def _apply(*edits, **options):
    return apply_edits(make_scene(), {"edits": list(edits)}, **options)


def test_a_script_does_what_the_functions_do():
    scene, counts = _apply(
        {"edit": "replace_class", "old": "tree", "new": "building"},
        {
            "edit": "paint_region",
            "region": {"polygon": [[0, 0], [0.5, 0], [0, 0.5]]},
            "class": "tree",
        },
        {
            "edit": "move_objects",
            "objects": {"class": "car", "which": "largest"},
            "dx": 0.25,
            "dy": 0.1,
        },
        {"edit": "scale_objects", "objects": {"id": 4000}, "factor": 0.5},
        {"edit": "mirror_objects", "objects": {"class": "car"}},
        {
            "edit": "replace_class_of_objects",
            "objects": {"class": "car", "which": 1},
            "class": "road",
        },
        {"edit": "set_style", "objects": {"class": "car"}, "style": [0.5]},
        {"edit": "set_style", "style": [0.25, 0.5]},
        {"edit": "set_seed", "seed": 11},
    )
    expected = replace_class(make_scene(), "tree", "building")
    mask = polygon_mask(expected.size, [(0, 0), (30, 0), (0, 20)])
    expected = paint_region(expected, mask, "tree")
    expected = move_object(expected, 4001, 15, 4)
    expected = scale_object(expected, 4000, 0.5)
    for instance in expected.objects("car"):
        expected = mirror_object(expected, instance)
    smaller = list(expected.objects("car"))[1]
    expected = replace_class_of_object(expected, smaller, "road")
    (car,) = expected.objects("car")
    styles = {car: (0.5,), -1: (0.25, 0.5)}
    assert scene == expected.replace(styles=styles, seed=11)
    assert counts == [1, 1, 1, 1, 2, 1, 1, 1, 1]


def test_what_a_scene_does_not_have_is_counted_as_zero():
    scene, counts = _apply(
        {"edit": "replace_class", "old": "building", "new": "tree"},
        {"edit": "remove_objects", "objects": {"class": "car", "which": 7}},
        {"edit": "move_objects", "objects": {"id": 4000}, "dx": 2, "dy": 0},
    )
    assert scene == make_scene()
    assert counts == [0, 0, 0]


def test_all_objects_of_a_class_are_removed():
    scene, counts = _apply(
        {"edit": "remove_objects", "objects": {"class": "car"}}
    )
    assert counts == [2]
    assert not (scene.label_map == CAR).any()
    expected = remove_object(remove_object(make_scene(), 4001), 4000)
    assert scene == expected


def test_the_one_region_of_a_class_counts_as_its_object():
    scene, counts = _apply(
        {"edit": "remove_objects", "objects": {"class": "tree"}}
    )
    assert counts == [1]
    assert not (scene.label_map == TREE).any()
    assert scene == remove_object(make_scene(), TREE)


def test_a_shape_keeps_its_place_in_a_scene_of_another_size():
    library = ShapeLibrary([cut_shape(make_scene(80, 120), 4001)])
    scene, counts = _apply(
        {"edit": "add_object", "class": "car"}, shapes=library
    )
    assert counts == [1]
    region = scene.region(4002)
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    # The shape was at rows 24 to 31 of 80 and columns 28 to 39 of 120.
    assert (rows[0], rows[-1]) == (12, 15)
    assert (columns[0], columns[-1]) == (14, 19)
    scene, _ = _apply(
        {
            "edit": "add_object",
            "class": "car",
            "x": 0.5,
            "base": 1.0,
            "scale": 2.0,
            "mirror": True,
        },
        shapes=library,
    )
    assert scene.region(4002)[32:40, 24:36].all()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"edit": "paint"}, r"\$\.edits\[0\]\.edit: 'paint' is not one of"),
        ({"edit": "replace_class", "old": "sky"}, "'new' is a required"),
        ({"edit": "set_seed", "seed": 1, "x": 1}, "'x' was unexpected"),
        ({"edit": "set_seed", "seed": -1}, "minimum of 0"),
        (
            {
                "edit": "move_objects",
                "objects": {"class": "car"},
                "dx": 640,
                "dy": 0,
            },
            "640 is greater than the maximum of 100",
        ),
        (
            {"edit": "replace_class", "old": "building", "new": "boat"},
            r"Edit 0, replace_class: There is no class 'boat'",
        ),
        ({"edit": "remove_objects", "objects": {"class": "boat"}}, "'boat'"),
        ({"edit": "remove_objects", "objects": {"id": 77}}, "no region"),
        ({"edit": "add_object", "class": "car"}, "Give a shape library"),
        (
            {"edit": "set_style", "objects": {"id": 4000}, "cluster": 0},
            "Give the model",
        ),
    ],
)
def test_wrong_edits_are_named(edit, message):
    with pytest.raises(ValueError, match=message):
        _apply(edit)


def test_errors_name_a_scripts_file(tmp_path):
    path = tmp_path / "edits.json"
    for text, message in (
        ("{", "Expecting"),
        (json.dumps({"edits": []}), r"\$\.edits: \[\] should be non-empty"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message) as error:
            load_script(path)
        assert "edits.json" in str(error.value)
