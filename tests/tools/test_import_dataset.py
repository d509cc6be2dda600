"""The command that imports data sets."""

import numpy as np
import pytest
from imported_sets import read_labels, save, save_photo
from programs import assert_one_clear_error, run_inside

from hdgan.data.importing.options import FORMATS, ImportOptions
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes

SKY, CAR = [10, 20, 30], [40, 50, 60]


def import_masks(folder, *flags, format="color_masks"):
    return run_inside(
        "tools.import_dataset",
        f"--format={format}",
        f"--source={folder / 'source'}",
        f"--output_dir={folder / 'out'}",
        *flags,
    )


@pytest.fixture
def folder(tmp_path):
    """A folder with a source of two scenes with masks of colors."""
    source = tmp_path / "source"
    for name in ("a", "b"):
        save_photo(source / "images" / f"{name}.jpg")
        mask = np.array([[SKY, SKY, CAR, CAR], [SKY, SKY, SKY, CAR]])
        save(source / "masks" / f"{name}.png", mask)
    (source / "colors.txt").write_text("10 20 30 sky\n40 50 60 car\n")
    return tmp_path


def test_it_writes_a_data_set_and_says_how_to_train(folder):
    result = import_masks(folder, "--things=car", "--photos=link")
    assert result.code == 0, result.err
    scenes = find_scenes(folder / "out")
    assert check_scenes(scenes, 2) == [(2, 4)] * 2
    assert scenes.read(0)["instance_map"].max() == 1000
    assert scenes.photos[0].is_symlink()
    assert read_labels(folder).things == ("car",)
    assert "2 scenes were written" in result.out
    train = result.out.splitlines()[-1]
    assert train.startswith("Train with: ")
    assert "hdgan.recipes.pix2pixhd_512p" in train
    assert f"--data_dir={folder / 'out'}" in train
    assert "--split" not in train
    again = import_masks(folder, "--things=car", "--photos=link")
    assert "0 scenes were written" in again.out
    assert "2 were there already" in again.out


def test_problems_are_listed_and_the_exit_status_is_1(folder):
    path = folder / "source" / "masks" / "b.png"
    save(path, np.full((2, 4, 3), 200))
    result = import_masks(folder)
    assert_one_clear_error(
        result, "1 scenes were not imported", path, "train_left_out.txt"
    )
    assert "Train with" not in result.out
    assert len(find_scenes(folder / "out")) == 1


def test_flags_of_other_formats_are_refused(folder):
    result = import_masks(folder, "--version=v2.0")
    assert_one_clear_error(result, "version", "mapillary_vistas")
    result = import_masks(folder, format="coco")
    assert_one_clear_error(result, "format", "coco_panoptic")


def test_an_empty_path_is_refused(folder):
    assert_one_clear_error(import_masks(folder, "--source="), "--source")


def test_every_option_is_a_flag(capsys):
    result = run_inside("tools.import_dataset", "--help")
    for name in ImportOptions.__dataclass_fields__:
        assert f"--{name}" in result.out or f"--[no]{name}" in result.out
    for name in FORMATS:
        assert name in result.out
