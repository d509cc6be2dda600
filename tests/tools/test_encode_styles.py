"""Styles of photos as files, and training on them."""

import pathlib
import shutil

import keras
import numpy as np
import pytest
from PIL import Image
from programs import (
    NARROW,
    assert_one_clear_error,
    finish,
    run,
    run_inside,
    start,
)
from tiny_models import make_model, make_scenes, sharpen

from hdgan.data.image_files import read_id_map, read_photo, write_png
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import read_scene
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes
from hdgan.models.model_file import load_model
from hdgan.models.style_encoding import encode_styles

TOOL = "tools.encode_styles"
RECIPE = "recipes.pix2pixhd_512p"
SIZES = {"odd": (33, 47), "small": (5, 3), "even": (32, 64)}


@pytest.fixture(scope="module")
def scenes_dir(tmp_path_factory):
    """Scenes of several sizes, with instance maps and photos."""
    data_dir = tmp_path_factory.mktemp("scenes")
    for kind in ("label", "inst", "img"):
        (data_dir / f"val_{kind}").mkdir()
    for name, size in SIZES.items():
        scene = {k: a[0] for k, a in make_scenes(1, *size).items()}
        ids = f"{name}_ids.png"
        write_png(data_dir / "val_label" / ids, scene["label_map"])
        write_png(data_dir / "val_inst" / ids, scene["instance_map"])
        write_png(data_dir / "val_img" / f"{name}.png", scene["photo"])
    return data_dir


@pytest.fixture
def data_dir(scenes_dir, tmp_path):
    """A copy of the scenes, to write into."""
    return shutil.copytree(scenes_dir, tmp_path / "data")


def save(directory, **options):
    """Saves a model and returns its folder, as of a run."""
    model = sharpen(make_model(num_downsamplings=1, **options))
    directory.mkdir()
    model.save(directory / "model.keras")
    return directory


@pytest.fixture(scope="module")
def run_dirs(tmp_path_factory):
    """Models of either kind of encoder, in the folders of their runs."""
    folder = tmp_path_factory.mktemp("models")
    return {
        styles: save(folder / styles, styles=styles)
        for styles in ("instances", "labels")
    }


def arguments(model, data_dir, *more):
    return (f"--model={model}", f"--data_dir={data_dir}", "--split=val", *more)


def as_bytes(style_map):
    return np.round((np.asarray(style_map) + 1) * 127.5)


@pytest.mark.parametrize("styles", ["instances", "labels"])
def test_style_maps_have_names_and_sizes_of_their_label_maps(
    run_dirs, data_dir, styles
):
    model = load_model(run_dirs[styles])
    result = run_inside(TOOL, *arguments(run_dirs[styles], data_dir))
    assert result.code == 0, result.err
    folder = data_dir / "val_feat"
    assert f"3 style maps in {folder}" in result.out
    assert len(list(folder.iterdir())) == 3
    for name, size in SIZES.items():
        path = folder / f"{name}_ids.png"
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("RGB", size[::-1])
        expected = as_bytes(model.encode(make_scenes(1, *size))[0])
        assert np.abs(read_photo(path) - expected).max() <= 1
    assert read_photo(folder / "odd_ids.png").std() > 5
    # The recipes find them by the names of their label maps.
    scenes = find_scenes(data_dir, "val", use_style_maps=True)
    assert [p.stem for p in scenes.style_maps] == [
        p.stem for p in scenes.inputs
    ]


@pytest.mark.parametrize("styles", ["instances", "labels"])
def test_styles_are_constant_over_their_regions(run_dirs, data_dir, styles):
    result = run_inside(TOOL, *arguments(run_dirs[styles], data_dir))
    assert result.code == 0, result.err
    style_map = read_photo(data_dir / "val_feat" / "even_ids.png")
    maps = {
        "instances": read_id_map(data_dir / "val_inst" / "even_ids.png"),
        "labels": read_id_map(data_dir / "val_label" / "even_ids.png"),
    }
    for kind, ids in maps.items():
        numbers = [
            len(np.unique(style_map[ids == n], axis=0)) for n in set(ids.flat)
        ]
        assert (max(numbers) == 1) == (kind == styles)


def test_scenes_are_encoded_at_the_size_of_training(run_dirs, data_dir):
    # Twice, as existing files are replaced.
    for flags in ((), ("--load_size=32",)):
        result = run_inside(
            TOOL, *arguments(run_dirs["instances"], data_dir, *flags)
        )
        assert result.code == 0, result.err
    scenes = find_scenes(data_dir, "val")
    index = [path.stem for path in scenes.inputs].index("even_ids")
    scene = read_scene(scenes, index, ResizePolicy("scale_width", 32))
    assert scene["photo"].shape == (16, 32, 3)
    model = load_model(run_dirs["instances"])
    style_map = model.encode({key: a[None] for key, a in scene.items()})[0]
    expected = as_bytes(style_map).repeat(2, axis=0).repeat(2, axis=1)
    stored = read_photo(data_dir / "val_feat" / "even_ids.png")
    assert np.abs(stored - expected).max() <= 1


