"""Importing data sets whose masks hold ids."""

import numpy as np
import pytest
from imported_sets import (
    assert_written,
    read_labels,
    run_import,
    save,
    save_json,
    save_palette,
    save_photo,
)

from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes
from hdgan.preprocessing.label_set import LabelSet


def make_cityscapes(folder, name="aachen_000000_000019", split="train"):
    source, city = folder / "source", name.split("_")[0]
    labels = source / "gtFine" / split / city / f"{name}_gtFine"
    save(_with_kind(labels, "labelIds"), [[7, 7, 26, 26], [7, 29, 26, 0]])
    ids = [[7, 7, 26000, 26004], [7, 29000, 26, 0]]
    save(_with_kind(labels, "instanceIds"), ids, "uint16")
    photos = source / "leftImg8bit" / split / city
    save_photo(photos / f"{name}_leftImg8bit.png")


def _with_kind(start, kind):
    return start.with_name(f"{start.name}_{kind}.png")


def test_cityscapes_keeps_its_35_ids(tmp_path):
    make_cityscapes(tmp_path)
    make_cityscapes(tmp_path, "ulm_000001_000019")
    result = run_import(tmp_path, "cityscapes")
    assert (result.num_written, result.num_kept) == (2, 0)
    assert not result.problems
    for name in ("aachen_000000_000019", "ulm_000001_000019"):
        assert_written(
            tmp_path,
            name,
            [[7, 7, 26, 26], [7, 29, 26, 0]],
            [[7, 7, 26000, 26004], [7, 29000, 26, 0]],
        )
    assert read_labels(tmp_path) == LabelSet.named("cityscapes35")
    assert "car" in read_labels(tmp_path).things


def test_cityscapes_with_training_ids(tmp_path):
    make_cityscapes(tmp_path)
    run_import(tmp_path, "cityscapes", labels="cityscapes19")
    # Caravans (29) are not trained, and have no class.
    assert_written(
        tmp_path,
        "aachen_000000_000019",
        [[0, 0, 13, 13], [0, 255, 13, 255]],
        [[0, 0, 13000, 13001], [0, 19, 13, 19]],
    )
    labels = read_labels(tmp_path)
    assert labels == LabelSet.named("cityscapes19").ignoring([255])
    check_scenes(find_scenes(tmp_path / "out"), len(labels), [255])


def test_cityscapes_with_classes_left_out(tmp_path):
    make_cityscapes(tmp_path)
    run_import(tmp_path, "cityscapes", ignore=("unlabeled",))
    assert_written(
        tmp_path,
        "aachen_000000_000019",
        [[6, 6, 25, 25], [6, 28, 25, 255]],
        [[6, 6, 25000, 25001], [6, 28000, 25, 34]],
    )


def test_cityscapes_test_split_comes_from_val(tmp_path):
    make_cityscapes(tmp_path, split="val")
    (tmp_path / "source" / "gtFine" / "test").mkdir()
    with pytest.raises(ValueError, match="test split are not public"):
        run_import(tmp_path, "cityscapes", split="test")
    run_import(tmp_path, "cityscapes", split="test", source_split="val")
    assert (tmp_path / "out" / "test_label").is_dir()


def test_cityscapes_names_the_missing_file(tmp_path):
    make_cityscapes(tmp_path)
    make_cityscapes(tmp_path, "ulm_000001_000019")
    next((tmp_path / "source").rglob("ulm*_instanceIds.png")).unlink()
    result = run_import(tmp_path, "cityscapes")
    assert result.num_written == 1
    (problem,) = result.problems
    assert "ulm_000001_000019" in problem
    assert "no instance map" in problem


def make_ade20k(folder, has_instances):
    source = folder / "source"
    name = "ADE_train_00000001"
    rows = [
        "1\t0.1576\t11664\t1172\twall",
        "2\t0.1072\t6046\t612\tbuilding, edifice",
        "3 \t0.0103\t3261\t318\tperson, individual, someone",
        "4\t0.0098\t3164\t306\tcar, auto ",
    ]
    text = "\n".join(["Idx\tRatio\tTrain\tVal\tName", *rows]) + "\n"
    source.mkdir()
    (source / "objectInfo150.txt").write_text(text)
    save_photo(source / "images" / "training" / f"{name}.jpg")
    mask = [[1, 1, 3, 3], [0, 4, 4, 3]]
    save(source / "annotations" / "training" / f"{name}.png", mask)
    if has_instances:
        # Red is the category, 4 for persons and 9 for cars; green the object.
        red = [[0, 0, 4, 4], [0, 9, 4, 0]]
        green = [[0, 0, 7, 2], [0, 3, 2, 0]]
        colors = np.stack([red, green, np.zeros((2, 4))], axis=-1)
        instances = source / "annotations_instance" / "training"
        save(instances / f"{name}.png", colors)
    return name


