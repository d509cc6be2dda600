"""Bad input ends a recipe with one line, before any work."""

import shutil

import numpy as np
import pytest
from PIL import Image
from programs import (
    NARROW,
    assert_one_clear_error,
    finish,
    run_inside,
    start,
)

from hdgan.data.street.data_set import draw_scenes

RECIPE = "recipes.pix2pixhd_512p"
FILE = "street_00001.png"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    draw_scenes(data_dir, "train", 3, 32, 64)
    return data_dir


@pytest.fixture
def data_dir(drawn, tmp_path):
    """A copy of the scenes that a test may damage."""
    return shutil.copytree(drawn, tmp_path / "data")


def arguments(data_dir, *flags):
    """Returns the flags of a run whose folder is beside `data_dir`."""
    return (
        f"--data_dir={data_dir}",
        f"--workdir={data_dir.parent / 'run'}",
        "--load_size=64",
        *NARROW,
        *flags,
    )


def other_feature_size(data_dir):
    path = data_dir / "train_feat" / FILE
    shutil.copytree(data_dir / "train_img", path.parent)
    Image.open(path).resize((32, 16)).save(path)
    return path


def unpaired(data_dir):
    path = data_dir / "train_img" / FILE
    path.unlink()
    return data_dir / "train_label" / FILE


def id_out_of_range(data_dir):
    path = data_dir / "train_label" / FILE
    Image.fromarray(np.full((32, 64), 11, "uint8")).save(path)
    return path


def other_size(data_dir):
    path = data_dir / "train_inst" / FILE
    Image.fromarray(np.zeros((32, 65), "uint16")).save(path)
    return path


def cut_photo(data_dir):
    path = data_dir / "train_img" / FILE
    path.write_bytes(path.read_bytes()[:200])
    return path


def coloured_labels(data_dir):
    path = data_dir / "train_label" / FILE
    shutil.copy(data_dir / "train_img" / FILE, path)
    return path


def two_sizes(data_dir):
    for kind in ("label", "inst", "img"):
        path = data_dir / f"train_{kind}" / FILE
        Image.open(path).crop((0, 0, 48, 32)).save(path)


def no_labels_json(data_dir):
    (data_dir / "labels.json").unlink()


@pytest.fixture(scope="module")
def commands(drawn, tmp_path_factory):
    """Commands in processes of their own, which run at once.

    The values are `(result, words of the error, workdir)`.
    """
    cases = {
        "cut photo": (cut_photo, (), (FILE, "train_img", "replace it")),
        "flag value": (
            lambda data_dir: None,
            ("--resize_mode=stretch",),
            ("--resize_mode=stretch", "scale_width|"),
        ),
    }
    started = {}
    for name, (spoil, flags, words) in cases.items():
        directory = tmp_path_factory.mktemp("command")
        data_dir = shutil.copytree(drawn, directory / "data")
        spoil(data_dir)
        process = start(RECIPE, *arguments(data_dir, *flags))
        started[name] = process, words, directory / "run"
    return {
        name: (finish(process), words, workdir)
        for name, (process, words, workdir) in started.items()
    }


@pytest.mark.parametrize("name", ["cut photo", "flag value"])
def test_the_real_command_ends_in_one_clear_line(commands, name):
    result, words, workdir = commands[name]
    assert_one_clear_error(result, *words)
    assert not workdir.exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (unpaired, ("1 of them", "rename them")),
        (id_out_of_range, ("..11. Expected 0..10", "has 11 classes")),
        (other_size, ("65x32", "64x32", "resize one")),
        (cut_photo, ("cut short", "replace it")),
        (coloured_labels, ("3 channels", "one channel")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_does_not_fit_is_named(data_dir, spoil, words):
    path = spoil(data_dir)
    result = run_inside(RECIPE, *arguments(data_dir))
    assert_one_clear_error(result, path, *words)
    assert not (data_dir.parent / "run").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--resize_mode=crop", "--crop_size=33"), ("64x32", "33x33", "crop")),
        (("--label_nc=12",), ("label_nc=12", "labels.json", "11 classes")),
        (("--label_nc=-1",), ("`label_nc`", "at least 0")),
        (("--batch_size=0",), ("`batch_size`", "at least 1")),
        (("--max_steps=-5",), ("`max_steps`", "at least 1")),
        (("--learning_rate=-1",), ("`learning_rate`", "above 0")),
        (("--learning_rate=nan",), ("--learning_rate", "finite")),
        (("--beta_1=1",), ("`beta_1`", "below 1")),
        (("--devices=GPU:7",), ("GPU:7", "CPU:0")),
        (("--max_dataset_size=0",), ("`max_dataset_size`", "at least 1")),
        (("--epochs=0", "--decay_epochs=0"), ("`epochs`", "both 0")),
        (("--l1_weight=-1",), ("l1_weight", "at least 0")),
        (("--dropout_rate=1.5",), ("1.5", "rate")),
        (("--ema_decay=2",), ("`ema_decay`", "below 1")),
        (("--base_width=0",), ("base_width", "0")),
        (("--jit", "--pool_size=2"), ("`jit`", "`pool_size`", "one of them")),
        (
            ("--jit", "--devices=CPU:0,CPU:1", "--batch_size=2"),
            ("`jit` on 2 devices", "choose one"),
        ),
        (
            ("--instance_feat", "--label_feat"),
            ("`instance_feat` and `label_feat`", "Choose one"),
        ),
        (
            ("--label_feat", "--label_nc=0"),
            ("`label_feat`", "RGB input", "`instance_feat`"),
        ),
        (
            ("--load_style_maps", "--style_channels=4"),
            ("`style_channels` is 4", "hold 3"),
        ),
        (
            ("--load_style_maps", "--label_feat"),
            ("missing: train_feat", "hdgan.tools.encode_styles"),
        ),
        (("--instance_feat", "--style_channels=0"), ("style_channels",)),
        (("--nope=1",), ("nope",)),
        (("--batch_size=two",), ("--batch_size must be an integer",)),
        (("train",), ("unexpected argument 'train'", "--name=value")),
        (("--labels_file=missing.json",), ("missing.json", "Expected JSON")),
        (("--resume",), ("run", "no run to resume", "`resume`")),
        (
            ("--devices=CPU:0,CPU:1", "--batch_size=3"),
            ("`batch_size` is 3", "2 devices", "multiple of 2"),
        ),
        (
            ("--perceptual_weight=1", "--vgg_weights=missing.h5"),
            ("missing.h5",),
        ),
    ],
    ids=lambda value: value[0],
)
def test_a_flag_that_does_not_fit_is_named(drawn, tmp_path, flags, words):
    workdir = tmp_path / "run"
    result = run_inside(
        RECIPE, *arguments(drawn, f"--workdir={workdir}", *flags)
    )
    assert_one_clear_error(result, *words)
    assert not workdir.exists()