def test_rgb_scenes_with_instances_have_styles_too(data_dir, tmp_path):
    model = save(tmp_path / "run", labels=None, styles="instances")
    shutil.copytree(data_dir / "val_img", data_dir / "val_A")
    shutil.copytree(data_dir / "val_img", data_dir / "val_B")
    result = run_inside(TOOL, *arguments(model, data_dir))
    assert result.code == 0, result.err
    stored = read_photo(data_dir / "val_feat" / "odd.png")
    assert stored.shape == (*SIZES["odd"], 3)


# === Mistakes ===


def test_a_model_that_can_not_write_style_maps_is_refused(data_dir, tmp_path):
    for name, options, words in (
        ("plain", {}, ("no instance encoder", "--instance_feat")),
        ("loaded", {"styles": "loaded"}, ("no instance encoder",)),
        (
            "five",
            {"styles": "labels", "style_channels": 5},
            ("styles of 5 channels", "Expected 3", "--style_channels=3"),
        ),
    ):
        model = save(tmp_path / name, **options)
        result = run_inside(TOOL, *arguments(model, data_dir))
        assert_one_clear_error(result, *words)
    assert not (data_dir / "val_feat").exists()


def test_unlimited_styles_are_refused(tmp_path):
    model = make_model("spade_256", styles="image")
    with pytest.raises(ValueError, match=r"Spade .*Expected a Pix2PixHD"):
        encode_styles(model, None, tmp_path / "val_feat", None)
    assert not (tmp_path / "val_feat").exists()


def test_a_folder_that_can_not_be_written_to_is_named(run_dirs, data_dir):
    # Permissions would not stop the root user.
    folder = data_dir / "val_feat"
    folder.write_text("in the way")
    command = arguments(run_dirs["labels"], data_dir)
    result = run_inside(TOOL, *command)
    assert_one_clear_error(result, f"{folder} can't be written to", "Remove")
    assert folder.read_text() == "in the way"
    folder.unlink()
    if not pathlib.Path("/proc/self").is_dir():
        pytest.skip("needs a folder that not even root may write to")
    folder.symlink_to("/proc/self", target_is_directory=True)
    result = run_inside(TOOL, *command)
    assert_one_clear_error(result, f"{folder} can't be written to")


def test_files_and_sizes_that_do_not_fit_are_named(run_dirs, data_dir):
    command = arguments(run_dirs["labels"], data_dir)
    result = run_inside(TOOL, *command, "--load_size=0")
    assert_one_clear_error(result, "load_size", ">= 1")
    path = data_dir / "val_label" / "odd_ids.png"
    write_png(path, np.full(SIZES["odd"], 7, "uint8"))
    result = run_inside(TOOL, *command)
    assert_one_clear_error(result, path, "..7. Expected 0..4", "has 5 classes")
    shutil.rmtree(data_dir / "val_img")
    result = run_inside(TOOL, *command)
    assert_one_clear_error(result, data_dir, "missing: val_img")
    assert not (data_dir / "val_feat").exists()


# === The journey ===


@pytest.mark.journey
def test_styles_of_one_model_train_another(tmp_path):
    data_dir = tmp_path / "data"
    draw_scenes(data_dir, "train", 3, 32, 64)
    common = (f"--data_dir={data_dir}", *NARROW, "--load_size=64")

    first = tmp_path / "first"
    result = finish(
        start(
            RECIPE,
            *common,
            f"--workdir={first}",
            "--instance_feat",
            "--encoder_width=4",
            "--max_steps=2",
        )
    )
    assert result.code == 0, result.err
    out = run(TOOL, f"--model={first}", f"--data_dir={data_dir}")
    assert "3 style maps in" in out

    second = tmp_path / "second"
    result = run_inside(
        RECIPE,
        *common,
        f"--workdir={second}",
        "--load_style_maps",
        "--max_steps=2",
    )
    assert result.code == 0, result.err
    page = second / "samples" / "index.html"
    assert "Style map" in page.read_text()
    # A resumed run keeps its styles, and refuses other flags.
    resume = (f"--workdir={second}", "--resume", "--max_steps=3")
    result = run_inside(RECIPE, *resume, "--noload_style_maps")
    assert_one_clear_error(result, "load_style_maps=False", "the run's True")
    result = run_inside(RECIPE, *resume)
    assert result.code == 0, result.err
    model = keras.models.load_model(second / "model.keras")
    assert int(model.generator_optimizer.iterations) == 3
    assert model.encoder is None
    assert model.style_map_channels == 3

    photos = {}
    shutil.copytree(data_dir / "train_feat", tmp_path / "other_feat")
    for path in (tmp_path / "other_feat").iterdir():
        write_png(path, 255 - read_photo(path))
    for folder in (data_dir / "train_feat", tmp_path / "other_feat"):
        output_dir = tmp_path / f"photos_{folder.name}"
        result = run_inside(
            "tools.synthesize",
            f"--model={second}",
            f"--label_dir={data_dir / 'train_label'}",
            f"--instance_dir={data_dir / 'train_inst'}",
            f"--style_dir={folder}",
            f"--output_dir={output_dir}",
        )
        assert result.code == 0, result.err
        photos[folder.name] = [
            read_photo(path) for path in sorted(output_dir.glob("*.png"))
        ]
    for one, other in zip(*photos.values(), strict=True):
        assert one.shape == (32, 64, 3)
        assert (one != other).any()
