"""Cityscapes as it is downloaded is a data set, without conversion."""

import numpy as np
import pytest
from PIL import Image

from hdgan.data import load_folder
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes, has_split
from hdgan.preprocessing.data_set_labels import find_data_set_labels
from hdgan.preprocessing.label_set import LabelSet
from hdgan.runs import TrainingOptions
from hdgan.runs.training_data import find_labels, find_training_scenes

NAMES = ("aachen_000000_000019", "ulm_000001_000019", "ulm_000002_000019")


def save(path, value, dtype="uint8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (32, 64, 3) if "leftImg8bit" in path.name else (32, 64)
    Image.fromarray(np.full(shape, value, dtype)).save(path)


@pytest.fixture
def download(tmp_path):
    """A copy of Cityscapes with three scenes in train and one in val."""
    for split, names in (("train", NAMES), ("val", ["lindau_000000_000019"])):
        for name in names:
            city = name.split("_")[0]
            labels = tmp_path / "gtFine" / split / city
            save(labels / f"{name}_gtFine_labelIds.png", 26)
            save(labels / f"{name}_gtFine_labelTrainIds.png", 13)
            save(labels / f"{name}_gtFine_instanceIds.png", 26001, "uint16")
            save(labels / f"{name}_gtFine_color.png", 1)
            photos = tmp_path / "leftImg8bit" / split / city
            save(photos / f"{name}_leftImg8bit.png", 99)
    return tmp_path


def test_scenes_of_all_cities_are_found(download):
    scenes = find_scenes(download)
    assert scenes.names == tuple(f"{n}_gtFine_labelIds.png" for n in NAMES)
    photos = [path.name for path in scenes.photos]
    assert photos == [f"{name}_leftImg8bit.png" for name in NAMES]
    scene = scenes.read(1)
    assert scene["label_map"].max() == 26
    assert scene["instance_map"].max() == 26001
    assert scene["photo"].max() == 99
    assert check_scenes(scenes, 35) == [(32, 64)] * 3
    assert len(find_scenes(download, "val")) == 1


def test_kinds_that_are_not_used_may_be_missing(download):
    next(download.rglob("ulm_000001*_instanceIds.png")).unlink()
    assert find_scenes(download, use_instances=False).instance_maps is None
    assert find_scenes(download, "val", use_photos=False).photos is None
    with pytest.raises(ValueError, match=r"1 of 3.*ulm_000001.*--nouse_inst"):
        find_scenes(download)
    next(download.rglob("aachen*_leftImg8bit.png")).unlink()
    with pytest.raises(ValueError, match="no photograph, such as aachen"):
        find_scenes(download, use_instances=False)


def test_classes_are_known(download):
    labels = find_data_set_labels(download)
    assert labels == LabelSet.named("cityscapes35")
    assert find_data_set_labels(download, 35) == labels
    with pytest.raises(ValueError, match=r"label_nc=19.*35 classes"):
        find_data_set_labels(download, 19)
    trained = find_data_set_labels(download, 19, "cityscapes19")
    assert trained == LabelSet.named("cityscapes19").ignoring([255])
    assert trained == find_data_set_labels(
        download, None, "cityscapes19", ignore_ids=[255]
    )


def test_labels_json_comes_first(download):
    LabelSet(["a", "b"]).save(download / "labels.json")
    assert find_data_set_labels(download).names == ("a", "b")


def test_training_ids_are_read_with_their_classes(download):
    labels = find_data_set_labels(download, labels="cityscapes19")
    scenes = find_scenes(download, labels=labels)
    assert scenes.names[0] == f"{NAMES[0]}_gtFine_labelTrainIds.png"
    assert scenes.read(0)["label_map"].max() == 13
    check_scenes(scenes, len(labels), labels.ignore_ids)


def test_missing_training_ids_are_named(download):
    for path in download.rglob("*_labelTrainIds.png"):
        path.unlink()
    labels = find_data_set_labels(download, labels="cityscapes19")
    with pytest.raises(ValueError, match=r"import_dataset.*cityscapes19"):
        find_scenes(download, labels=labels)


def test_splits(download):
    (download / "gtFine" / "test" / "berlin").mkdir(parents=True)
    assert has_split(download, "val")
    assert has_split(download, "train", "inst")
    assert not has_split(download, "test")
    assert not has_split(download, "val", "feat")
    with pytest.raises(ValueError, match="test split are not public"):
        find_scenes(download, "test")
    with pytest.raises(ValueError, match="Splits there: test, train, val"):
        find_scenes(download, "validation")


def test_folders_of_a_split_come_first(download):
    for kind in ("label", "inst", "img"):
        save(download / f"val_{kind}" / "mine.png", 7)
    assert find_scenes(download, "val").names == ("mine.png",)


def test_style_maps_lie_beside(download):
    for name in NAMES:
        path = download / "train_feat" / f"{name}_gtFine_labelIds.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((32, 64, 3), "uint8")).save(path)
    scenes = find_scenes(download, use_style_maps=True)
    assert [p.name for p in scenes.style_maps] == list(scenes.names)


def test_load_folder_reads_it(download):
    dataset = load_folder(
        download, "cityscapes35", resizing=ResizePolicy(load_size=64)
    )
    assert len(dataset) == 3


def test_runs_read_it(download, tmp_path):
    options = TrainingOptions(
        preset="tiny",
        data_dir=str(download),
        workdir=str(tmp_path / "run"),
        labels="cityscapes19",
    )
    labels = find_labels(options)
    scenes = find_training_scenes(options, labels)
    assert scenes.names[0].endswith("_labelTrainIds.png")
