"""Importing COCO's JSON files: panoptic segments, polygons and run lengths."""

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

from hdgan.data.importing.coco_objects import draw_object

CATEGORIES = (
    {"id": 3, "name": "car", "isthing": 1, "color": [0, 0, 142]},
    {"id": 1, "name": "person", "isthing": 1, "color": [220, 20, 60]},
    {"id": 187, "name": "sky", "isthing": 0, "color": [70, 130, 180]},
)


def make_panoptic(folder, change=None):
    """Writes a scene of two persons, a crowd of cars and the sky."""
    source = folder / "source"
    save_photo(source / "train2017" / "000000000139.jpg")
    first, second, crowd, sky = 3226956, 70000, 5, 256
    ids = np.array([[first, first, sky, 0], [second, crowd, sky, sky]])
    colors = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1)
    name = "000000000139.png"
    save(source / "annotations" / "panoptic_train2017" / name, colors)
    segments = [
        {"id": first, "category_id": 1, "iscrowd": 0},
        {"id": second, "category_id": 1, "iscrowd": 0},
        {"id": crowd, "category_id": 3, "iscrowd": 1},
        {"id": sky, "category_id": 187, "iscrowd": 0},
    ]
    annotation = {
        "image_id": 139,
        "file_name": name,
        "segments_info": segments,
    }
    content = {
        "images": [
            {"id": 139, "file_name": "000000000139.jpg"},
            {"id": 140, "file_name": "000000000140.jpg"},
        ],
        "annotations": [annotation],
        "categories": [dict(category) for category in CATEGORIES],
    }
    if change is not None:
        change(content)
    path = source / "annotations" / "panoptic_train2017.json"
    save_json(path, content)
    return path


def test_panoptic(tmp_path):
    make_panoptic(tmp_path)
    result = run_import(tmp_path, "coco_panoptic")
    assert_written(
        tmp_path,
        "000000000139",
        [[0, 0, 2, 255], [0, 1, 2, 2]],
        # Persons are class 0: their ids follow those of the classes. The crowd
        # has the id of its class.
        [[5, 5, 2, 3], [4, 1, 2, 2]],
    )
    labels = read_labels(tmp_path)
    assert labels.names == ("person", "car", "sky", "ignored")
    assert labels.colors[0] == (220, 20, 60)
    assert labels.things == ("person", "car")
    (left_out,) = result.left_out
    assert "000000000140.jpg" in left_out
    listed = (tmp_path / "out" / "train_left_out.txt").read_text()
    assert listed == f"left out: {left_out}\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda c: c["annotations"][0]["segments_info"].pop(),
            ("000000000139.png", "segment 256", "one release"),
        ),
        (
            lambda c: c["categories"].pop(),
            ("panoptic_train2017.json", "category 187"),
        ),
        (
            lambda c: c["annotations"][0]["segments_info"][0].pop("id"),
            ("panoptic_train2017.json", "'id'", "int"),
        ),
    ],
)
def test_panoptic_names_what_does_not_fit(tmp_path, change, words):
    make_panoptic(tmp_path, change)
    result = run_import(tmp_path, "coco_panoptic")
    assert result.num_written == 0
    (problem,) = result.problems
    for word in words:
        assert word in problem


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("images"), "'images'.*list"),
        (lambda c: c["images"].append(3), "'file_name'.*str"),
        (lambda c: c["images"].pop(0), "image 139"),
        (lambda c: c["categories"][0].update(id=1), "two categories"),
        (lambda c: c["categories"][0].update(color="red"), "'color'.*list"),
        (lambda c: c["images"][0].update(file_name="../x.jpg"), "without '..'"),
        (lambda c: c["images"][0].update(file_name="/x.jpg"), "without '..'"),
        (lambda c: c["annotations"][0].update(file_name="..\\x"), "without"),
    ],
)
def test_panoptic_refuses_damaged_files(tmp_path, change, words):
    path = make_panoptic(tmp_path, change)
    with pytest.raises(ValueError, match=words) as error:
        run_import(tmp_path, "coco_panoptic")
    assert str(path) in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "\x00\xff"])
def test_malformed_json_is_named(tmp_path, text):
    path = make_panoptic(tmp_path)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"panoptic_train2017\.json"):
        run_import(tmp_path, "coco_panoptic")


def make_objects(folder, *annotations, **image):
    """Writes a scene of objects in COCO's format."""
    source = folder / "source"
    save_photo(source / "images" / "a.png")
    path = source / "annotations.json"
    content = {
        "images": [
            {"id": 1, "file_name": "a.png", "height": 2, "width": 4, **image}
        ],
        "annotations": [
            {"id": 10 + k, "image_id": 1, "category_id": 1, **annotation}
            for k, annotation in enumerate(annotations)
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 5, "name": "dog"}],
    }
    save_json(path, content)
    return path


def box(left, top, right, bottom, **fields):
    """Returns the annotation of a rectangle."""
    points = [left, top, right, top, right, bottom, left, bottom]
    area = (right - left) * (bottom - top)
    return {"segmentation": [points], "area": area, **fields}


def test_smaller_polygons_cover_larger_ones(tmp_path):
    make_objects(
        tmp_path,
        box(2, 1, 3, 2, category_id=5),
        box(0, 0, 4, 2),
        box(1, 0, 3, 1),
    )
    run_import(tmp_path, "polygons_coco")
    labels = [[1, 1, 1, 1], [1, 1, 2, 1]]
    expected = [[1000, 1001, 1001, 1000], [1000, 1000, 2000, 1000]]
    assert_written(tmp_path, "a", labels, expected)
    assert read_labels(tmp_path).names == ("background", "car", "dog")
    assert read_labels(tmp_path).things == ("car", "dog")


