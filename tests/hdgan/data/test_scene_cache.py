"""Cached scenes: the same batches, each file decoded once."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import make_dataset
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes

RESIZING = ResizePolicy("scale_width_and_crop", load_size=32, crop_size=16)


@pytest.fixture
def scenes(tmp_path):
    draw_scenes(tmp_path / "data", "train", 3, 32, 48)
    return find_scenes(tmp_path / "data", "train")


def _batches(scenes, count, resizing=RESIZING, **options):
    dataset = make_dataset(scenes, resizing, **options)
    return list(dataset.take(count).as_numpy_iterator())


def _assert_same(batches, expected):
    for one, other in zip(batches, expected, strict=True):
        assert one.keys() == other.keys()
        for key, array in one.items():
            assert array.dtype == other[key].dtype
            np.testing.assert_array_equal(array, other[key])


def test_batches_equal_those_without_a_cache(scenes, tmp_path):
    expected = _batches(scenes, 9)
    cached = _batches(scenes, 9, cache_dir=tmp_path / "cache")
    _assert_same(cached, expected)
    # From the cache alone, in a stream that starts at another step.
    later = _batches(scenes, 5, cache_dir=tmp_path / "cache", start_step=4)
    _assert_same(later, expected[4:])


def test_each_scene_is_decoded_once(scenes, tmp_path):
    before = _batches(scenes, 6, cache_dir=tmp_path / "cache")
    for paths in (scenes.inputs, scenes.photos, scenes.instance_maps):
        for path in paths:
            # Another picture under the same name, size and time.
            status = path.stat()
            contents = path.read_bytes()
            path.write_bytes(bytes(len(contents)))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    _assert_same(_batches(scenes, 6, cache_dir=tmp_path / "cache"), before)


def test_a_changed_scene_is_read_again(scenes, tmp_path):
    cache_dir = tmp_path / "cache"
    _batches(scenes, 3, cache_dir=cache_dir)
    photo = scenes.photos[0]
    Image.fromarray(np.full((32, 48, 3), 9, "uint8")).save(photo)
    expected = _batches(scenes, 3)
    _assert_same(_batches(scenes, 3, cache_dir=cache_dir), expected)


def test_scalings_share_no_files_but_crops_do(scenes, tmp_path):
    cache_dir = tmp_path / "cache"
    for resizing in (
        RESIZING,
        ResizePolicy("scale_width_and_crop", load_size=32, crop_size=8),
        ResizePolicy("scale_width", load_size=24),
        ResizePolicy("none", size_multiple=8),
    ):
        cached = _batches(scenes, 4, resizing, cache_dir=cache_dir)
        _assert_same(cached, _batches(scenes, 4, resizing))
    assert len(list(cache_dir.iterdir())) == 3


def test_no_half_written_files(scenes, tmp_path):
    _batches(scenes, 3, cache_dir=tmp_path / "cache")
    files = [f for f in (tmp_path / "cache").rglob("*") if f.is_file()]
    assert len(files) == 3 * 3
    assert {f.suffix for f in files} == {
        ".label_map",
        ".instance_map",
        ".photo",
    }


def test_a_folder_that_cannot_be_written_to(scenes, tmp_path):
    file = tmp_path / "a file"
    file.write_text("")
    with pytest.raises(ValueError, match=r"cache folder .*a file can't be"):
        make_dataset(scenes, RESIZING, cache_dir=pathlib.Path(file))
