"""Edits of classes and objects."""

import numpy as np
import pytest
from small_scene import BUILDING, CAR, LABELS, ROAD, SKY, TREE, make_scene

from hdgan.data.scene_source import SceneSource
from hdgan.editing import (
    EditableScene,
    NothingToEditError,
    ShapeLibrary,
    add_object,
    cut_shape,
    mirror_object,
    move_object,
    paint_region,
    rectangle_mask,
    remove_object,
    replace_class,
    replace_class_of_object,
    scale_object,
    set_style,
)


def _changed(before, after):
    return (before.label_map != after.label_map) | (
        before.instance_map != after.instance_map
    )


def test_a_class_becomes_one_region_of_another():
    scene = make_scene()
    edited = replace_class(scene, "car", "building")
    is_car = scene.label_map == CAR
    np.testing.assert_array_equal(_changed(scene, edited), is_car)
    assert (edited.label_map[is_car] == BUILDING).all()
    assert (edited.instance_map[is_car] == BUILDING).all()


def test_a_class_that_is_not_in_the_scene_is_an_error():
    with pytest.raises(NothingToEditError, match="no 'building'") as error:
        replace_class(make_scene(), "building", "sky")
    assert "sky, tree, road, car." in str(error.value)
    for names in (("boat", "sky"), ("sky", "boat")):
        with pytest.raises(ValueError, match=r"'boat'.*sky, building"):
            replace_class(make_scene(), *names)


def test_painted_things_are_new_objects_and_others_join_their_region():
    scene = make_scene()
    mask = rectangle_mask(scene.size, 50, 2, 58, 9)
    car = paint_region(scene, mask, "car")
    assert (car.instance_map[mask] == 4002).all()
    larger = paint_region(scene, mask, "car", instance=4001)
    assert (larger.instance_map[mask] == 4001).all()
    tree = paint_region(scene, mask, "tree")
    assert (tree.instance_map[mask] == TREE).all()
    np.testing.assert_array_equal(_changed(scene, tree), mask)
    with pytest.raises(ValueError, match="4001 is a 'car'"):
        paint_region(scene, mask, "tree", instance=4001)
    with pytest.raises(ValueError, match="of booleans"):
        paint_region(scene, mask.astype(int), "tree")
    with pytest.raises(NothingToEditError, match="no pixel"):
        paint_region(scene, np.zeros(scene.size, bool), "tree")


def test_an_object_gets_another_class_and_loses_its_style():
    scene = set_style(make_scene(), 4000, [0.5])
    edited = replace_class_of_object(scene, 4000, "tree")
    assert (edited.label_map[scene.region(4000)] == TREE).all()
    assert edited.objects() == {4001: "car"}
    assert not edited.styles
    assert scene.styles == {4000: (0.5,)}


def test_a_style_of_the_whole_image_outlives_every_region():
    scene = set_style(make_scene(), -1, [0.5])
    assert replace_class(scene, "sky", "tree").styles == {-1: (0.5,)}


def test_a_hole_is_filled_with_what_lies_beside_it():
    scene = make_scene()
    edited = remove_object(scene, 4000)
    hole = scene.region(4000)
    np.testing.assert_array_equal(_changed(scene, edited), hole)
    # The car's upper two rows were before the sky, the others on the road.
    assert (edited.label_map[:20][hole[:20]] == SKY).all()
    assert (edited.label_map[20:][hole[20:]] == ROAD).all()
    assert edited.objects() == {4001: "car"}


def test_neither_objects_nor_poles_grow_into_a_hole():
    label_map = np.full((30, 60), SKY)
    instance_map = label_map.copy()
    label_map[:, 28] = TREE  # A pole beside the hole.
    instance_map[:, 28] = TREE
    label_map[10:20, 30:40], instance_map[10:20, 30:40] = CAR, 4000
    label_map[10:20, 40:50], instance_map[10:20, 40:50] = CAR, 4001
    scene = EditableScene(label_map, instance_map, LABELS)
    edited = remove_object(scene, 4000)
    assert (edited.label_map[scene.region(4000)] == SKY).all()


def test_a_scene_of_objects_alone_is_filled_with_objects():
    ids = np.full((8, 8), 4000)
    ids[:, 5:] = 4001
    scene = EditableScene(np.full_like(ids, CAR), ids, LABELS)
    edited = remove_object(scene, 4001)
    assert (edited.instance_map == 4000).all()
    with pytest.raises(ValueError, match="is the whole scene"):
        remove_object(edited, 4000)


