"""Photographs of a folder of label maps."""

import shutil
import zipfile

import keras
import numpy as np
import pytest
from programs import assert_one_clear_error, finish, run_inside, start
from tiny_models import make_model, make_scenes, sharpen, synthesize

from hdgan.data.image_files import read_photo, write_png
from hdgan.models.model_file import load_model

TOOL = "tools.synthesize"
SIZES = {"odd": (33, 47), "small": (5, 3), "even": (32, 64)}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Scenes of several sizes, with instance maps and photos."""
    data_dir = tmp_path_factory.mktemp("scenes")
    for kind in ("label", "inst", "img", "feat"):
        (data_dir / kind).mkdir()
    for name, size in SIZES.items():
        scenes = make_scenes(1, *size, style_channels=3)
        scene = {k: a[0] for k, a in scenes.items()}
        write_png(data_dir / "label" / f"{name}.png", scene["label_map"])
        write_png(data_dir / "inst" / f"{name}.png", scene["instance_map"])
        write_png(data_dir / "img" / f"{name}.png", scene["photo"])
        write_png(data_dir / "feat" / f"{name}.png", scene["style_map"])
    return data_dir


def save(directory, **options):
    """Saves a model and returns its folder, as of a run."""
    model = sharpen(make_model(num_downsamplings=1, **options))
    directory.mkdir()
    model.save(directory / "model.keras")
    return directory


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A model with dropout in the folder of its run."""
    return save(tmp_path_factory.mktemp("model") / "run", dropout_rate=0.5)


def arguments(model, data_dir, output_dir, *more):
    return (
        f"--model={model}",
        f"--label_dir={data_dir / 'label'}",
        f"--instance_dir={data_dir / 'inst'}",
        f"--output_dir={output_dir}",
        *more,
    )


def test_photographs_have_names_and_sizes_of_their_label_maps(
    run_dir, data_dir, tmp_path
):
    output_dir = tmp_path / "new" / "photos"
    result = finish(start(TOOL, *arguments(run_dir, data_dir, output_dir)))
    assert result.code == 0, result.err
    assert f"3 photographs in {output_dir}" in result.out
    photos = {p.name: read_photo(p) for p in output_dir.glob("*.png")}
    assert {name: photo.shape for name, photo in photos.items()} == {
        f"{name}.png": (*size, 3) for name, size in SIZES.items()
    }
    page = (output_dir / "index.html").read_text()
    assert f"Page: {output_dir / 'index.html'}" in result.out
    for name in SIZES:
        assert f'src="{name}.png"' in page
        assert (output_dir / ".maps").is_dir()
    # They equal the model's photographs of label and instance map.
    scene = {k: a[0] for k, a in make_scenes(1, *SIZES["odd"]).items()}
    del scene["photo"]
    expected = synthesize(load_model(run_dir), scene)
    difference = np.abs(photos["odd.png"].astype(int) - expected)
    assert difference.max() <= 1
    without = load_model(run_dir).synthesize(scene["label_map"])
    assert np.abs(without.astype(int) - expected).max() > 1


def test_samples_differ_and_a_seed_draws_them_again(
    run_dir, data_dir, tmp_path
):
    photos = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        output_dir = tmp_path / name
        result = run_inside(
            TOOL,
            *arguments(
                run_dir / "model.keras",
                data_dir,
                output_dir,
                "--samples=2",
                f"--seed={seed}",
            ),
        )
        assert result.code == 0, result.err
        assert "6 photographs" in result.out
        photos.append({p.name: read_photo(p) for p in output_dir.glob("*.png")})
    first, again, later = photos
    assert set(first) == {f"{name}_{k}.png" for name in SIZES for k in (0, 1)}
    assert (first["odd_0.png"] != first["odd_1.png"]).any()
    for name, photo in first.items():
        np.testing.assert_array_equal(photo, again[name])
    np.testing.assert_array_equal(later["odd_0.png"], first["odd_1.png"])