def test_a_missing_folder_is_named(data_dir):
    shutil.rmtree(data_dir / "train_label")
    result = run_inside(RECIPE, *arguments(data_dir))
    assert_one_clear_error(result, "data", "missing: train_label")
    assert not (data_dir.parent / "run").exists()


def test_an_id_above_the_flag_of_classes_is_named(data_dir):
    id_out_of_range(data_dir)
    no_labels_json(data_dir)
    result = run_inside(RECIPE, *arguments(data_dir, "--label_nc=11"))
    words = FILE, "..11. Expected 0..10", "12 classes", "--label_nc"
    assert_one_clear_error(result, *words)
    assert not (data_dir.parent / "run").exists()


def test_a_feature_map_of_another_size_is_named(data_dir):
    path = other_feature_size(data_dir)
    result = run_inside(RECIPE, *arguments(data_dir, "--load_style_maps"))
    assert_one_clear_error(result, path, "32x16", "64x32", "resize one")
    assert not (data_dir.parent / "run").exists()


def test_damaged_options_are_named(drawn, tmp_path):
    path = tmp_path / "run" / "options.json"
    path.parent.mkdir()
    path.write_text('{"options": {"data_dir"')
    result = run_inside(RECIPE, f"--workdir={path.parent}", "--resume")
    assert_one_clear_error(result, path, "damaged", "`workdir`")


def test_scenes_of_two_sizes_are_not_compiled(data_dir):
    two_sizes(data_dir)
    result = run_inside(RECIPE, *arguments(data_dir, "--jit"))
    assert_one_clear_error(result, "2 different sizes", "`resize_mode`")


def test_scenes_of_two_sizes_cannot_share_a_batch(data_dir):
    two_sizes(data_dir)
    result = run_inside(RECIPE, *arguments(data_dir, "--batch_size=2"))
    assert_one_clear_error(
        result, "2 different sizes", "`resize_mode`", "`batch_size` 1"
    )
    assert not (data_dir.parent / "run").exists()


def test_without_a_class_count_the_flag_is_asked_for(data_dir):
    no_labels_json(data_dir)
    result = run_inside(RECIPE, *arguments(data_dir))
    assert_one_clear_error(result, "`label_nc`", "35 for Cityscapes")


def test_data_or_workdir_not_given(drawn):
    for missing in ("data_dir", "workdir"):
        result = run_inside(RECIPE, *arguments(drawn, f"--{missing}="))
        assert_one_clear_error(result, f"`{missing}` is missing")


def test_a_workdir_that_cannot_be_made(drawn, tmp_path):
    # Permissions would not stop the root user.
    (tmp_path / "file").write_text("in the way")
    for workdir in (tmp_path / "file", tmp_path / "file" / "run"):
        result = run_inside(RECIPE, *arguments(drawn, f"--workdir={workdir}"))
        assert_one_clear_error(result, f"workdir={workdir}", "Choose a")
    assert (tmp_path / "file").read_text() == "in the way"


def test_no_folder_of_scenes_at_all(tmp_path):
    result = run_inside(
        RECIPE, *arguments(tmp_path / "nowhere", "--label_nc=3")
    )
    assert_one_clear_error(result, tmp_path / "nowhere", "no such folder")


def test_no_instance_maps_the_flag_is_advised(data_dir):
    shutil.rmtree(data_dir / "train_inst")
    result = run_inside(RECIPE, *arguments(data_dir))
    assert_one_clear_error(result, "train_inst", "--nouse_instances")
