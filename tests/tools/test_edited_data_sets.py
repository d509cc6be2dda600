"""Edited and augmented data sets, by the tools and on Apache Beam."""

import json
import shutil

import numpy as np
import programs
import pytest
from tiny_models import make_model, sharpen

import hdgan
from hdgan.data.folder import load_folder
from hdgan.data.image_files import read_id_map, read_photo
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes
from hdgan.editing import (
    EditableScene,
    ShapeLibrary,
    apply_edits,
    replace_class,
    synthesize_scene,
)
from hdgan.editing.map_files import maps_for_files

SCRIPT = {
    "edits": [
        {"edit": "replace_class", "old": "tree", "new": "building"},
        {"edit": "add_object", "class": "car", "x": 0.5, "mirror": True},
    ]
}
RECIPE = """
edits:
- {edit: replace_class, old: tree, new: building, probability: 0.5}
- {edit: add_objects, class: car, count: [1, 2], scale: [0.9, 1.1]}
- {edit: remove_some_objects, class: person, share: [0.2, 0.8]}
- {edit: draw_styles}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of drawn streets and a model with style clusters."""
    folder = tmp_path_factory.mktemp("streets")
    for split, start in (("train", 0), ("test", 100)):
        draw_scenes(folder / "data", split, 3, 64, 128, start=start)
    labels = hdgan.LabelSet.load(folder / "data" / "labels.json")
    model = sharpen(make_model(labels=labels, styles="instances"))
    centers = [[0.5, 0.5, 0.5], [-0.5, 0.0, 0.0]]
    model.style_clusters = hdgan.StyleClusters({labels.index("car"): centers})
    model.save(folder / "model.keras")
    (folder / "edits.json").write_text(json.dumps(SCRIPT))
    (folder / "recipe.yaml").write_text(RECIPE)
    return folder


def _run(folder, tool, output, *flags):
    return programs.run_inside(
        f"tools.{tool}",
        f"--data_dir={folder / 'data'}",
        f"--output_dir={output}",
        *flags,
    )


def _augment(folder, output, *flags):
    return _run(
        folder,
        "augment_dataset",
        output,
        f"--model={folder / 'model.keras'}",
        f"--recipe={folder / 'recipe.yaml'}",
        "--samples=2",
        *flags,
    )


def _files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def augmented(folder):
    result = _augment(folder, folder / "augmented")
    assert result.code == 0, result.err
    assert "6 edited scenes: " in result.out
    return folder / "augmented"


def test_a_script_is_replayed_over_a_folder(tmp_path, folder):
    result = _run(
        folder,
        "edit_scenes",
        tmp_path / "edited",
        f"--model={folder / 'model.keras'}",
        f"--script={folder / 'edits.json'}",
    )
    assert result.code == 0, result.err
    assert "replace_class: 3 of 3 scenes changed" in result.out
    model = hdgan.load_model(folder / "model.keras")
    shapes = ShapeLibrary.cut(
        find_scenes(folder / "data", use_instances=True), model.labels
    )
    scenes = find_scenes(folder / "data", "test", use_instances=True)
    edited = find_scenes(tmp_path / "edited", "test", use_instances=True)
    assert edited.names == scenes.names
    for index in range(len(scenes)):
        arrays = scenes.read(index)
        scene = EditableScene(
            arrays["label_map"], arrays["instance_map"], model.labels
        )
        scene, _ = apply_edits(scene, SCRIPT, shapes=shapes)
        files = edited.read(index)
        np.testing.assert_array_equal(files["label_map"], scene.label_map)
        np.testing.assert_array_equal(files["instance_map"], scene.instance_map)
        photo = synthesize_scene(model, scene)
        np.testing.assert_array_equal(files["photo"], photo)


def test_without_a_model_the_maps_alone_are_written(tmp_path, folder):
    script = tmp_path / "edits.json"
    script.write_text(json.dumps({"edits": SCRIPT["edits"][:1]}))
    result = _run(
        folder, "edit_scenes", tmp_path / "edited", f"--script={script}"
    )
    assert result.code == 0, result.err
    assert not (tmp_path / "edited" / "test_img").exists()
    labels = hdgan.LabelSet.load(tmp_path / "edited" / "labels.json")
    name = "street_00100.png"
    scene = EditableScene(
        read_id_map(folder / "data" / "test_label" / name),
        read_id_map(folder / "data" / "test_inst" / name),
        labels,
    )
    label_map = read_id_map(tmp_path / "edited" / "test_label" / name)
    expected = replace_class(scene, "tree", "building").label_map
    np.testing.assert_array_equal(label_map, expected)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            {"edit": "replace_class", "old": "boat", "new": "car"},
            "Edit 0, replace_class: There is no class 'boat'",
        ),
        (
            {
                "edit": "set_style",
                "objects": {"class": "car"},
                "cluster": 0,
            },
            "Edit 0, set_style: A cluster of styles is a model's",
        ),
        ({"edit": "remove"}, "'remove' is not one of"),
    ],
)
def test_wrong_scripts_write_nothing(tmp_path, folder, edit, message):
    script = tmp_path / "edits.json"
    script.write_text(json.dumps({"edits": [edit]}))
    result = _run(
        folder, "edit_scenes", tmp_path / "edited", f"--script={script}"
    )
    assert result.code == 1
    assert message in result.err
    assert not (tmp_path / "edited").exists()


