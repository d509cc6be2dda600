"""Importing masks that show classes in colors: own ones, and CamVid's."""

import numpy as np
import pytest
from imported_sets import (
    assert_written,
    read_labels,
    run_import,
    save,
    save_json,
    save_photo,
)

from hdgan.data.importing.color_table import read_color_table

TABLE = "128 128 128 sky\n128 64 128\troad\n64 0 128 car\n"
SKY, ROAD, CAR = [128, 128, 128], [128, 64, 128], [64, 0, 128]
MASK = [[SKY, SKY, CAR, SKY], [CAR, ROAD, ROAD, CAR]]
LABELS = [[0, 0, 2, 0], [2, 1, 1, 2]]


def make_masks(folder, mask=MASK, table=TABLE, name="a"):
    source = folder / "source"
    save_photo(source / "images" / f"{name}.jpg")
    save(source / "masks" / f"{name}.png", mask)
    (source / "colors.txt").write_text(table)
    return source / "masks" / f"{name}.png"


def test_colors_become_ids_and_regions_objects(tmp_path):
    make_masks(tmp_path)
    run_import(tmp_path, "color_masks", things=("car",))
    # The first and the last car do not touch.
    expected = [[0, 0, 2000, 0], [2001, 1, 1, 2000]]
    assert_written(tmp_path, "a", LABELS, expected)
    labels = read_labels(tmp_path)
    assert labels.names == ("sky", "road", "car")
    assert labels.colors == (tuple(SKY), tuple(ROAD), tuple(CAR))
    assert labels.things == ("car",)


def test_pixels_that_touch_at_a_corner_are_one_object(tmp_path):
    make_masks(tmp_path, [[CAR, SKY, SKY, CAR], [SKY, CAR, SKY, SKY]])
    run_import(tmp_path, "color_masks", things=("car",))
    labels = [[2, 0, 0, 2], [0, 2, 0, 0]]
    expected = [[2000, 0, 0, 2001], [0, 2000, 0, 0]]
    assert_written(tmp_path, "a", labels, expected)


def test_colors_within_the_tolerance_have_the_nearest_class(tmp_path):
    mask = np.add(MASK, [3, 4, 0])
    make_masks(tmp_path, mask)
    result = run_import(tmp_path, "color_masks", tolerance=4.9)
    (problem,) = result.problems
    assert "8 pixels (100%)" in problem
    result = run_import(tmp_path, "color_masks", tolerance=5.0)
    assert result.num_written == 1
    assert_written(tmp_path, "a", LABELS, LABELS)


def test_masks_in_jpeg(tmp_path):
    source = tmp_path / "source"
    mask = np.repeat(np.repeat(MASK, 16, axis=0), 16, axis=1)
    make_masks(tmp_path)
    save_photo(source / "images" / "a.jpg", 32, 64)
    (source / "masks" / "a.png").unlink()
    save(source / "masks" / "a.jpg", mask, quality=95, subsampling=0)
    run_import(tmp_path, "color_masks", tolerance=60.0)
    labels = np.repeat(np.repeat(LABELS, 16, axis=0), 16, axis=1)
    assert_written(tmp_path, "a", labels, labels)


def test_unknown_colors_are_named_or_ignored(tmp_path):
    mask = np.array(MASK)
    mask[0, :2] = [1, 2, 3]
    path = make_masks(tmp_path, mask)
    (problem,) = run_import(tmp_path, "color_masks").problems
    for word in (path, "2 pixels (25%)", "(1, 2, 3) in 2", "--tolerance"):
        assert str(word) in problem
    assert not list((tmp_path / "out" / "train_label").iterdir())
    # The same folder, as the error advises.
    run_import(tmp_path, "color_masks", unknown_colors="ignore")
    expected = [[3, 3, 2, 0], [2, 1, 1, 2]]
    assert_written(tmp_path, "a", [[255, 255, 2, 0], LABELS[1]], expected)
    assert read_labels(tmp_path).ignore_ids == (255,)


