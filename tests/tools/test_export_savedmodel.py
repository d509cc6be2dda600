"""Versions of a served model, by the real command."""

import json
import resource

import numpy as np
import pytest
import tensorflow as tf
from programs import assert_one_clear_error, run_inside
from tiny_models import make_model, make_scenes, sharpen

from hdgan.models.model_file import load_model
from hdgan.serving.versions import export_version

TOOL = "tools.export_savedmodel"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    sharpen(make_model(num_downsamplings=1)).save(path)
    return path


@pytest.fixture(scope="module")
def versions(model_file, tmp_path_factory):
    """The folder of the versions after two exports, with the output."""
    directory = tmp_path_factory.mktemp("serving") / "new" / "hdgan"
    outs = []
    # The model by its file, then by the folder of its run.
    for model in (model_file, model_file.parent):
        result = run_inside(
            TOOL, f"--model={model}", f"--output_dir={directory}"
        )
        assert result.code == 0, result.err
        outs.append(result.out)
    return directory, outs


def test_each_export_is_the_next_version(versions):
    directory, outs = versions
    # No temporary folder is left that a server could load as a version.
    assert sorted(path.name for path in directory.iterdir()) == ["1", "2"]
    for version, out in enumerate(outs, 1):
        assert f"SavedModel: {directory / str(version)}" in out


def test_every_version_synthesizes_as_the_model_does(versions, model_file):
    directory, _ = versions
    scenes = make_scenes(2, 33, 47)
    model = load_model(model_file)
    expected = model.synthesize(scenes["label_map"], scenes["instance_map"])
    for version in ("1", "2"):
        served = (
            tf.saved_model.load(directory / version)
            .signatures["serving_default"](
                label_map=tf.constant(scenes["label_map"], tf.uint8),
                instance_map=tf.constant(scenes["instance_map"], tf.int32),
            )["photo"]
            .numpy()
        )
        assert served.dtype == np.uint8
        difference = np.abs(served.astype(int) - expected.astype(int))
        assert difference.max() <= 1


def test_versions_are_counted_from_the_highest(tmp_path):
    for name in ("9", "10", "notes", "3.old"):
        (tmp_path / name).mkdir()

    class Model:
        def export(self, directory, options):
            directory.mkdir()

    assert export_version(Model(), tmp_path) == tmp_path / "11"
    assert export_version(Model(), tmp_path, version=20).name == "20"
    assert export_version(Model(), tmp_path).name == "21"


def test_a_version_that_exists_is_not_replaced(versions, model_file):
    directory, _ = versions
    before = (directory / "2" / "saved_model.pb").read_bytes()
    # The error comes before the model is loaded, which takes long.
    for model in (model_file, "nowhere"):
        result = run_inside(
            TOOL,
            f"--model={model}",
            f"--output_dir={directory}",
            "--version=2",
        )
        assert_one_clear_error(
            result, directory / "2", "exists", "next version"
        )
    assert (directory / "2" / "saved_model.pb").read_bytes() == before


@pytest.mark.parametrize("name", ["file", "file/serving"])
def test_a_parent_that_is_a_file_is_named(model_file, tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    result = run_inside(
        TOOL, f"--model={model_file}", f"--output_dir={tmp_path / name}"
    )
    assert_one_clear_error(result, tmp_path / name, "cannot be written")


def test_a_full_disk_is_reported_in_one_line(model_file, tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Limits the size of files, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        result = run_inside(
            TOOL, f"--model={model_file}", f"--output_dir={tmp_path}"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert_one_clear_error(result, tmp_path / "1", "cannot be written")
    assert not list(tmp_path.iterdir())


def test_a_missing_model_and_a_bad_version_are_named(model_file, tmp_path):
    path = tmp_path / "none.keras"
    output_dir = f"--output_dir={tmp_path / 'serving'}"
    result = run_inside(TOOL, f"--model={path}", output_dir)
    assert_one_clear_error(result, path, "does not exist")
    for version in (0, 2**63):
        result = run_inside(
            TOOL, f"--model={model_file}", output_dir, f"--version={version}"
        )
        assert_one_clear_error(result, "`version`", "1..2**63 - 1", version)
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--served_path=/models/x"], ["--served_path", "Give --config_dir"]),
        (["--model_name=x"], ["--model_name", "Give --config_dir"]),
        (
            ["--model_name=a b", "--config_dir={folder}/config"],
            ["'a b'", "--model_name"],
        ),
    ],
)
def test_names_of_servers_are_checked_first(model_file, tmp_path, flags, words):
    result = run_inside(
        TOOL,
        f"--model={model_file}",
        f"--output_dir={tmp_path / 'serving'}",
        *[flag.format(folder=tmp_path) for flag in flags],
    )
    assert_one_clear_error(result, *words)
    assert not list(tmp_path.iterdir())


def test_flags_reach_the_signatures(model_file, tmp_path):
    result = run_inside(
        TOOL,
        f"--model={model_file}",
        f"--output_dir={tmp_path / 'hdgan'}",
        "--fixed_sizes=32x16,16x16",
        "--image_format=jpeg",
        "--max_pixels=1000",
        "--precision=bfloat16",
        "--warmup_sizes=32x16",
        f"--config_dir={tmp_path / 'config'}",
        "--served_path=/models/hdgan",
        "--model_name=streets",
    )
    assert result.code == 0, result.err
    version = tmp_path / "hdgan" / "1"
    assert (version / "assets.extra/tf_serving_warmup_requests").is_file()
    config = (tmp_path / "config" / "models.config").read_text()
    assert 'name: "streets"' in config
    assert 'base_path: "/models/hdgan"' in config
    # max_pixels allows one image of 32x16.
    batching = (tmp_path / "config" / "batching.config").read_text()
    assert "max_batch_size { value: 1 }" in batching
    signatures = tf.saved_model.load(version).signatures
    assert {"synthesize_32x16", "synthesize_16x16"} < set(signatures)
    request = tf.constant([""])
    description = signatures["describe"](request)["description"].numpy()[0]
    assert json.loads(description)["image_format"] == "jpeg"
    assert json.loads(description)["max_pixels"] == 1000
    assert json.loads(description)["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("flag", "fragment"),
    [
        ("--fixed_sizes=32", "WIDTHxHEIGHT"),
        ("--warmup_sizes=8x", "--warmup_sizes must be WIDTHxHEIGHT"),
        ("--fixed_sizes=0x8", "at least 1"),
        ("--fixed_sizes=9999x9999", "more pixels than"),
        ("--jpeg_quality=0", "1..100"),
        ("--max_pixels=0", "at least 1"),
    ],
)
def test_bad_flags_are_named(model_file, tmp_path, flag, fragment):
    result = run_inside(
        TOOL, f"--model={model_file}", f"--output_dir={tmp_path / 'new'}", flag
    )
    assert_one_clear_error(result, fragment)
    assert not (tmp_path / "new").exists()