def test_an_edit_that_changes_no_scene_is_an_error(tmp_path, folder):
    script = tmp_path / "edits.json"
    edit = {"edit": "replace_class", "old": "unlabelled", "new": "car"}
    script.write_text(json.dumps({"edits": [edit]}))
    result = _run(
        folder, "edit_scenes", tmp_path / "edited", f"--script={script}"
    )
    assert result.code == 1
    assert "replace_class: 0 of 3 scenes changed" in result.out
    assert "An edit changed no scene" in result.err


def test_the_schema_is_printed(folder):
    result = programs.run_inside("tools.edit_scenes", "--schema")
    assert json.loads(result.out)["title"] == "hdgan edit script"


def test_augmented_data_train_and_have_records(folder, augmented):
    labels = hdgan.LabelSet.load(augmented / "labels.json")
    resizing = ResizePolicy("scale_width", 128)
    dataset = load_folder(augmented, labels, resizing=resizing)
    batch = next(iter(dataset))
    assert batch["photo"].shape == (1, 64, 128, 3)
    model = hdgan.load_model(folder / "model.keras")
    shapes = ShapeLibrary.cut(
        find_scenes(folder / "data", use_instances=True), model.labels
    )
    # Each record's script makes the same scene again.
    for path in sorted((augmented / "train_edits").iterdir()):
        record = json.loads(path.read_text())
        arrays = {
            kind: read_id_map(
                folder / "data" / f"train_{kind}" / record["source"]
            )
            for kind in ("label", "inst")
        }
        scene = EditableScene(arrays["label"], arrays["inst"], model.labels)
        scene, counts = apply_edits(
            scene, {"edits": record["edits"]}, shapes=shapes
        )
        assert all(counts)
        for kind, id_map in (
            ("label", scene.label_map),
            ("inst", scene.instance_map),
        ):
            file = augmented / f"train_{kind}" / f"{path.stem}.png"
            np.testing.assert_array_equal(read_id_map(file), id_map)
        photo = read_photo(augmented / "train_img" / f"{path.stem}.png")
        np.testing.assert_array_equal(photo, synthesize_scene(model, scene))


def test_augmentation_goes_on_where_it_was_stopped(tmp_path, folder, augmented):
    output = tmp_path / "augmented"
    shutil.copytree(augmented, output)
    # As if it had been stopped after the photograph of one scene.
    (output / "train_edits" / "street_00001_edit1.json").unlink()
    (output / "train_img" / "street_00002_edit0.png").write_bytes(b"")
    (output / "train_edits" / "street_00002_edit0.json").write_bytes(b"{")
    result = _augment(folder, output)
    assert "4 of them there already" in result.out
    assert _files(output) == _files(augmented)
    # Another seed makes other scenes.
    result = _augment(folder, output, "--seed=1")
    assert "already" not in result.out
    assert _files(output).keys() == _files(augmented).keys()
    assert _files(output) != _files(augmented)


def test_beam_makes_the_same_files(tmp_path, folder, augmented):
    pytest.importorskip("apache_beam")
    result = _augment(folder, tmp_path / "beam", "--runner=DirectRunner")
    assert result.code == 0, result.err
    assert "6 edited scenes: " in result.out
    assert _files(tmp_path / "beam") == _files(augmented)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("edits: [{edit: add_objects, class: car}]", "'count' is a required"),
        (
            "edits: [{edit: add_objects, class: car, count: [3, 1]}]",
            r"$.edits[0].count: [3, 1] is no range",
        ),
        (
            "edits: [{edit: add_objects, class: sky, count: [0, 1]}]",
            "no shape of the class 'sky'",
        ),
        ("edits: [{edit: paint_region}]", "'paint_region' is not one of"),
        ("edits: [", "while parsing"),
        ("", "None is not of type 'object'"),
    ],
)
def test_wrong_recipes_write_nothing(tmp_path, folder, recipe, message):
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe)
    result = _augment(folder, tmp_path / "augmented", f"--recipe={path}")
    assert result.code == 1
    assert message in result.err
    assert not (tmp_path / "augmented").exists()


def test_files_hold_ignored_ids_and_many_classes():
    labels = hdgan.LabelSet.numbered(100).ignoring([255])
    label_map = np.array([[0, 255], [99, 99]])
    scene = EditableScene(label_map, np.array([[0, 255], [1, 2]]), labels)
    assert scene.instance_map.max() == 99001
    files = maps_for_files(scene)
    np.testing.assert_array_equal(files[0], label_map)
    assert files[0].dtype == np.uint8
    # Objects beyond 16 bits are numbered after the classes.
    np.testing.assert_array_equal(files[1], [[0, 255], [101, 102]])
    again = EditableScene(*files, labels)
    assert again == scene