def test_an_object_moves_with_id_and_style():
    scene = set_style(make_scene(), 4001, [0.5])
    edited = move_object(scene, 4001, 15, 3)
    expected = np.roll(scene.region(4001), (3, 15), axis=(0, 1))
    np.testing.assert_array_equal(edited.region(4001), expected)
    assert edited.styles == {4001: (0.5,)}
    # Part of it leaves the scene.
    edited = move_object(scene, 4001, 26, 0)
    assert edited.region(4001).sum() == 8 * 6
    with pytest.raises(NothingToEditError, match="Nothing of the 'car'"):
        move_object(scene, 4001, 60, 0)


def test_nearer_objects_hide_farther_ones():
    scene = make_scene()
    # The left car goes to the right one, whose base is lower.
    edited = move_object(scene, 4000, 8, 4)
    np.testing.assert_array_equal(edited.region(4001), scene.region(4001))
    assert edited.region(4000).sum() == 2 * 12
    # The corner that was hidden is not known.
    edited = move_object(scene, 4000, 8, 4, order="front")
    assert edited.region(4000).sum() == 8 * 12 - 2 * 4
    with pytest.raises(NothingToEditError, match="behind other objects"):
        add_object(scene, cut_shape(scene, 4000).scaled(0.5), 30, 26)
    with pytest.raises(ValueError, match="`order` must be one of"):
        move_object(scene, 4000, 8, 4, order="behind")


def test_an_object_is_scaled_about_its_base_and_mirrored():
    scene = make_scene()
    label_map, instance_map = scene.label_map.copy(), scene.instance_map.copy()
    # A car with a corner missing.
    label_map[24:28, 28:34] = instance_map[24:28, 28:34] = ROAD
    scene = scene.replace(label_map=label_map, instance_map=instance_map)
    region = scene.region(4001)
    larger = scale_object(scene, 4001, 2).region(4001)
    np.testing.assert_array_equal(
        larger[16:32, 22:46], region[24:32, 28:40].repeat(2, 0).repeat(2, 1)
    )
    smaller = scale_object(scene, 4001, 0.5).region(4001)
    np.testing.assert_array_equal(
        smaller[28:32, 31:37], region[25:32:2, 29:40:2]
    )
    mirrored = mirror_object(scene, 4001).region(4001)
    np.testing.assert_array_equal(
        mirrored[24:32, 28:40], region[24:32, 28:40][:, ::-1]
    )
    with pytest.raises(ValueError, match="number > 0"):
        scale_object(scene, 4001, 0)
    with pytest.raises(ValueError, match="smaller factor"):
        scale_object(scene, 4001, 1e300)


def test_a_shape_is_added_to_another_scene_with_its_style():
    scene = set_style(make_scene(), 4001, [0.25])
    shape = cut_shape(scene, 4001, "street")
    assert (shape.name, shape.ground, shape.source) == ("car", "road", "street")
    assert (shape.left, shape.top, shape.mask.shape) == (28, 24, (8, 12))
    edited = add_object(make_scene(), shape, -4, 30)
    assert edited.region(4002).sum() == 8 * 8
    assert edited.styles == {4002: (0.25,)}
    with pytest.raises(ValueError, match="id 4001 already"):
        add_object(scene, shape, 0, 0, instance=4001)


class _Scenes(SceneSource):
    """Scenes in memory."""

    names = ("0.png", "1.png", "2.png")
    kinds = ("label_map", "instance_map")
    is_rgb = False

    def __init__(self, *scenes):
        self.scenes = scenes

    def read(self, index):
        scene = self.scenes[index]
        return {
            "label_map": scene.label_map,
            "instance_map": scene.instance_map,
        }

    def fingerprint(self):
        return ""

    def select(self, indices):
        return _Scenes(*(self.scenes[index] for index in indices))


def test_a_library_keeps_the_largest_whole_objects(tmp_path):
    scene = make_scene()
    at_edge = move_object(scene, 4001, 20, 0)
    large = scale_object(scene, 4001, 1.5)
    scenes = _Scenes(scene, at_edge, large)
    library = ShapeLibrary.cut(scenes, LABELS, per_class=3)
    assert [int(shape.mask.sum()) for shape in library.shapes] == [216, 96, 88]
    path = tmp_path / "shapes.npz"
    library.save(path)
    loaded = ShapeLibrary.load(path)
    assert loaded.names == ("car",)
    for one, other in zip(library.shapes, loaded.shapes, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)
        for name in ("name", "left", "top", "scene_size", "ground", "source"):
            assert getattr(one, name) == getattr(other, name)
    with pytest.raises(ValueError, match="no shape of the class 'tree'"):
        loaded.of_class("tree")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"shapes\.npz is no shape library"):
        ShapeLibrary.load(path)
