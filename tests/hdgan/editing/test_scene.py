"""Editable scenes: ids, equality, files, undo."""

import json

import numpy as np
import pytest
from small_scene import CAR, LABELS, ROAD, TREE, make_scene

import hdgan
from hdgan.editing import (
    EditableScene,
    History,
    load_scene,
    replace_class,
    save_scene,
)


def test_objects_are_listed_by_area():
    scene = make_scene()
    assert scene.objects() == {4001: "car", 4000: "car"}
    assert scene.objects("tree") == {}
    assert scene.new_instance_id(CAR) == 4002
    assert scene.class_of(4001) == CAR
    with pytest.raises(ValueError, match=r"no region of the id 7.*4001, 4000"):
        scene.region(7)


def test_a_scene_never_changes():
    label_map = np.array([[0, 1], [2, 3]])
    scene = EditableScene(label_map, None, LABELS)
    label_map[0, 0] = 3
    assert scene.label_map[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        scene.label_map[0, 0] = 1
    with pytest.raises(TypeError):
        scene.styles[1] = (0.0,)


def test_without_an_instance_map_the_classes_are_regions():
    label_map = np.array([[0, 4], [2, 3]])
    for instance_map in (None, 0 * label_map):
        scene = EditableScene(label_map, instance_map, list(LABELS.names))
        np.testing.assert_array_equal(scene.instance_map, label_map)


def test_ids_as_in_cityscapes_are_kept():
    ids = np.array([[0, 4017], [4, 4000]])
    label_map = np.array([[0, 4], [4, 4]])
    scene = EditableScene(label_map, ids, LABELS)
    np.testing.assert_array_equal(scene.instance_map, ids)


def test_numbered_components_get_ids_as_in_cityscapes():
    label_map = np.array([[0, 4, 4], [3, 3, 4]])
    # Component 3 is one car, and number of the class of the road, too.
    components = np.array([[0, 1, 3], [0, 7, 3]], "uint16")
    scene = EditableScene(label_map, components, LABELS)
    np.testing.assert_array_equal(
        scene.instance_map, [[0, 4000, 4001], [3, 3000, 4001]]
    )


def test_negative_ids_and_an_id_of_two_classes_are_told_apart():
    label_map = np.array([[4, 4], [3, 4]])
    scene = EditableScene(label_map, np.array([[-1, -2], [4000, 4000]]), LABELS)
    ids = scene.instance_map
    assert ids[0, 0] != ids[0, 1]
    assert ids[1, 1] == 4000
    assert ids[1, 0] == 3000


def test_objects_of_class_zero_get_no_id_of_a_class():
    scene = EditableScene(np.zeros((1, 3), int), np.array([[0, 1, 2]]), LABELS)
    np.testing.assert_array_equal(scene.instance_map, [[0, 5, 6]])


def test_ignored_ids_become_their_class():
    labels = hdgan.LabelSet(["sky", "road"], ignore_ids=[255])
    scene = EditableScene(np.array([[0, 255]]), None, labels)
    np.testing.assert_array_equal(scene.label_map, [[0, 2]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 2)), None, LABELS), "must be of integers"),
        ((np.full((2, 2), 5), None, LABELS), r"ids 5\.\.5. Expected 0\.\.4"),
        (
            (np.zeros((2, 2), int), np.zeros((2, 3), int), LABELS),
            "shape of `label_map`",
        ),
        ((np.zeros((2, 2), int), None, None), "must be the classes"),
        (
            (np.zeros((2, 2), int), np.full((2, 2), 2**40), LABELS),
            "that int32 holds",
        ),
        (
            (np.zeros((2, 2), int), None, LABELS, {4000: [float("nan")]}),
            "sequences of finite numbers",
        ),
        (
            (np.zeros((2, 2), int), None, LABELS, {-2: [0.5]}),
            "integer >= -1",
        ),
        ((np.zeros((2, 2), int), None, LABELS, {}, -1), "`seed`"),
    ],
)
def test_wrong_scenes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EditableScene(*arguments)


def test_more_objects_than_ids_are_refused():
    ids = np.arange(1, 1201).reshape(1, -1)
    with pytest.raises(ValueError, match=r"1,000 objects of the class 4"):
        EditableScene(np.full_like(ids, CAR), ids, LABELS)


def test_a_file_loads_back_exactly(tmp_path):
    scene = make_scene(
        styles={4000: [0.1, -1.0, 1 / 3], -1: [2.0]}, seed=9, model_hash="ab"
    )
    path = tmp_path / "street.scene.json"
    save_scene(path, scene)
    loaded = load_scene(path)
    assert loaded == scene
    assert loaded.labels.things == ("car",)
    assert loaded != scene.replace(seed=8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, '"hdgan scene"'),
        ({"version": 2}, "newer hdgan"),
        ({"height": 10**6}, "height and width"),
        ({"height": True}, "'height' is True"),
        ({"width": 61}, "where height"),
        ({"label_map": "eJw"}, "'label_map' is damaged"),
        ({"instance_map": "????"}, "'instance_map' is damaged"),
        ({"styles": {"x": [1]}}, "'styles' are wrong"),
        ({"labels": {"names": ["sky"]}}, r"ids 0\.\.4. Expected 0\.\.0"),
        ({"labels": {"colors": []}}, "no names"),
    ],
)
def test_damaged_files_are_named(tmp_path, change, message):
    path = tmp_path / "street.scene.json"
    save_scene(path, make_scene())
    values = {**json.loads(path.read_text()), **change}
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=message) as error:
        load_scene(path)
    assert "street.scene.json" in str(error.value)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="This is not JSON"):
        load_scene(path)


def test_undo_and_redo():
    first = make_scene()
    history = History(first, limit=2)
    second = replace_class(first, "tree", "building")
    third = replace_class(second, "road", "tree")
    history.add(second)
    history.add(third)
    assert history.undo() is second
    assert history.undo() is first
    assert not history.can_undo
    assert history.redo() is second
    history.add(first)
    assert not history.can_redo
    for scene in (second, third):
        history.add(scene)
    history.undo()
    assert history.undo() is first
    with pytest.raises(ValueError, match="nothing to undo"):
        history.undo()


def test_things_that_a_label_set_does_not_know_follow_from_the_scene():
    scene = make_scene().replace(labels=hdgan.LabelSet(LABELS.names))
    assert scene.is_thing(CAR)
    assert not scene.is_thing(TREE)
    assert not scene.is_thing(ROAD)