def test_samples_of_a_model_without_dropout_are_refused(data_dir, tmp_path):
    model = save(tmp_path / "run")
    result = run_inside(
        TOOL, *arguments(model, data_dir, tmp_path / "out", "--samples=2")
    )
    assert_one_clear_error(result, "without dropout")
    result = run_inside(
        TOOL, *arguments(model, data_dir, tmp_path / "out", "--samples=0")
    )
    assert_one_clear_error(result, "--samples", "at least 1")


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("label", "--instance_dir and --label_dir are the same folder"),
        ("none", "there is no such folder"),
    ],
)
def test_a_wrong_folder_of_instance_maps(run_dir, data_dir, folder, words):
    result = run_inside(
        TOOL,
        *arguments(run_dir, data_dir, data_dir / "out"),
        f"--instance_dir={data_dir / folder}",
    )
    assert_one_clear_error(result, "--instance_dir", words)
    assert not (data_dir / "out").exists()


@pytest.mark.parametrize("kind", ["label", "inst"])
def test_the_inputs_are_not_overwritten(run_dir, data_dir, kind):
    before = {p: p.read_bytes() for p in (data_dir / kind).iterdir()}
    folder = data_dir / "img" / ".." / kind
    result = run_inside(TOOL, *arguments(run_dir, data_dir, folder))
    assert_one_clear_error(result, "--output_dir is --", "another folder")
    assert {p: p.read_bytes() for p in before} == before


def _not_a_model(tmp_path, kind):
    path = tmp_path / "other.keras"
    if kind == "text":
        path.write_text("no model")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("notes.txt", "no model")
    if kind == "classifier":
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    if kind == "empty folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", ("does not exist", "a recipe wrote")),
        ("empty folder", ("does not exist",)),
        ("text", ("is not a Keras model",)),
        ("zip", ("is not a Keras model",)),
        ("classifier", ("Sequential", "Expected a LabelToPhotoModel")),
    ],
)
def test_what_is_no_model_is_named(data_dir, tmp_path, kind, words):
    path = _not_a_model(tmp_path, kind)
    output_dir = tmp_path / "out"
    result = run_inside(TOOL, *arguments(path, data_dir, output_dir))
    assert_one_clear_error(result, path, *words)
    assert not output_dir.exists()


def test_scenes_that_fail_are_listed_and_the_others_written(
    run_dir, data_dir, tmp_path
):
    for kind in ("label", "inst"):
        shutil.copytree(data_dir / kind, tmp_path / kind)
    bad = tmp_path / "label" / "even.png"
    write_png(bad, np.full(SIZES["even"], 5, "uint8"))
    other = tmp_path / "inst" / "odd.png"
    write_png(other, np.zeros((9, 9), "uint8"))
    output_dir = tmp_path / "out"
    result = run_inside(TOOL, *arguments(run_dir, tmp_path, output_dir))
    assert result.code == 1
    assert f"1 photographs in {output_dir}" in result.out
    *lines, last = result.err.splitlines()
    assert last == "error: 2 of 3 scenes failed."
    for path, words in ((bad, "5..5. Expected 0..4"), (other, "is 9x9 pixels")):
        assert sum(str(path) in line and words in line for line in lines) == 1
    assert len(list(output_dir.glob("*.png"))) == 1


def test_maps_are_scaled_to_the_width_of_the_training(data_dir, tmp_path):
    model = make_model()
    model.scene_width = 40
    model.save(tmp_path / "model.keras")
    widths = {}
    for flags in ((), ("--load_size=0",), ("--load_size=30",)):
        output_dir = tmp_path / f"out{len(widths)}"
        result = run_inside(
            TOOL,
            *arguments(tmp_path / "model.keras", data_dir, output_dir, *flags),
        )
        assert result.code == 0, result.err
        shape = read_photo(output_dir / "odd.png").shape
        widths[flags] = shape[1]
        assert ("width of 40 pixels" in result.out) == (not flags)
    assert list(widths.values()) == [40, SIZES["odd"][1], 30]