def test_ade20k_with_instances(tmp_path):
    name = make_ade20k(tmp_path, has_instances=True)
    run_import(tmp_path, "ade20k")
    assert_written(
        tmp_path,
        name,
        [[0, 0, 2, 2], [255, 3, 3, 2]],
        # The object of a person on a car's pixel does not count.
        [[0, 0, 2001, 2000], [4, 3000, 3, 2]],
    )
    labels = read_labels(tmp_path)
    assert labels.names[:4] == ("wall", "building", "person", "car")
    assert labels.things == ("person", "car")
    assert labels.ignore_ids == (255,)


def test_ade20k_without_instances(tmp_path):
    name = make_ade20k(tmp_path, has_instances=False)
    run_import(tmp_path, "ade20k", things=("car",))
    labels = [[0, 0, 2, 2], [255, 3, 3, 2]]
    assert_written(tmp_path, name, labels, [[0, 0, 2, 2], [4, 3000, 3000, 2]])


def test_ade20k_names_an_unknown_id(tmp_path):
    name = make_ade20k(tmp_path, has_instances=False)
    mask = tmp_path / "source" / "annotations" / "training" / f"{name}.png"
    save(mask, np.full((2, 4), 9))
    (problem,) = run_import(tmp_path, "ade20k").problems
    assert str(mask) in problem
    assert "ids without a class: 9" in problem
    assert "0..4" in problem


def test_voc(tmp_path):
    source = tmp_path / "source" / "VOC2012"
    for name in ("2007_000032", "2007_000033"):
        save_photo(source / "JPEGImages" / f"{name}.jpg")
    classes = [[0, 1, 1, 255], [0, 15, 15, 15]]
    objects = [[0, 1, 2, 255], [0, 3, 4, 255]]
    save_palette(source / "SegmentationClass" / "2007_000032.png", classes)
    save_palette(source / "SegmentationObject" / "2007_000032.png", objects)
    lists = source / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_000032\n")
    run_import(tmp_path, "voc", split="test", source_split="val")
    assert_written(
        tmp_path,
        "2007_000032",
        classes,
        [[0, 1000, 1001, 21], [0, 15000, 15001, 15]],
        split="test",
    )
    next(source.glob("SegmentationObject/*")).unlink()
    result = run_import(tmp_path, "voc", split="again", source_split="val")
    (problem,) = result.problems
    assert "SegmentationObject/2007_000032.png can't be opened" in problem
    labels = read_labels(tmp_path)
    assert len(labels.things) == 20
    assert labels.names[15] == "person"
    # VOC's own palette.
    assert labels.colors[15] == (192, 128, 128)
    with pytest.raises(ValueError, match=r"train\.txt.*train, val and train"):
        run_import(tmp_path, "voc")


def test_cmp_facades(tmp_path):
    base = tmp_path / "source" / "base"
    save_photo(base / "cmp_b0001.jpg")
    save_palette(base / "cmp_b0001.png", [[1, 2, 3, 3], [2, 2, 12, 3]])
    (base / "cmp_b0001.xml").write_text("<object>")
    run_import(tmp_path, "cmp_facades", things=("window",))
    labels = [[0, 1, 2, 2], [1, 1, 11, 2]]
    expected = [[0, 1, 2000, 2000], [1, 1, 11, 2000]]
    assert_written(tmp_path, "cmp_b0001", labels, expected)
    assert read_labels(tmp_path).names[11] == "shop"
    assert read_labels(tmp_path).ignore_ids == ()


def make_mapillary(folder, version):
    source = folder / "source"
    label = {"evaluate": True, "instances": False}
    config = {
        "labels": [
            {**label, "readable": n, "name": n, "color": c, "instances": t}
            for n, c, t in (
                ("Road", [128, 64, 128], False),
                ("Car", [0, 0, 142], True),
                ("Unlabeled", [0, 0, 0], False),
            )
        ]
    }
    name = f"config_{version}.json" if version else "config.json"
    save_json(source / name, config)
    save_photo(source / "training" / "images" / "a-B_1.jpg")
    ids = [[0, 0, 256, 257], [0, 512, 257, 256]]
    instances = source / "training" / (version or "") / "instances"
    save(instances / "a-B_1.png", ids, "uint16")


