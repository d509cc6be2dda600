"""Files, resuming, problems and coded ids of all imports."""

import os
import pathlib
import sys

import numpy as np
import pytest
from imported_sets import assert_written, run_import, save, save_photo
from PIL import Image

from hdgan.data.importing import ImportOptions, importer
from hdgan.data.importing.class_table import (
    ClassTable,
    SourceClass,
    find_components,
    number_objects,
)
from hdgan.data.importing.polygons import draw_polygon
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes

A, B = [10, 20, 30], [40, 50, 60]
MASK = [[A, A, B, B], [A, A, A, B]]
LABELS = [[0, 0, 1, 1], [0, 0, 0, 1]]


def make_scenes(folder, names=("a", "b", "c")):
    source = folder / "source"
    for name in names:
        save_photo(source / "images" / f"{name}.jpg")
        save(source / "masks" / f"{name}.png", MASK)
    (source / "colors.txt").write_text("10 20 30 sky\n40 50 60 car\n")
    return source


def import_masks(folder, **options):
    return run_import(folder, "color_masks", **options)


def contents(folder):
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.parent != folder
    }


def test_the_data_set_is_one_that_training_reads(tmp_path):
    make_scenes(tmp_path)
    import_masks(tmp_path, things=("car",))
    scenes = find_scenes(tmp_path / "out")
    assert check_scenes(scenes, 2) == [(2, 4)] * 3
    assert scenes.names == ("a.png", "b.png", "c.png")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "labels.json",
        "train_import.json",
        "train_label",
        "train_inst",
        "train_img",
    }


def test_photographs_are_copied_as_they_are(tmp_path):
    source = make_scenes(tmp_path)
    import_masks(tmp_path)
    photo = tmp_path / "out" / "train_img" / "a.jpg"
    assert not photo.is_symlink()
    assert photo.read_bytes() == (source / "images" / "a.jpg").read_bytes()


def test_photographs_are_linked(tmp_path, monkeypatch):
    make_scenes(tmp_path)
    monkeypatch.chdir(tmp_path)
    import_masks(pathlib.Path(), photos="link")
    photo = tmp_path / "out" / "train_img" / "a.jpg"
    target = tmp_path / "source" / "images" / "a.jpg"
    assert os.readlink(photo) == str(target)
    assert len(find_scenes(tmp_path / "out")) == 3


def test_finished_scenes_are_kept_and_others_written(tmp_path):
    source = make_scenes(tmp_path)
    import_masks(tmp_path)
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "train_inst" / "b.png").unlink()
    make_scenes(tmp_path, ("d",))
    result = import_masks(tmp_path)
    assert (result.num_written, result.num_kept) == (2, 2)
    after = contents(tmp_path / "out")
    assert {path.stem for path in after} == {"a", "b", "c", "d"}
    for path, (content, changed) in before.items():
        assert after[path][0] == content
        assert (after[path][1] == changed) == (path.stem != "b")
    assert source.is_dir()


def test_the_same_import_writes_the_same_bytes(tmp_path):
    make_scenes(tmp_path)
    import_masks(tmp_path, things=("car",))
    first = contents(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "first")
    import_masks(tmp_path, things=("car",))
    second = contents(tmp_path / "out")
    assert {p: c for p, (c, _) in first.items()} == {
        p: c for p, (c, _) in second.items()
    }


def test_other_options_in_the_same_folder_are_refused(tmp_path):
    make_scenes(tmp_path)
    import_masks(tmp_path)
    with pytest.raises(ValueError, match=r"other classes"):
        import_masks(tmp_path, things=("car",))
    with pytest.raises(ValueError, match=r"photos='copy' was written.*'link'"):
        import_masks(tmp_path, photos="link")
    # Finished scenes do not depend on these.
    import_masks(tmp_path, tolerance=3.0)


def test_a_failed_scene_leaves_no_file(tmp_path):
    source = make_scenes(tmp_path)
    path = source / "masks" / "b.png"
    path.write_bytes(path.read_bytes()[:-20])
    photo = source / "images" / "c.jpg"
    photo.write_bytes(photo.read_bytes()[:200])
    result = import_masks(tmp_path)
    assert result.num_written == 1
    for file, problem in zip((path, photo), result.problems, strict=True):
        assert str(file) in problem
    assert {path.stem for path in contents(tmp_path / "out")} == {"a"}
    listed = result.list_file.read_text().splitlines()
    assert [line.split(": ")[0] for line in listed] == ["error", "error"]
    make_scenes(tmp_path)
    result = import_masks(tmp_path)
    assert (result.num_written, result.num_kept) == (2, 1)
    assert result.list_file is None
    assert not list((tmp_path / "out").glob("*.txt"))


def test_sizes_within_a_scene_are_compared(tmp_path):
    source = make_scenes(tmp_path, ("a",))
    save_photo(source / "images" / "a.jpg", 4, 2)
    (problem,) = import_masks(tmp_path).problems
    for word in (source / "images" / "a.jpg", "2x4", "a.png", "4x2"):
        assert str(word) in problem


def test_an_upright_mask_of_a_turned_photograph_fits(tmp_path):
    source = make_scenes(tmp_path, ("a",))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.zeros((4, 2, 3), "uint8")
    Image.fromarray(turned).save(source / "images" / "a.jpg", exif=exif)
    assert not import_masks(tmp_path).problems


def test_a_full_disk_ends_the_import(tmp_path, monkeypatch):
    make_scenes(tmp_path)

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(importer.shutil, "copyfile", fail)
    with pytest.raises(OSError, match="No space"):
        import_masks(tmp_path)
    assert not list((tmp_path / "out" / "train_img").iterdir())