def test_ends_of_masks_names_and_lists_of_scenes(tmp_path):
    for name in ("a", "b"):
        path = make_masks(tmp_path, name=name)
        path.rename(path.with_name(f"{name}_mask.png"))
    chosen = tmp_path / "val.txt"
    chosen.write_text("b.jpg\n\n")
    options = {"mask_suffix": "_mask", "names_file": chosen}
    run_import(tmp_path, "color_masks", split="val", **options)
    assert_written(tmp_path, "b", LABELS, LABELS, split="val")
    assert not (tmp_path / "out" / "val_label" / "a.png").exists()
    chosen.write_text("b\nc\n")
    (problem,) = run_import(
        tmp_path, "color_masks", split="val", **options
    ).problems
    assert f"{chosen} names c" in problem


def test_files_without_a_match_are_named(tmp_path):
    for name in ("a", "b", "c"):
        make_masks(tmp_path, name=name)
    (tmp_path / "source" / "images" / "b.jpg").unlink()
    (tmp_path / "source" / "masks" / "c.png").unlink()
    result = run_import(tmp_path, "color_masks")
    assert result.num_written == 1
    assert "b.png has no photograph" in result.problems[0]
    assert "c.jpg has no mask" in result.problems[1]


def test_camvid(tmp_path):
    source = tmp_path / "source"
    save_photo(source / "701_StillsRaw_full" / "0001TP_006690.png")
    mask = np.array(MASK)
    mask[0, 0] = 0
    save(source / "LabeledApproved_full" / "0001TP_006690_L.png", mask)
    # With spaces at the ends, as in the original.
    table = "64 0 128\t\tCar\n0 0 0\t\tVoid\n128 64 128\tRoad \n"
    (source / "label_colors.txt").write_text(table + "128 128 128\tSky\n")
    run_import(tmp_path, "camvid", things=("Car",))
    assert_written(
        tmp_path,
        "0001TP_006690",
        [[255, 2, 0, 2], [0, 1, 1, 0]],
        # Cars are class 0: their ids follow those of the classes.
        [[3, 2, 4, 2], [5, 1, 1, 4]],
    )
    labels = read_labels(tmp_path)
    assert labels.names == ("Car", "Road", "Sky", "ignored")
    assert labels.ignore_ids == (255,)


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3 car\n4 5 6 traffic light\n",
        "# label:color_rgb:parts:actions\ncar:1,2,3::\ntraffic light:4,5,6::\n",
        "name,r,g,b\ncar,1,2,3\ntraffic light,4,5,6\n",
        "1,2,3,car\n\n4,5,6,traffic light",
        "\ufeff1\t2\t3\tcar\n4\t5\t6\ttraffic light\n",
    ],
)
def test_color_tables(tmp_path, text):
    path = tmp_path / "colors.txt"
    path.write_text(text, "utf-8")
    classes = read_color_table(path)
    assert [c.name for c in classes] == ["car", "traffic light"]
    assert [c.color for c in classes] == [(1, 2, 3), (4, 5, 6)]


def test_color_table_in_json(tmp_path):
    path = tmp_path / "colors.json"
    save_json(path, {"names": ["a", "b"], "colors": [[1, 2, 3], [4, 5, 6]]})
    assert [c.color for c in read_color_table(path)] == [(1, 2, 3), (4, 5, 6)]
    save_json(path, {"names": ["a", "b"], "colors": [[1, 2, 3]]})
    with pytest.raises(ValueError, match="2 names, but 1 colors"):
        read_color_table(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no class"),
        ("1 2 3 car\n4 5 dog\n", "line 2: '4 5 dog'"),
        ("1 2 300 car\n", "'car' the color"),
        ("1 2 3 car\n1 2 3 dog\n", "'car' and 'dog' the same color"),
    ],
)
def test_damaged_color_tables_are_named(tmp_path, text, words):
    path = tmp_path / "colors.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        read_color_table(path)
    assert str(path) in str(error.value)
