"""Importing LabelMe's JSON files."""

import base64
import io

import numpy as np
import pytest
from imported_sets import (
    assert_written,
    read_labels,
    run_import,
    save_json,
    save_photo,
)
from PIL import Image

from hdgan.data.importing import ImportOptions, import_data_set


def shape(label, points, shape_type="polygon", group_id=None, **fields):
    return {
        "label": label,
        "points": points,
        "group_id": group_id,
        "shape_type": shape_type,
        "flags": {},
        **fields,
    }


def box(label, left, top, right, bottom, **fields):
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return shape(label, corners, **fields)


def make_labelme(folder, *shapes, name="a", **fields):
    source = folder / "source"
    save_photo(source / f"{name}.jpg")
    path = source / f"{name}.json"
    content = {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": f"{path.stem}.jpg",
        "imageData": None,
        "imageHeight": 2,
        "imageWidth": 4,
        **fields,
    }
    save_json(path, content)
    return path


def test_later_shapes_cover_earlier_ones(tmp_path):
    make_labelme(tmp_path, box("road", 0, 0, 4, 2), box("car", 1, 0, 3, 1))
    run_import(tmp_path, "polygons_labelme", things=("car",))
    labels = [[2, 1, 1, 2], [2, 2, 2, 2]]
    expected = [[2, 1000, 1000, 2], [2, 2, 2, 2]]
    assert_written(tmp_path, "a", labels, expected)
    assert read_labels(tmp_path).names == ("background", "car", "road")


def test_a_group_is_one_object(tmp_path):
    make_labelme(
        tmp_path,
        box("car", 0, 0, 1, 1, group_id=7),
        box("car", 1, 0, 2, 1),
        box("car", 2, 0, 3, 1),
        box("car", 3, 1, 4, 2, group_id=7),
        # Another label, so another object.
        box("dog", 0, 1, 1, 2, group_id=7),
    )
    run_import(tmp_path, "polygons_labelme")
    assert_written(
        tmp_path,
        "a",
        [[1, 1, 1, 0], [2, 0, 0, 1]],
        [[1000, 1001, 1002, 0], [2000, 0, 0, 1000]],
    )


def test_shapes(tmp_path):
    patch = io.BytesIO()
    Image.fromarray(np.array([[255, 0], [0, 255]], "uint8")).save(patch, "PNG")
    text = base64.b64encode(patch.getvalue()).decode()
    make_labelme(
        tmp_path,
        shape("a", [[1, 1], [0, 0]], "rectangle"),
        shape("b", [[1.5, 0.5], [1.5, 0.9]], "circle"),
        # A part of it is outside of the image.
        shape("c", [[2, -1], [3, 0]], "mask", mask=text),
        shape("d", [[3, 1], [4, 1], [4, 2], [3, 2]], "oriented_rectangle"),
    )
    run_import(tmp_path, "polygons_labelme", things=())
    labels = [[1, 2, 0, 3], [0, 0, 0, 4]]
    assert_written(tmp_path, "a", labels, labels)


def test_background_and_ignored_labels(tmp_path):
    make_labelme(
        tmp_path,
        box("car", 0, 0, 3, 1),
        box("__ignore__", 1, 0, 2, 2),
        box("_background_", 2, 0, 3, 1),
    )
    run_import(tmp_path, "polygons_labelme")
    expected = [[1000, 2, 0, 0], [0, 2, 0, 0]]
    labels = [[1, 255, 0, 0], [0, 255, 0, 0]]
    assert_written(tmp_path, "a", labels, expected)
    assert read_labels(tmp_path).ignore_ids == (255,)