def test_photographs_of_one_name_are_named(tmp_path):
    source = make_scenes(tmp_path)
    save_photo(source / "images" / "a.png")
    with pytest.raises(ValueError, match=r"a\.jpg and a\.png differ"):
        import_masks(tmp_path)


def test_missing_folders_are_named_with_what_is_there(tmp_path):
    with pytest.raises(ValueError, match=r"source: there is no such folder"):
        import_masks(tmp_path)
    make_scenes(tmp_path)
    (tmp_path / "source" / "images").rename(tmp_path / "source" / "photos")
    with pytest.raises(ValueError, match=r"holds: colors.*photos.*photo_dir"):
        import_masks(tmp_path)
    import_masks(tmp_path, photo_dir="photos")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "coco"}, "`format` must be one of cityscapes"),
        ({"photos": "move"}, "`photos` must be one of copy, link"),
        ({"tolerance": -1.0}, "`tolerance` must be in 0..442"),
        ({"tolerance": float("nan")}, "`tolerance` must be in 0..442"),
        ({"split": "../train"}, "`split` must be"),
        ({"split": ""}, "`split` must be"),
        ({"labels": "cityscapes19"}, "takes no `labels`.*: cityscapes"),
    ],
)
def test_options_are_checked(options, words):
    options = {
        "format": "color_masks",
        "source": "a",
        "output_dir": "b",
    } | options
    with pytest.raises(ValueError, match=words):
        ImportOptions(**options)


@pytest.mark.parametrize("option", ["things", "ignore"])
def test_names_that_are_no_class_are_named(tmp_path, option):
    make_scenes(tmp_path)
    with pytest.raises(ValueError, match=f"`{option}` names 'cars'.*sky, car"):
        import_masks(tmp_path, **{option: ("cars",)})


def test_classes_that_no_label_set_can_have_are_named(tmp_path):
    source = make_scenes(tmp_path)
    (source / "colors.txt").write_text("10 20 30 ignored\n40 50 60 car\n")
    with pytest.raises(ValueError, match=r"classes of .*source.*'ignored'"):
        import_masks(tmp_path, unknown_colors="ignore")


def test_many_classes_need_wider_ids(tmp_path):
    names = [f"class {k}" for k in range(300)]
    table = "".join(
        f"{k % 256} {k // 256} 0 {n}\n" for k, n in enumerate(names)
    )
    mask = np.zeros((2, 4, 3), "uint8")
    mask[0, 0] = [43, 1, 0]
    mask[1, 1] = [44, 1, 0]
    source = make_scenes(tmp_path, ("a",))
    save(source / "masks" / "a.png", mask)
    (source / "colors.txt").write_text(table)
    import_masks(
        tmp_path, things=("class 299",), unknown_colors="ignore", tolerance=0.5
    )
    labels = [[299, 0, 0, 0], [0, 65535, 0, 0]]
    expected = [[299000, 0, 0, 0], [0, 300, 0, 0]]
    assert_written(tmp_path, "a", labels, expected)
    assert (tmp_path / "out" / "train_inst" / "a.tif").is_file()
    check_scenes(find_scenes(tmp_path / "out"), 301, [65535])


def make_table(**options):
    classes = [SourceClass(k, name) for k, name in enumerate(("car", "sky"))]
    return ClassTable(classes, **options)


def test_too_many_objects_of_a_class_are_named():
    table = make_table(things=("sky",))
    labels = np.ones((1, 1001), "int32")
    objects = np.arange(1, 1002)[None]
    with pytest.raises(
        ValueError, match=r"a\.png has 1001 objects.*'sky'.*1000"
    ):
        number_objects("a.png", labels, objects, table)
    coded = number_objects("a.png", labels[:, 1:], objects[:, 1:], table)
    np.testing.assert_array_equal(coded[0], np.arange(1000, 2000))


def test_objects_and_classes_have_ids_of_their_own():
    table = make_table(things=("car", "sky"), void_ids=[9])
    labels = np.array([[0, 0, 0, 1, 1, -1]])
    objects = np.array([[8, 3, 0, 0, 3, 3]])
    coded = number_objects("a.png", labels, objects, table)
    np.testing.assert_array_equal(coded, [[4, 3, 0, 1, 1000, 2]])


def test_scipy_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert not find_components(np.zeros((2, 2)), make_table(), []).any()
    with pytest.raises(ValueError, match="pip install scipy"):
        find_components(np.zeros((2, 2)), make_table(), ["car"])


@pytest.mark.parametrize("rows_at_once", [1, 7, 1000])
def test_polygons_hold_pixels_whose_centers_are_inside(
    monkeypatch, rows_at_once
):
    monkeypatch.setattr(
        "hdgan.data.importing.polygons._MAX_PIXELS", 25 * 40 * rows_at_once
    )
    mask = np.zeros((30, 40), bool)
    # A triangle, of which a part is outside.
    draw_polygon(mask, np.array([[-4.0, 3.2], [39.7, 3.2], [10.3, 28.9]]))
    y, x = np.mgrid[:30, :40] + 0.5
    left = (x + 4) * (28.9 - 3.2) - (y - 3.2) * (10.3 + 4) > 0
    right = (x - 39.7) * (28.9 - 3.2) - (y - 3.2) * (10.3 - 39.7) < 0
    inside = (y > 3.2) & left & right
    assert inside.sum() > 400
    # Pillow's drawing is exact to a tenth of a pixel.
    assert (mask != inside).sum() <= 0.02 * inside.sum()
    outside = np.zeros((3, 3), bool)
    draw_polygon(outside, np.array([[-3.0, 0], [-1, 0], [-1, 2]]))
    assert not outside.any()