def test_a_model_with_encoder_asks_for_photos(data_dir, tmp_path):
    model = save(tmp_path / "run", styles="instances", encoder_downsamplings=1)
    output_dir = tmp_path / "out"
    result = run_inside(TOOL, *arguments(model, data_dir, output_dir))
    assert_one_clear_error(result, "--photo_dir")
    result = run_inside(
        TOOL,
        *arguments(model, data_dir, output_dir),
        f"--photo_dir={data_dir / 'img'}",
    )
    assert result.code == 0, result.err
    assert len(list(output_dir.glob("*.png"))) == len(SIZES)


def test_spade_draws_styles_without_photos(tmp_path):
    model = sharpen(make_model("spade_256", styles="image"))
    model.save(tmp_path / "model.keras")
    (tmp_path / "label").mkdir()
    label_map = make_scenes(1, 64, 64)["label_map"][0]
    write_png(tmp_path / "label" / "a.png", label_map)
    result = run_inside(
        TOOL,
        f"--model={tmp_path / 'model.keras'}",
        f"--label_dir={tmp_path / 'label'}",
        f"--output_dir={tmp_path / 'photos'}",
        "--samples=2",
    )
    assert result.code == 0, result.err
    first, second = (
        read_photo(tmp_path / "photos" / f"a_{number}.png") for number in (0, 1)
    )
    assert np.any(first != second)


def test_a_model_of_style_maps_asks_for_them(data_dir, tmp_path):
    model = save(tmp_path / "run", styles="loaded")
    output_dir = tmp_path / "out"
    result = run_inside(TOOL, *arguments(model, data_dir, output_dir))
    assert_one_clear_error(result, "--style_dir", "encode_styles")
    assert not output_dir.exists()
    result = run_inside(
        TOOL,
        *arguments(model, data_dir, output_dir),
        f"--style_dir={data_dir / 'feat'}",
    )
    assert result.code == 0, result.err
    scenes = make_scenes(1, *SIZES["odd"], style_channels=3)
    del scenes["photo"]
    (expected,) = synthesize(load_model(model), scenes)
    photo = read_photo(output_dir / "odd.png").astype(int)
    assert np.abs(photo - expected).max() <= 1
    # The files are not overwritten, either.
    result = run_inside(
        TOOL,
        *arguments(model, data_dir, data_dir / "feat"),
        f"--style_dir={data_dir / 'feat'}",
    )
    assert_one_clear_error(result, "--output_dir is --style_dir")


def test_unused_styles_cause_a_warning(run_dir, data_dir, tmp_path, caplog):
    result = run_inside(
        TOOL,
        *arguments(run_dir, data_dir, tmp_path / "out"),
        f"--style_dir={data_dir / 'feat'}",
        f"--photo_dir={data_dir / 'img'}",
    )
    assert result.code == 0, result.err
    assert "--style_dir is not used" in caplog.text
    assert "--photo_dir is not used" in caplog.text


def test_a_model_of_rgb_images_takes_them(data_dir, tmp_path):
    model = save(tmp_path / "run", labels=None, use_instances=False)
    result = run_inside(
        TOOL,
        *arguments(model, data_dir, tmp_path / "out"),
        f"--label_dir={data_dir / 'img'}",
    )
    assert result.code == 0, result.err
    photo = read_photo(tmp_path / "out" / "odd.png")
    assert photo.shape == (*SIZES["odd"], 3)


def test_an_output_folder_that_cannot_be_made(run_dir, data_dir, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run_inside(
        TOOL, *arguments(run_dir, data_dir, tmp_path / "file" / "out")
    )
    assert_one_clear_error(result, f"--output_dir={tmp_path / 'file'}")


def test_what_is_missing_is_asked_for():
    result = run_inside(TOOL, "--model=model.keras")
    assert_one_clear_error(result, "--label_dir", "--output_dir", "--help")
