"""Exports run by TensorFlow's C++ loader, without Python."""

import io
import pathlib
import shutil
import subprocess

import exported_models
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tiny_models import make_model

from hdgan.data.image_files import encode_png

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The C++ program, built against the installed TensorFlow."""
    source = pathlib.Path(__file__).with_name("serve.cc")
    path = tmp_path_factory.mktemp("program") / "serve"
    libraries = tf.sysconfig.get_lib()
    subprocess.run(
        [
            "g++",
            *tf.sysconfig.get_compile_flags(),
            "-O0",
            "-w",
            str(source),
            "-o",
            str(path),
            # Nothing refers to the library: its kernels register themselves.
            "-Wl,--no-as-needed",
            *tf.sysconfig.get_link_flags(),
            "-l:libtensorflow_cc.so.2",
            f"-Wl,-rpath,{libraries}",
        ],
        check=True,
    )
    return path


def _write(folder, inputs):
    folder.mkdir(parents=True)
    for name, value in inputs.items():
        proto = tf.make_tensor_proto(value)
        (folder / f"{name}.pb").write_bytes(proto.SerializeToString())


def _read(folder, name):
    error = folder / "error"
    assert not error.exists(), error.read_text()
    proto = TensorProto.FromString((folder / f"{name}.answer").read_bytes())
    return tf.make_ndarray(proto)


def _write_requests(model, requests):
    """Writes requests for every signature; returns the expected photos.

    The photos are by the names of the requests' folders, which consist of the
    signature and the size.
    """
    photos = {}
    for size in exported_models.SIZES:
        scenes, photo = exported_models.make_request(model, size)
        files = {
            f"{name.removesuffix('_map')}_bytes": [encode_png(name, array[0])]
            for name, array in scenes.items()
        }
        if not model.use_instances:
            files["instance_bytes"] = [b""]
        label = f"{size[1]}x{size[0]}"
        asked = {"serving_default": scenes, "synthesize_png": files}
        if size == exported_models.FIXED_SIZE:
            asked[f"synthesize_{label}"] = scenes
        photos |= {f"{name}-{label}": photo for name in asked}
        if model.encoder is not None:
            asked |= {"encode": scenes, "encode_png": files}
        for name, inputs in asked.items():
            _write(requests / f"{name}-{label}", inputs)
    _write(requests / "describe-it", {"request": [b""]})
    if model.style_channels:
        photos |= _write_requests_with_style(model, requests)
    return photos


def _write_requests_with_style(model, requests):
    label_map = np.zeros(exported_models.FIXED_SIZE, "uint8")
    instance_map = np.ones(exported_models.FIXED_SIZE, "int32")
    style = np.linspace(-1, 1, model.style_channels, dtype="float32")
    styles = {
        "style_instances": np.ones((1, 1), "int32"),
        "style_vectors": style[None, None],
        "style_clusters": -np.ones((1, 1), "int32"),
        "seed": np.zeros(1, "int32"),
    }
    maps = {"label_map": label_map[None], "instance_map": instance_map[None]}
    files = {
        "label_bytes": [encode_png("", label_map)],
        "instance_bytes": [encode_png("", instance_map)],
    }
    photo = model.synthesize(
        label_map,
        instance_map,
        style_map=np.broadcast_to(
            style, (*exported_models.FIXED_SIZE, len(style))
        ),
    )[None]
    asked = {
        "synthesize_with_style-33x17": maps | styles,
        "synthesize_with_style_png-33x17": files | styles,
    }
    for name, inputs in asked.items():
        _write(requests / name, inputs)
    return dict.fromkeys(asked, photo)


def _assert_styles(model, folder):
    width, height = map(int, folder.name.split("-")[1].split("x"))
    scenes, _ = exported_models.make_request(model, (height, width))
    style_map = model.encode(scenes).numpy()[0]
    ids = _read(folder, "style_instances")
    vectors = _read(folder, "style_vectors")
    assert sorted(ids) == list(np.unique(scenes["instance_map"]))
    for instance, vector in zip(ids, vectors, strict=True):
        expected = style_map[scenes["instance_map"][0] == instance]
        np.testing.assert_allclose(vector, expected[0], atol=1e-4)


def _assert_photo(folder, expected, atol):
    if (folder / "image_bytes.answer").exists():
        (contents,) = _read(folder, "image_bytes")
        image = np.asarray(Image.open(io.BytesIO(contents)))[None]
    else:
        image = _read(folder, "photo")
    assert image.shape == expected.shape
    difference = np.abs(image.astype(int) - expected)
    assert difference.max() <= atol, folder.name


@pytest.mark.journey
@pytest.mark.parametrize("name", exported_models.NAMES)
def test_photographs_are_those_of_synthesize(
    program, name, tmp_path, tmp_path_factory, two_replicas
):
    model, export = exported_models.make_exported(
        name, tmp_path_factory, two_replicas
    )
    requests = tmp_path / "requests"
    photos = _write_requests(model, requests)
    result = subprocess.run(
        [program, export, requests],
        check=True,
        capture_output=True,
        text=True,
    )
    folders = {folder.name: folder for folder in requests.iterdir()}
    # The loader adds a signature that initializes the graph.
    listed = set(result.stdout.split()) - {"__saved_model_init_op"}
    assert listed == {name.split("-")[0] for name in folders}
    description = _read(folders.pop("describe-it"), "description").item()
    assert b"num_labels" in description
    for request, photo in photos.items():
        _assert_photo(
            folders.pop(request), photo, exported_models.tolerance(name, 1)
        )
    # The folders that are left hold requests of the encoder.
    for folder in folders.values():
        _assert_styles(model, folder)


@pytest.mark.journey
def test_an_error_has_the_message_of_the_check(program, tmp_path):
    model = make_model(num_downsamplings=1)
    model.export(tmp_path / "1")
    wrong = {
        "label_map": np.full((1, 4, 4), 9, "uint8"),
        "instance_map": np.zeros((1, 4, 4), "int32"),
    }
    _write(tmp_path / "requests" / "serving_default-id", wrong)
    subprocess.run(
        [program, tmp_path / "1", tmp_path / "requests"],
        check=True,
        capture_output=True,
    )
    error = (tmp_path / "requests/serving_default-id/error").read_text()
    assert error.startswith("INVALID_ARGUMENT")
    assert "outside 0..4: this model has 5 classes" in error