@pytest.mark.parametrize("version", ["v2.0", "v1.2", None])
def test_mapillary_vistas(tmp_path, version):
    make_mapillary(tmp_path, version)
    run_import(tmp_path, "mapillary_vistas")
    assert_written(
        tmp_path,
        "a-B_1",
        [[0, 0, 1, 1], [0, 255, 1, 1]],
        [[0, 0, 1000, 1001], [0, 2, 1001, 1000]],
    )
    labels = read_labels(tmp_path)
    assert labels.names == ("Road", "Car", "ignored")
    assert labels.colors[1] == (0, 0, 142)


def test_things_without_objects_are_connected_regions(tmp_path):
    make_mapillary(tmp_path, "v2.0")
    # Unlabeled pixels divide the road into two regions.
    ids = [[0, 512, 0, 257], [512, 512, 257, 256]]
    path = tmp_path / "source/training/v2.0/instances/a-B_1.png"
    save(path, ids, "uint16")
    run_import(
        tmp_path,
        "mapillary_vistas",
        things=("Road", "Car"),
        ignore=(),
        split="regions",
        source_split="training",
    )
    assert_written(
        tmp_path,
        "a-B_1",
        [[0, 2, 0, 1], [2, 2, 1, 1]],
        # Roads are class 0: their ids follow those of the three classes.
        [[4, 2, 5, 1001], [2, 2, 1001, 1000]],
        split="regions",
    )


def test_mapillary_vistas_names_a_damaged_config(tmp_path):
    make_mapillary(tmp_path, "v2.0")
    path = tmp_path / "source" / "config_v2.0.json"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(ValueError, match=r"config_v2\.0\.json is no JSON"):
        run_import(tmp_path, "mapillary_vistas")
    save_json(path, {"labels": [{"readable": "Road"}]})
    with pytest.raises(ValueError, match=r"config_v2\.0.*'color'.*list"):
        run_import(tmp_path, "mapillary_vistas")


def make_coco_stuff(folder):
    source = folder / "source"
    save_photo(source / "images" / "train2017" / "000000000009.jpg")
    mask = [[0, 0, 156, 255], [0, 2, 2, 156]]
    save(source / "stuffthingmaps/train2017/000000000009.png", mask)


def test_coco_stuff(tmp_path):
    make_coco_stuff(tmp_path)
    run_import(tmp_path, "coco_stuff")
    labels = [[0, 0, 156, 255], [0, 2, 2, 156]]
    # The id of the class "ignored" follows those of the 182 classes.
    expected = [[0, 0, 156, 182], [0, 2, 2, 156]]
    assert_written(tmp_path, "000000000009", labels, expected)
    names = read_labels(tmp_path).names
    assert (names[0], names[156], names[181]) == ("person", "sky-other", "wood")
    assert (names[90], names[91]) == ("hair brush", "banner")


def test_coco_stuff_with_instances(tmp_path):
    make_coco_stuff(tmp_path)
    square = [0, 0, 1, 0, 1, 2, 0, 2]
    annotations = [
        {"category_id": 1, "area": 2.0, "segmentation": [square]},
        # Drawn over the sky, too, where it does not count.
        {
            "category_id": 1,
            "area": 2.0,
            "segmentation": [[1, 0, 3, 0, 3, 1, 1, 1]],
        },
        {
            "category_id": 3,
            "area": 2.0,
            "segmentation": [[1, 1, 3, 1, 3, 2, 1, 2]],
        },
    ]
    content = {
        "images": [{"id": 9, "file_name": "000000000009.jpg"}],
        "categories": [],
        "annotations": [{"image_id": 9, **a} for a in annotations],
    }
    save_json(tmp_path / "source" / "instances.json", content)
    run_import(tmp_path, "coco_stuff", annotations="instances.json")
    labels = [[0, 0, 156, 255], [0, 2, 2, 156]]
    # Objects of class 0 are numbered after the 182 classes and "ignored".
    expected = [[183, 184, 156, 182], [183, 2000, 2000, 156]]
    assert_written(tmp_path, "000000000009", labels, expected)
    assert len(read_labels(tmp_path).things) == 91