def test_classes_may_come_from_a_file(tmp_path):
    make_labelme(tmp_path, box("car", 0, 0, 1, 1))
    classes = tmp_path / "labels.txt"
    classes.write_text("__ignore__\n_background_\nsky\ncar\n")
    run_import(tmp_path, "polygons_labelme", classes_file=classes)
    labels = [[2, 0, 0, 0], [0, 0, 0, 0]]
    assert_written(tmp_path, "a", labels, np.array(labels) * 1000)
    # Another split with fewer labels takes those of the first one.
    (tmp_path / "source" / "a.json").unlink()
    make_labelme(tmp_path, box("sky", 0, 0, 1, 1), name="b")
    with pytest.raises(ValueError, match=r"labels\.json has other classes"):
        run_import(tmp_path, "polygons_labelme", split="test")
    classes = tmp_path / "out" / "labels.json"
    run_import(tmp_path, "polygons_labelme", split="test", classes_file=classes)
    labels = [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert_written(tmp_path, "b", labels, np.array(labels) * 1000, split="test")


def test_photographs_in_another_folder(tmp_path):
    fields = {"imagePath": "..\\photos\\a.jpg"}
    path = make_labelme(tmp_path, box("car", 0, 0, 1, 1), **fields)
    with pytest.raises(ValueError, match=r"a\.json.*without '\.\.'.*photo_dir"):
        run_import(tmp_path, "polygons_labelme")
    (path.parent / "photos").mkdir()
    (path.parent / "a.jpg").rename(path.parent / "photos" / "a.jpg")
    run_import(tmp_path, "polygons_labelme", photo_dir="photos")
    labels = [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert_written(tmp_path, "a", labels, np.array(labels) * 1000)


def test_files_in_sub_folders_have_their_names(tmp_path):
    for name in ("day/a", "night/a"):
        make_labelme(tmp_path, box("car", 0, 0, 1, 1), name=name)
    result = run_import(tmp_path, "polygons_labelme")
    assert result.num_written == 2
    folder = tmp_path / "out" / "train_img"
    assert {p.name for p in folder.iterdir()} == {"day_a.jpg", "night_a.jpg"}


def test_the_output_may_be_inside_of_the_source(tmp_path):
    make_labelme(tmp_path, box("car", 0, 0, 1, 1))
    folder = tmp_path / "source"
    options = ImportOptions("polygons_labelme", folder, folder / "out")
    assert import_data_set(options).num_written == 1
    result = import_data_set(options)
    assert (result.num_kept, result.problems) == (1, ())


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (shape("car", [[0, 0], [1, 1]]), "shape 1: expected at least 3"),
        (shape("car", [[0, 0], [1, "x"], [2, 2]]), "shape 1: expected at"),
        (shape("car", [[0, 0], [1, 1], [9e9, 2]]), "far outside.*4x2"),
        (shape("car", [[0, 0]], "point"), "shape 1 is a point.*no area"),
        (shape("car", [[0, 0], [1, 1], [2, 2]], "circle"), "of 3 points"),
        (shape("car", [[0, 0], [1, 1]], "mask"), "can't be decoded"),
        (shape("car", [[0, 0], [1, 1]], "mask", mask="AAAA"), "no image"),
    ],
)
def test_damaged_shapes_are_named(tmp_path, damaged, words):
    path = make_labelme(tmp_path, box("car", 0, 0, 1, 1), damaged)
    make_labelme(tmp_path, box("car", 0, 0, 1, 1), name="b")
    result = run_import(tmp_path, "polygons_labelme")
    assert result.num_written == 1
    (problem,) = result.problems
    assert str(path) in problem
    with pytest.raises(ValueError, match=words):
        raise ValueError(problem)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"shapes": [{"points": []}]}, "'label'.*str"),
        ({"shapes": None}, "'shapes'.*list"),
        ({"imagePath": None}, "'imagePath'.*str"),
        ({"imagePath": "c.jpg"}, r"no file .*c\.jpg"),
        ({"imageWidth": 5}, "imageWidth is 5.*has 4 pixels"),
    ],
)
def test_damaged_files_are_named(tmp_path, fields, words):
    path = make_labelme(tmp_path, box("car", 0, 0, 1, 1), **fields)
    make_labelme(tmp_path, box("car", 0, 0, 1, 1), name="b")
    (problem,) = run_import(tmp_path, "polygons_labelme").problems
    assert str(path) in problem
    with pytest.raises(ValueError, match=words):
        raise ValueError(problem)


def test_labels_that_are_no_class_are_named(tmp_path):
    make_labelme(tmp_path, box("car", 0, 0, 1, 1))
    classes = tmp_path / "labels.txt"
    classes.write_text("sky\n")
    (problem,) = run_import(
        tmp_path, "polygons_labelme", classes_file=classes
    ).problems
    assert "label 'car'" in problem
    assert "sky" in problem
