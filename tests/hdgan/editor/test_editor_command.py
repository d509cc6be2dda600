"""The editor in front of a served model, and the command that starts it."""

import io
import json
import re
import signal
import socket

import numpy as np
import programs
import pytest
import requests
import standin_server
from editor_server import CAR, LABELS, make_studio
from PIL import Image
from starlette.testclient import TestClient

from hdgan.editing import choose_cluster, synthesize_scene
from hdgan.editing.scene_file import dump_scene
from hdgan.editor import ServingBackend, Studio, make_app
from hdgan.models.model_file import save_model
from hdgan.serving.versions import export_version


@pytest.fixture(scope="module")
def model():
    return make_studio().backend._model


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    """A server of the model."""
    folder = tmp_path_factory.mktemp("served") / "hdgan"
    with standin_server.start(str(export_version(model, folder))) as server:
        yield server


@pytest.fixture
def backend(served):
    backend = ServingBackend(served.rest_url)
    yield backend
    backend.close()


def test_a_served_model_makes_the_same_photographs(backend, model):
    studio, local = Studio(backend), make_studio()
    assert (
        studio.describe()["style"]["centers"]
        == (local.describe()["style"]["centers"])
    )
    scene = local.first_scene()
    instance = next(iter(scene.objects("car")))
    scene = choose_cluster(model, scene, instance, 2).replace(seed=5)
    expected = synthesize_scene(model, scene).astype(int)
    found = backend.synthesize(scene)
    assert np.abs(found - expected).max() <= 1
    assert backend.list_styles(scene) == local.backend.list_styles(scene)


def test_a_served_encoder_finds_the_same_styles(backend):
    local = make_studio()
    scene = local.first_scene()
    shape = (*scene.size, 3)
    photo = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    found = backend.encode_styles(scene, photo)
    expected = local.backend.encode_styles(scene, photo)
    assert found.keys() == expected.keys()
    for region, style in expected.items():
        np.testing.assert_allclose(found[region], style, atol=1e-4)


def test_a_failing_model_server_is_reported(served, backend):
    studio = Studio(backend)
    client = TestClient(make_app(studio), base_url="http://127.0.0.1")
    scene = json.loads(dump_scene(studio.first_scene()))
    session = client.post("/api/sessions", json=scene).json()["session"]
    path = f"/api/sessions/{session}/photograph"
    request = {"sequence": 1, "version": 0, "step": 1}
    served.name = "another"
    try:
        answer = client.post(path, json=request)
    finally:
        served.name = "hdgan"
    assert answer.status_code == 502
    assert "server of the model" in answer.json()["error"]
    answer = client.post(path, json={**request, "sequence": 2})
    with Image.open(io.BytesIO(answer.content)) as image:
        # The width that the model was trained at.
        assert image.size == (128, 64)


# === The command ===


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], ["--model", "--serving_url"]),
        (["--model=a", "--serving_url=http://b"], ["two sources"]),
        (["--model=missing.keras"], ["missing.keras", "does not exist"]),
        (["--model=a", "--max_pixels=0"], ["--max_pixels"]),
        (["--serving_url=ftp://b"], ["http://HOST:PORT"]),
    ],
)
def test_wrong_flags_are_one_clear_error(flags, words):
    result = programs.run_inside("tools.editor", *flags)
    programs.assert_one_clear_error(result, *words)


def test_a_port_in_use_is_one_clear_error(model, tmp_path):
    save_model(model, tmp_path / "model.keras")
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        result = programs.run_inside(
            "tools.editor",
            f"--model={tmp_path}",
            f"--port={port}",
            "--noopen_browser",
        )
    programs.assert_one_clear_error(result, port, "--port")


def test_scenes_of_a_data_set_are_opened(model, tmp_path):
    programs.run_inside(
        "tools.draw_scenes",
        f"--output_dir={tmp_path}",
        "--count=2",
        "--width=256",
        "--height=128",
    )
    studio = Studio(make_studio().backend, data_dir=tmp_path)
    assert studio.scene_names() == ["street_00000", "street_00001"]
    # As large as those of the training.
    assert studio.first_scene().size == (64, 128)
    assert studio.first_scene().labels == LABELS
    assert {shape["class"] for shape in studio.describe_shapes()} <= {
        CAR,
        CAR + 1,
    }
    with pytest.raises(ValueError, match="no such folder"):
        Studio(make_studio().backend, data_dir=tmp_path / "missing")


def test_the_command_serves_until_it_is_stopped(model, tmp_path):
    save_model(model, tmp_path / "model.keras")
    process = programs.start(
        "tools.editor",
        f"--model={tmp_path}",
        "--host=0.0.0.0",
        "--port=0",
        "--noopen_browser",
    )
    line = process.stdout.readline()
    port = re.search(r"http://\S+:(\d+)/", line)[1]
    facts = requests.get(f"http://127.0.0.1:{port}/api/editor", timeout=30)
    assert facts.json()["model"] == tmp_path.name
    process.send_signal(signal.SIGINT)
    result = programs.finish(process)
    assert result.code == 130
    assert "without a password" in result.err
    assert "Traceback" not in result.err
