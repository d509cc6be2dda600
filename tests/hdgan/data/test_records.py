"""Records: the same scenes as the folders they were built from."""

import json
import pathlib
import shutil

import numpy as np
import programs
import pytest
from PIL import Image

import hdgan
from hdgan.data import ResizePolicy, find_scenes, make_dataset
from hdgan.data.image_files import write_png
from hdgan.data.records.building import RecordBuilding
from hdgan.data.records.record_scenes import RecordScenes
from hdgan.data.records.scene_coding import decode_scene, encode_scene
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_split import split_by_name
from hdgan.data.street.data_set import draw_scenes
from hdgan.data.street.drawn_streets import DrawnStreets

pytest.importorskip("array_record")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Seven scenes with JPEG and PNG photos, of several sizes."""
    folder = tmp_path_factory.mktemp("data") / "data"
    draw = np.random.default_rng(0)
    for kind in ("label", "inst", "img"):
        (folder / f"train_{kind}").mkdir(parents=True)
    for number in range(7):
        size = (32 + 4 * number, 48)
        label_map = draw.integers(0, 5, size, "uint8")
        instance_map = (label_map.astype("uint16") * 1000 + 60000) % 65535
        photo = draw.integers(0, 256, (*size, 3), "uint8")
        write_png(folder / "train_label" / f"{number}.png", label_map)
        write_png(folder / "train_inst" / f"{number}.png", instance_map)
        path = folder / "train_img" / f"{number}.png"
        if number % 2:
            exif = Image.Exif()
            exif[0x112] = 3  # Upside down.
            Image.fromarray(photo).save(path.with_suffix(".jpg"), exif=exif)
        else:
            write_png(path, photo)
    hdgan.LabelSet.numbered(5).save(folder / "labels.json")
    return folder


def _build(data_dir, folder, *flags):
    pytest.importorskip("apache_beam")
    return programs.run_inside(
        "tools.build_records",
        f"--data_dir={data_dir}",
        f"--output_dir={folder}",
        "--num_shards=3",
        *flags,
    )


@pytest.fixture(scope="module")
def records(tmp_path_factory, data_dir):
    folder = tmp_path_factory.mktemp("records") / "records"
    result = _build(data_dir, folder)
    assert result.code == 0, result.err
    assert "7 scenes in 3 shards" in result.out
    return folder


def _assert_equal(one, other):
    assert list(one) == list(other)
    for kind, array in one.items():
        assert array.dtype == other[kind].dtype
        np.testing.assert_array_equal(array, other[kind])


def test_records_hold_the_scenes_of_the_folder(data_dir, records):
    expected = find_scenes(data_dir)
    scenes = find_scenes(records)
    assert isinstance(scenes, RecordScenes)
    assert scenes.names == expected.names
    assert scenes.kinds == expected.kinds
    for index in range(len(expected)):
        _assert_equal(scenes.read(index), expected.read(index))
    assert check_scenes(scenes, 5) == check_scenes(expected, 5)
    labels = hdgan.LabelSet.load(records / "labels.json")
    assert labels == hdgan.LabelSet.numbered(5)


def test_batches_are_equal_bit_for_bit(data_dir, records):
    batches = [
        make_dataset(
            find_scenes(folder),
            ResizePolicy("resize_and_crop", 40, 32),
            batch_size=2,
            seed=3,
        )
        .take(5)
        .as_numpy_iterator()
        for folder in (data_dir, records)
    ]
    for one, other in zip(*batches, strict=True):
        _assert_equal(one, other)


def test_a_recipe_trains_alike_on_both(tmp_path, data_dir, records):
    losses = []
    for name, folder in (("folder", data_dir), ("records", records)):
        result = programs.run_inside(
            "recipes.pix2pixhd_512p",
            f"--data_dir={folder}",
            f"--workdir={tmp_path / name}",
            "--resize_mode=resize_and_crop",
            "--load_size=32",
            "--crop_size=32",
            "--max_steps=3",
            "--log_steps=1",
            *programs.NARROW,
        )
        assert result.code == 0, result.err
        model = hdgan.load_model(tmp_path / name)
        losses.append(model.get_weights())
    assert "shard-00000-of-00003.array_record: record 0, 0.png" in result.out
    for one, other in zip(*losses, strict=True):
        np.testing.assert_array_equal(one, other)


def test_drawn_streets_are_a_source_like_their_files(tmp_path):
    draw_scenes(tmp_path, "train", 3, 32, 64, seed=2, start=5)
    expected = find_scenes(tmp_path)
    scenes = DrawnStreets(3, 32, 64, seed=2, start=5)
    assert scenes.names == expected.names
    assert scenes.kinds == expected.kinds
    for index in range(3):
        _assert_equal(scenes.read(index), expected.read(index))
    chosen = scenes.select([2, 0])
    assert chosen.names == expected.select([2, 0]).names
    _assert_equal(chosen.read(0), expected.read(2))
    assert chosen.fingerprint() != scenes.fingerprint()
    batches = [
        make_dataset(s, ResizePolicy("none"), seed=1)
        .take(4)
        .as_numpy_iterator()
        for s in (scenes, expected)
    ]
    for one, other in zip(*batches, strict=True):
        _assert_equal(one, other)


def test_some_scenes_and_some_kinds(data_dir, records):
    scenes = find_scenes(records, use_instances=False)
    assert scenes.kinds == ("label_map", "photo")
    chosen = scenes.select([5, 2])
    assert chosen.names == ("5.png", "2.png")
    expected = find_scenes(data_dir, use_instances=False).read(5)
    _assert_equal(chosen.read(0), expected)
    assert chosen.fingerprint() != scenes.fingerprint()
    assert "record 1, 5.png" in chosen.place(0)
    parts = [split_by_name(find_scenes(f), 0.4) for f in (data_dir, records)]
    for one, other in zip(*parts, strict=True):
        assert one.names == other.names


def test_building_goes_on_where_it_was_stopped(tmp_path, data_dir, records):
    scenes = find_scenes(data_dir)
    folder = tmp_path / "train"
    folder.mkdir()
    building = RecordBuilding(scenes, folder, 3, scenes.fingerprint())
    assert building.find_shard(0) is None
    first = building.write_shard(0)
    written = (folder / first["file"]).stat().st_mtime_ns
    # A shard that was being written when the process was killed.
    (folder / "shard-00001-of-00003.array_record").write_bytes(b"x")
    result = _build(data_dir, tmp_path)
    assert result.code == 0, result.err
    assert "1 shards were there already" in result.out
    assert (folder / first["file"]).stat().st_mtime_ns == written
    expected = records / "train"
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        p.name for p in expected.iterdir()
    )
    for path in expected.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()
    result = _build(data_dir, tmp_path)
    assert "3 shards were there already" in result.out
    # Other files make other records, and other numbers of shards remain not.
    changed = shutil.copytree(data_dir, tmp_path / "changed")
    result = _build(changed, tmp_path, "--num_shards=2")
    assert "already" not in result.out
    assert not (folder / first["file"]).exists()
    assert len(find_scenes(tmp_path)) == 7


def test_damaged_records_are_named(tmp_path, records):
    def damage(name, change):
        folder = tmp_path / "records"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(records, folder)
        path = folder / "train" / name
        path.write_bytes(change(path.read_bytes()))
        scenes = find_scenes(folder)
        for index in range(len(scenes)):
            scenes.read(index)
        return scenes.names

    shard = "shard-00001-of-00003.array_record"

    def flip(contents):
        middle = len(contents) // 2
        return contents[:middle] + b"\x99" * 40 + contents[middle + 40 :]

    for name, change, message in (
        (shard, lambda contents: contents[:-9], r"has [\d,]+ bytes. Expected"),
        (shard, flip, "can't be read"),
        ("manifest.json", lambda contents: contents[:-9], "no manifest"),
        (
            "manifest.json",
            lambda contents: contents.replace(b"shard-00001", b"../shard"),
            "it names the file",
        ),
        (
            "manifest.json",
            lambda c: c.replace(b'"version": 1', b'"version": 2'),
            "the version 2, not 1",
        ),
        (
            shard.replace("array_record", "names"),
            lambda c: b"",
            "0 names|names",
        ),
    ):
        with pytest.raises(ValueError, match=message) as error:
            damage(name, change)
        assert "train" in str(error.value)


def test_records_without_an_instance_map_say_so(tmp_path, data_dir):
    result = _build(data_dir, tmp_path, "--noinstances")
    assert result.code == 0, result.err
    assert find_scenes(tmp_path, use_instances=False).read(0).keys() == {
        "label_map",
        "photo",
    }
    with pytest.raises(ValueError, match=r"without a\w? instance map"):
        find_scenes(tmp_path)
    with pytest.raises(ValueError, match="RGB images were expected"):
        find_scenes(tmp_path, is_rgb=True, use_instances=False)


def test_a_record_keeps_every_value():
    scene = {
        "label_map": np.int32([[0, 255], [256, -1]]),
        "instance_map": np.int32([[0, 2**31 - 1], [-(2**31), 7]]),
        "photo": np.random.default_rng(0).integers(0, 256, (2, 2, 3), "uint8"),
        "style_map": np.zeros((2, 2, 3), "uint8"),
    }
    record = encode_scene("Straße.png", scene)
    name, decoded = decode_scene(record)
    assert name == "Straße.png"
    _assert_equal(decoded, scene)
    header = json.loads(record[4 : 4 + int.from_bytes(record[:4], "little")])
    assert header["arrays"][0]["dtype"] == "<i4"
    for damaged in (b"", record[:-1], record[4:], b"\xff" * 40):
        with pytest.raises(ValueError, match="no record of a scene"):
            decode_scene(damaged)
    assert pathlib.PurePath(name).stem == "Straße"
