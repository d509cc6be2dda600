"""Replacing one class of a scene by another."""

import numpy as np
import pytest

import hdgan
from hdgan.editing import replace_class

LABELS = hdgan.LabelSet(["sky", "tree", "building", "car"])
LABEL_MAP = np.array([[0, 0, 1], [1, 2, 3]], "uint8")
INSTANCE_MAP = np.array([[0, 0, 1], [1001, 2, 3001]], "int32")


def test_a_class_becomes_one_region_of_another():
    label_map, instance_map = replace_class(
        LABEL_MAP, INSTANCE_MAP, LABELS, "tree", "building"
    )
    np.testing.assert_array_equal(label_map, [[0, 0, 2], [2, 2, 3]])
    np.testing.assert_array_equal(instance_map, [[0, 0, 2], [2, 2, 3001]])
    assert label_map.dtype == LABEL_MAP.dtype
    assert instance_map.dtype == INSTANCE_MAP.dtype


def test_the_given_maps_are_not_changed():
    before = LABEL_MAP.copy(), INSTANCE_MAP.copy()
    replace_class(LABEL_MAP, INSTANCE_MAP, LABELS, "car", "sky")
    np.testing.assert_array_equal(LABEL_MAP, before[0])
    np.testing.assert_array_equal(INSTANCE_MAP, before[1])


def test_there_may_be_no_instance_map():
    label_map, instance_map = replace_class(
        LABEL_MAP, None, LABELS, "sky", "car"
    )
    np.testing.assert_array_equal(label_map, [[3, 3, 1], [1, 2, 3]])
    assert instance_map is None


def test_the_label_map_decides_what_is_of_a_class():
    # Connected components, whose ids are unrelated to classes.
    components = np.array([[1, 1, 2], [2, 3, 4]], "uint16")
    _, instance_map = replace_class(
        LABEL_MAP, components, LABELS, "tree", "sky"
    )
    np.testing.assert_array_equal(instance_map, [[1, 1, 0], [0, 3, 4]])
    assert instance_map.dtype == np.uint16


def test_a_class_that_is_not_in_the_scene_is_an_error():
    without_cars = np.where(LABEL_MAP == 3, 0, LABEL_MAP)
    with pytest.raises(ValueError, match="no 'car' to replace") as error:
        replace_class(without_cars, None, LABELS, "car", "sky")
    assert "sky, tree, building." in str(error.value)


def test_an_unknown_class_is_named_with_those_known():
    for names in (("boat", "sky"), ("sky", "boat")):
        with pytest.raises(ValueError, match="'boat'") as error:
            replace_class(LABEL_MAP, None, LABELS, *names)
        assert "sky, tree, building, car" in str(error.value)


def test_an_axis_of_one_channel_is_dropped():
    edited = replace_class(
        LABEL_MAP[..., None], INSTANCE_MAP, list(LABELS.names), "tree", "car"
    )
    expected = replace_class(LABEL_MAP, INSTANCE_MAP, LABELS, "tree", "car")
    for one, other in zip(edited, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("label_map", "instance_map", "message"),
    [
        (LABEL_MAP.astype("float32"), None, "`label_map` must be of integers"),
        (LABEL_MAP, INSTANCE_MAP / 2, "`instance_map` must be of integers"),
        (LABEL_MAP + 3, None, r"ids 3\.\.6. Expected 0\.\.3"),
        (LABEL_MAP, INSTANCE_MAP[:, :2], r"shape of `label_map`, \(2, 3\)"),
        (LABEL_MAP[None], None, r"must be \(height, width\)"),
    ],
)
def test_wrong_maps_are_refused(label_map, instance_map, message):
    with pytest.raises(ValueError, match=message):
        replace_class(label_map, instance_map, LABELS, "tree", "car")


def test_an_id_that_a_dtype_cannot_hold_is_refused():
    labels = hdgan.LabelSet.numbered(300)
    with pytest.raises(ValueError, match=r"uint8.*can't hold the id 299"):
        replace_class(LABEL_MAP, None, labels, "class 1", "class 299")
