"""Damaged sources end in clear errors, and leave only whole scenes behind."""

import random
import shutil

import numpy as np
import pytest
import test_import_coco as coco
import test_import_color_masks as color_masks
import test_import_id_masks as id_masks
import test_import_labelme as labelme
from imported_sets import read_labels, run_import, save_palette, save_photo

from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes

SEED = 20240


def make_voc(folder):
    source = folder / "source" / "VOC2012"
    save_photo(source / "JPEGImages" / "a.jpg")
    for kind in ("SegmentationClass", "SegmentationObject"):
        save_palette(source / kind / "a.png", np.eye(2, 4))
    lists = source / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")


def make_facades(folder):
    base = folder / "source" / "base"
    save_photo(base / "a.jpg")
    save_palette(base / "a.png", np.eye(2, 4) + 1)


SOURCES = {
    "cityscapes": id_masks.make_cityscapes,
    "ade20k": lambda folder: id_masks.make_ade20k(folder, True),
    "voc": make_voc,
    "cmp_facades": make_facades,
    "mapillary_vistas": lambda folder: id_masks.make_mapillary(folder, "v2.0"),
    "coco_stuff": id_masks.make_coco_stuff,
    "coco_panoptic": coco.make_panoptic,
    "polygons_coco": lambda f: coco.make_objects(f, coco.box(0, 0, 2, 1)),
    "color_masks": color_masks.make_masks,
    "polygons_labelme": lambda folder: labelme.make_labelme(
        folder, labelme.box("car", 0, 0, 2, 1)
    ),
}


def swap_bytes(contents, rng):
    damaged = bytearray(contents)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def retype_json(contents, rng):
    """Replaces a value of a JSON file, or a number of a text, by another."""
    words = [b'""', b"[]", b"{}", b"null", b"true", b"-1", b"1e999", b"NaN"]
    parts = contents.replace(b",", b"\0,\0").replace(b": ", b"\0: \0")
    parts = parts.split(b"\0")
    parts[rng.randrange(len(parts))] = rng.choice(words)
    return b"".join(parts)


DAMAGES = {
    "empty": lambda contents, rng: b"",
    "short": lambda contents, rng: contents[: rng.randrange(len(contents))],
    "swapped": swap_bytes,
    "noise": lambda contents, rng: rng.randbytes(len(contents)),
    "retyped": retype_json,
    "huge_image": lambda contents, rng: (
        contents[:16] + b"\x00\x0f\xff\xff" * 2 + contents[24:]
    ),
    "turned": lambda contents, rng: contents[::-1],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("format", SOURCES)
def test_damaged_files(tmp_path, format, damage):
    SOURCES[format](tmp_path)
    files = [p for p in sorted((tmp_path / "source").rglob("*")) if p.is_file()]
    for number, path in enumerate(files):
        whole = path.read_bytes()
        for repetition in range(2):
            seed = f"{SEED} {format} {damage} {number} {repetition}"
            print(f"{path}: {seed}")
            path.write_bytes(DAMAGES[damage](whole, random.Random(seed)))
            _import_damaged(tmp_path, format, f"s{number}x{repetition}")
        path.write_bytes(whole)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    options = _options(format)
    result = run_import(tmp_path, format, split="whole", **options)
    assert result.num_written == 1


def _import_damaged(folder, format, split):
    """Imports; only a clear error may end it, and scenes must be whole."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    try:
        result = run_import(folder, format, split=split, **_options(format))
    except ValueError:
        return
    finally:
        assert not [*folder.glob("out/**/.unfinished-*")]
    if result.num_written:
        labels = read_labels(folder)
        scenes = find_scenes(folder / "out", split)
        assert len(scenes) == result.num_written
        check_scenes(scenes, len(labels), labels.ignore_ids)
    else:
        assert result.problems


def _options(format):
    """Returns the options that choose the source's split."""
    splits = {
        "cityscapes": "train",
        "ade20k": "training",
        "voc": "train",
        "mapillary_vistas": "training",
        "coco_stuff": "train2017",
        "coco_panoptic": "train2017",
    }
    return {"source_split": splits[format]} if format in splits else {}
