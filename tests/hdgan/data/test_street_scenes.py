"""Tests of the drawn street scenes."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from hdgan.data.street import scenes
from hdgan.data.street.scenes import CLASS_NAMES, draw_street_scene

SIZES = ((32, 32), (65, 131), (128, 256), (256, 128), (16, 300), (300, 16))


def _digest(scene):
    return hashlib.sha256(b"".join(part.tobytes() for part in scene)).digest()


def _agreement(first, second):
    return float(np.mean(first == second))


def test_tables_fit_together():
    assert len(CLASS_NAMES) == len(set(CLASS_NAMES)) <= 12
    assert len(scenes.CLASS_COLORS) == len(CLASS_NAMES)
    assert len(set(scenes.CLASS_COLORS)) == len(CLASS_NAMES)
    assert set(scenes.THING_CLASSES) == {"car", "person"}
    assert set(scenes.THING_CLASSES) < set(CLASS_NAMES)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_shapes_types_and_consistent_maps(height, width):
    things = [CLASS_NAMES.index(c) for c in scenes.THING_CLASSES]
    for index in range(4):
        scene = draw_street_scene(1, index, height, width)
        label_map, instance_map, photo = scene
        assert label_map.shape == instance_map.shape == (height, width)
        assert photo.shape == (height, width, 3)
        assert label_map.dtype == photo.dtype == np.uint8
        assert instance_map.dtype == np.int32
        is_thing = instance_map >= 1000
        np.testing.assert_array_equal(
            np.where(is_thing, instance_map // 1000, instance_map), label_map
        )
        np.testing.assert_array_equal(np.isin(label_map, things), is_thing)


def test_large_scene():
    scene = draw_street_scene(1, 0, 512, 1024)
    assert scene.photo.shape == (512, 1024, 3)
    # A single color, or noise, would be neither bright nor smooth.
    assert 70 < scene.photo.mean() < 190
    steps = np.abs(np.diff(scene.photo.astype(int), axis=1))
    assert np.median(steps) < 8
    assert scene.photo.std() > 30


def test_same_arguments_same_scene():
    first = draw_street_scene(3, 5, 64, 128)
    draw_street_scene(4, 6, 64, 128)
    assert _digest(draw_street_scene(3, 5, 64, 128)) == _digest(first)
    for seed, index in ((3, 6), (4, 5)):
        other = draw_street_scene(seed, index, 64, 128)
        # The layout differs, not only the grain.
        assert _agreement(other.label_map, first.label_map) < 0.9


def test_same_scene_in_another_process(monkeypatch):
    # Only the module itself: importing the whole package would take seconds.
    code = """
import hashlib, sys, types
package = types.ModuleType("hdgan")
package.__path__ = [sys.argv[1]]
data = types.ModuleType("hdgan.data")
data.__path__ = [sys.argv[1] + "/data"]
sys.modules.update({"hdgan": package, "hdgan.data": data})
from hdgan.data.street.scenes import draw_street_scene
scene = draw_street_scene(3, 5, 64, 128)
print(hashlib.sha256(b"".join(p.tobytes() for p in scene)).hexdigest())
"""
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    folder = scenes.__file__.rsplit("/data/", 1)[0]
    result = subprocess.run(
        [sys.executable, "-c", code, folder],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = _digest(draw_street_scene(3, 5, 64, 128)).hex()
    assert result.stdout.strip() == expected


@pytest.mark.parametrize("index", range(4))
def test_same_scene_at_every_size(index):
    large = draw_street_scene(0, index, 512, 1024)
    small = draw_street_scene(0, index, 128, 256)
    labels = large.label_map[2::4, 2::4]
    instances = large.instance_map[2::4, 2::4]
    assert _agreement(labels, small.label_map) > 0.97
    assert _agreement(instances, small.instance_map) > 0.96
    blocks = large.photo.reshape(128, 4, 256, 4, 3).mean(axis=(1, 3))
    assert np.abs(blocks - small.photo).mean() < 8
    # Different scenes don't agree that well.
    other = draw_street_scene(0, index + 1, 128, 256)
    assert _agreement(labels, other.label_map) < 0.9


def test_every_class_appears_but_unlabelled():
    seen = set()
    cobbled = 0
    for index in range(30):
        label_map = draw_street_scene(0, index, 64, 128).label_map
        labels = {CLASS_NAMES[k] for k in np.unique(label_map)}
        # A street has one surface.
        assert len(labels & {"road", "cobblestone"}) == 1
        cobbled += "cobblestone" in labels
        seen |= labels
    assert seen == set(CLASS_NAMES) - {"unlabelled"}
    assert 5 <= cobbled <= 15


@pytest.mark.parametrize("name", scenes.THING_CLASSES)
def test_instances_of_one_class_overlap(name):
    number = CLASS_NAMES.index(name)
    touching = 0
    for index in range(8):
        scene = draw_street_scene(0, index, 128, 256)
        left, right = scene.instance_map[:, :-1], scene.instance_map[:, 1:]
        both = (left // 1000 == number) & (right // 1000 == number)
        touching += np.count_nonzero(both & (left != right)) > 4
    assert touching >= 4


def test_photo_is_a_function_of_the_labels_in_colour():
    # Trees are green and the sky is blue or white, as a network has to learn.
    sums = {"tree": [], "sky": []}
    for index in range(8):
        scene = draw_street_scene(2, index, 64, 128)
        for name, means in sums.items():
            mask = scene.label_map == CLASS_NAMES.index(name)
            if np.count_nonzero(mask) > 50:
                means.append(scene.photo[mask].mean(axis=0))
    for red, green, blue in sums["tree"]:
        assert green > red
        assert green > blue
    for color in sums["sky"]:
        assert color.mean() > 130


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((-1, 0, 64, 128), "seed"),
        ((0, -1, 64, 128), "index"),
        ((0, 0, 15, 128), "height"),
        ((0, 0, 64, 0), "width"),
        ((0, 0.5, 64, 128), "index"),
        ((0, 0, 64.0, 128), "height"),
        ((0, 0, 64, "128"), "width"),
        ((None, 0, 64, 128), "seed"),
    ],
)
def test_bad_arguments(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer >= "):
        draw_street_scene(*arguments)


def test_numpy_integers_are_integers():
    same = draw_street_scene(np.int64(3), np.uint8(5), np.int32(32), 32)
    assert _digest(same) == _digest(draw_street_scene(3, 5, 32, 32))