def test_areas_that_are_missing_are_measured(tmp_path):
    small, large = box(1, 0, 2, 1, category_id=5), box(0, 0, 4, 2)
    del small["area"], large["area"]
    make_objects(tmp_path, small, large)
    run_import(tmp_path, "polygons_coco")
    labels = [[1, 2, 1, 1], [1, 1, 1, 1]]
    assert_written(tmp_path, "a", labels, np.array(labels) * 1000)


def test_parts_of_an_object_and_the_background(tmp_path):
    parts = [box(0, 0, 1, 1), box(3, 1, 4, 2)]
    polygons = [part["segmentation"][0] for part in parts]
    make_objects(tmp_path, {"segmentation": polygons, "area": 2})
    run_import(tmp_path, "polygons_coco")
    labels = [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert_written(tmp_path, "a", labels, np.array(labels) * 1000)


def test_category_of_the_background_comes_first(tmp_path):
    path = make_objects(tmp_path, box(0, 0, 1, 2, category_id=5))
    text = path.read_text().replace('"car"', '"background"')
    path.write_text(text)
    run_import(tmp_path, "polygons_coco")
    labels = [[1, 0, 0, 0]] * 2
    assert_written(tmp_path, "a", labels, np.array(labels) * 1000)
    assert read_labels(tmp_path).names == ("background", "dog")


def test_ignored_categories_have_no_class(tmp_path):
    make_objects(tmp_path, box(0, 0, 1, 2), box(1, 0, 2, 2, category_id=5))
    run_import(tmp_path, "polygons_coco", ignore=("car",))
    expected = [[2, 1000, 0, 0]] * 2
    assert_written(tmp_path, "a", [[255, 1, 0, 0]] * 2, expected)


# Written by pycocotools.
@pytest.mark.parametrize("counts", [[2, 3, 3], "233"])
def test_run_lengths(tmp_path, counts):
    runs = {"size": [2, 4], "counts": counts}
    make_objects(
        tmp_path,
        {"segmentation": runs, "area": 3, "iscrowd": 1},
        box(1, 1, 2, 2),
    )
    run_import(tmp_path, "polygons_coco")
    # Down the columns: two zeros, three ones, three zeros.
    labels = [[0, 1, 1, 0], [0, 1, 0, 0]]
    assert_written(tmp_path, "a", labels, [[0, 1, 1, 0], [0, 1000, 0, 0]])


def test_long_and_decreasing_run_lengths():
    # Written by pycocotools: numbers of several characters, and differences
    # below zero.
    runs = {
        "size": [30, 40],
        "counts": "l2j04YO" + "0`00@" * 15 + "0`007" + "0" * 18 + "d44PO",
    }
    annotation = {"id": 1, "segmentation": runs}
    mask = draw_object(annotation, 30, 40, "a.json")
    expected = np.zeros((30, 40), bool)
    expected[2:28, 3:30] = True
    expected[5:9, 4:20] = False
    expected[:, 35] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ({"size": [4, 2], "counts": [8]}, r"\[4, 2\].*\[2, 4\]"),
        ({"size": [2, 4], "counts": [1, 5000]}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": [-1, 9]}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": [8.0]}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": None}, "damaged run lengths: None"),
        # Too short, and compressed: too short, unfinished, of other
        # characters, and negative.
        ({"size": [2, 4], "counts": [3, 2]}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": "32"}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": "23P"}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": "o" * 1000}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": "23\x7f"}, "Expected the 8 pixels"),
        ({"size": [2, 4], "counts": "O9"}, "Expected the 8 pixels"),
    ],
)
def test_damaged_run_lengths_are_named(tmp_path, runs, words):
    path = make_objects(tmp_path, {"segmentation": runs, "area": 1})
    (problem,) = run_import(tmp_path, "polygons_coco").problems
    assert problem.startswith(f"{path}: annotation 10 ")
    with pytest.raises(ValueError, match=words):
        raise ValueError(problem)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ({"segmentation": [[0, 0, 1, 1]], "area": 1}, "at least 3 points"),
        ({"segmentation": [[0, 0, 1, 1, 2]], "area": 1}, "at least 3 points"),
        ({"segmentation": ["abc"], "area": 1}, "at least 3 points"),
        ({"segmentation": [[0, 0, 1, 1, 2, 1e9]], "area": 1}, "far outside"),
        (
            {"segmentation": [[0, 0, 1, 1, 2, float("nan")]], "area": 1},
            "far outside",
        ),
        ({"segmentation": 3, "area": 1}, "'segmentation'.*list or dict"),
        ({"segmentation": [], "area": 1}, "empty segmentation"),
        ({**box(0, 0, 1, 1), "area": None}, "'area'.*int or float"),
        ({**box(0, 0, 1, 1), "category_id": 2}, "category 2"),
    ],
)
def test_damaged_objects_are_named(tmp_path, annotation, words):
    path = make_objects(tmp_path, annotation)
    (problem,) = run_import(tmp_path, "polygons_coco").problems
    assert str(path) in problem
    with pytest.raises(ValueError, match=words):
        raise ValueError(problem)


def test_photo_of_another_size_than_annotated_is_named(tmp_path):
    make_objects(tmp_path, box(0, 0, 1, 1), height=3)
    (problem,) = run_import(tmp_path, "polygons_coco").problems
    for word in ("annotations.json", "a.png", "4x3", "4x2"):
        assert word in problem


def test_images_without_annotations_are_left_out(tmp_path):
    make_objects(tmp_path)
    with pytest.raises(ValueError, match=r"a\.png.*no annotation of it"):
        run_import(tmp_path, "polygons_coco")
