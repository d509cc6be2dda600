"""ONNX files, by the real command."""

import json

import numpy as np
import pytest
from programs import assert_one_clear_error, run_inside
from tiny_models import LABELS, make_model, make_scenes, sharpen

from hdgan.models.model_file import load_model

pytest.importorskip("tf2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

TOOL = "tools.export_onnx"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    sharpen(make_model(num_downsamplings=1)).save(path)
    return path


def test_a_run_becomes_a_file(model_file, tmp_path):
    output = tmp_path / "new" / "model.onnx"
    result = run_inside(
        TOOL, f"--model={model_file.parent}", f"--output={output}"
    )
    assert result.code == 0, result.err
    assert f"ONNX file: {output}" in result.out
    assert [path.name for path in output.parent.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(output)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["labels"]) == LABELS.get_config()
    scenes = make_scenes(2, 33, 47)
    maps = {
        name: scenes[name].astype("int32")
        for name in ("label_map", "instance_map")
    }
    (photos,) = session.run(["photo"], maps)
    expected = load_model(model_file).synthesize(**maps)
    assert np.abs(photos.astype(int) - expected).max() <= 2


def test_files_and_folders_in_the_way_are_named(model_file, tmp_path):
    (tmp_path / "model.onnx").write_text("precious")
    # Before the model is loaded, which takes long.
    result = run_inside(
        TOOL, "--model=nowhere", f"--output={tmp_path / 'model.onnx'}"
    )
    assert_one_clear_error(result, tmp_path / "model.onnx", "exists already")
    path = tmp_path / "model.onnx" / "new.onnx"
    result = run_inside(TOOL, f"--model={model_file}", f"--output={path}")
    assert_one_clear_error(result, "--output", path.parent, "can't be made")
    assert (tmp_path / "model.onnx").read_text() == "precious"


def test_a_missing_model_is_named(tmp_path):
    path = tmp_path / "none.keras"
    result = run_inside(
        TOOL, f"--model={path}", f"--output={tmp_path / 'model.onnx'}"
    )
    assert_one_clear_error(result, path, "does not exist")
