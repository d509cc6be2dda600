"""The resize modes: sizes, interpolation, and one crop for all."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from hdgan.data.resize_policy import MODES, ResizePolicy
from hdgan.data.street.scenes import draw_street_scene

SIZES = [(1024, 2048), (256, 342), (342, 256), (500, 333), (47, 33)]


def published_size(mode, load_size, crop_size, multiple, height, width):
    """The sizes as the original PyTorch code computes them."""
    if mode == "none":
        return tuple(
            max(int(round(side / multiple) * multiple), multiple)
            for side in (height, width)
        )
    if "crop" in mode:
        return crop_size, crop_size
    return int(load_size * height / width), load_size


def scene_of(height, width, seed=0):
    """Returns tensors of a scene in which every pixel has its own id."""
    ids = np.arange(height * width, dtype="int32").reshape(height, width, 1)
    draw = np.random.default_rng(seed)
    return {
        "label_map": tf.constant(ids),
        "instance_map": tf.constant(70_000 + ids),
        "photo": tf.constant(
            draw.integers(0, 256, (height, width, 3), "uint8")
        ),
    }


def resized(resizing, scene, **options):
    return {
        key: tensor.numpy()
        for key, tensor in resizing.apply(scene, **options).items()
    }


@pytest.mark.parametrize("mode", MODES)
def test_shrunken_scenes_show_the_same_at_half_the_size(mode):
    """A coarse phase sees the same crops as the fine phase."""
    height, width = 96, 128
    options = {"load_size": 128, "crop_size": 64, "size_multiple": 16}
    whole = ResizePolicy(mode, **options)
    half = ResizePolicy(mode, **options, shrink=2)
    expected = tuple(side // 2 for side in whole.final_size(height, width))
    assert half.final_size(height, width) == expected
    rows, columns = np.indices((height, width))
    ids = tf.constant((rows // 8 * 1000 + columns // 8)[..., None], tf.int32)
    scene = {"label_map": ids, "instance_map": ids}
    fine = resized(whole, scene, corner=(0.5, 0.5))["instance_map"]
    coarse = resized(half, scene, corner=(0.5, 0.5))["instance_map"]
    assert coarse.shape[:2] == expected
    # Except for one pixel, by which a rounded corner may shift.
    assert np.mean(coarse == fine[::2, ::2]) > 0.7


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", MODES)
def test_sizes_are_the_published_ones(mode, size):
    resizing = ResizePolicy(mode, load_size=64, crop_size=32, size_multiple=16)
    expected = published_size(mode, 64, 32, 16, *size)
    assert tuple(resizing.final_size(*size)) == expected
    for name, tensor in resized(resizing, scene_of(*size)).items():
        assert tensor.shape[:2] == expected, name


def test_the_published_sizes_at_the_published_settings():
    assert ResizePolicy("scale_width", 1024).final_size(1024, 2048) == (
        512,
        1024,
    )
    assert ResizePolicy("scale_width", 512).final_size(256, 342) == (383, 512)
    assert ResizePolicy("none", size_multiple=32).final_size(1000, 15) == (
        992,
        32,
    )
    # Python rounds a half to the even number: 1.5 and 2.5 to 2.
    policy = ResizePolicy("none", size_multiple=16)
    assert policy.final_size(24, 40) == (32, 32)


# With these ratios, no pixel's center lies on a border of two pixels.
@pytest.mark.parametrize(
    ("size", "load_size"),
    [((64, 128), 64), ((94, 161), 70), ((40, 60), 96), ((47, 33), 33)],
)
def test_ids_are_those_of_pils_nearest_neighbour(size, load_size):
    scene = scene_of(*size)
    result = resized(ResizePolicy("scale_width", load_size), scene)
    height, width = result["label_map"].shape[:2]
    for name in ("label_map", "instance_map"):
        image = Image.fromarray(scene[name].numpy()[..., 0])
        expected = image.resize((width, height), Image.Resampling.NEAREST)
        assert result[name].dtype == np.int32
        np.testing.assert_array_equal(result[name][..., 0], expected)


def test_label_and_instance_map_take_the_same_pixels_at_any_size():
    for load_size in range(20, 150, 7):
        result = resized(
            ResizePolicy("scale_width", load_size), scene_of(40, 64)
        )
        np.testing.assert_array_equal(
            result["label_map"] + 70_000, result["instance_map"]
        )


def test_photos_are_those_of_pils_bicubic():
    photo = draw_street_scene(0, 3, 138, 276).photo
    scene = {**scene_of(138, 276), "photo": tf.constant(photo)}
    small = resized(ResizePolicy("scale_width", 120), scene)["photo"]
    assert small.shape == (60, 120, 3)
    assert small.dtype == np.uint8
    expected = Image.fromarray(photo).resize(
        (120, 60), Image.Resampling.BICUBIC
    )
    difference = np.abs(small.astype(float) - np.asarray(expected))
    assert difference.mean() < 1
    assert difference.max() < 8


def test_style_maps_go_with_the_label_map_and_do_not_blend():
    scene = scene_of(40, 64)
    ids = scene["label_map"].numpy()[..., 0]
    values = np.stack([ids % 251, ids // 251, 0 * ids], -1).astype("uint8")
    scene["style_map"] = tf.constant(values)
    for load_size in (20, 47, 96):
        result = resized(
            ResizePolicy("scale_width_and_crop", load_size, crop_size=9),
            scene,
            corner=(0.3, 0.7),
        )
        style_map = result["style_map"]
        assert style_map.dtype == np.uint8
        np.testing.assert_array_equal(
            style_map[..., 0] + 251 * style_map[..., 1].astype(int),
            result["label_map"][..., 0],
        )


def test_scenes_of_the_right_size_are_not_touched():
    scene = scene_of(40, 64)
    for resizing in (
        ResizePolicy("scale_width", 64),
        ResizePolicy("none", 99, 99, 8),
    ):
        for name, tensor in resized(resizing, scene).items():
            np.testing.assert_array_equal(tensor, scene[name])


@pytest.mark.parametrize("mode", ["crop", "scale_width_and_crop"])
def test_one_crop_for_maps_and_photo(mode):
    scene = scene_of(40, 64)
    resizing = ResizePolicy(mode, load_size=64, crop_size=24)
    places = set()
    for corner in ((0.0, 0.0), (0.999999, 0.0), (0.3, 0.7), (0.99, 0.999999)):
        result = resized(resizing, scene, corner=corner)
        top, left = divmod(int(result["label_map"][0, 0, 0]), 64)
        places.add((top, left))
        for name, tensor in result.items():
            np.testing.assert_array_equal(
                tensor, scene[name][top : top + 24, left : left + 24]
            )
    # From edge to edge: the last start is 40 - 24 and 64 - 24.
    assert places == {(0, 0), (16, 0), (5, 28), (16, 40)}


def test_resize_and_crop_goes_through_a_square():
    scene = scene_of(40, 64)
    resizing = ResizePolicy("resize_and_crop", load_size=80, crop_size=80)
    result = resized(resizing, scene)["label_map"][..., 0]
    np.testing.assert_array_equal(
        result[:, 0], np.repeat(np.arange(40) * 64, 2)
    )
    np.testing.assert_array_equal(result[0], (np.arange(80) + 0.5) * 0.8 // 1)


@pytest.mark.parametrize(
    ("mode", "load_size", "crop_size"),
    [
        ("crop", 1024, 41),
        ("scale_width_and_crop", 128, 81),
        ("resize_and_crop", 32, 33),
    ],
)
def test_a_scene_smaller_than_the_crop_is_an_error(mode, load_size, crop_size):
    resizing = ResizePolicy(mode, load_size, crop_size)
    with pytest.raises(ValueError, match="too small to crop") as error:
        resizing.final_size(40, 64)
    assert "64x40" in str(error.value)
    assert f"{crop_size}x{crop_size}" in str(error.value)
    assert "smaller `crop_size`" in str(error.value)
    smaller = ResizePolicy(mode, load_size, crop_size - 1)
    assert smaller.final_size(40, 64) == (crop_size - 1,) * 2


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"mode": "stretch"}, "scale_width"),
        ({"load_size": 0}, "load_size"),
        ({"crop_size": -1}, "crop_size"),
        ({"size_multiple": 1.5}, "size_multiple"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name) as error:
        ResizePolicy(**arguments)
    assert str(next(iter(arguments.values()))) in str(error.value)
