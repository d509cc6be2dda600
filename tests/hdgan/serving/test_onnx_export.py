"""ONNX files, whose photographs in ONNX Runtime are those of the model."""

import json
import types

import keras
import numpy as np
import pytest
from tiny_models import LABELS, inputs_for, make_model, sharpen, synthesize

import hdgan
from hdgan.models.precision import with_precision
from hdgan.serving import export_onnx, onnx_export

onnx = pytest.importorskip("onnx")
pytest.importorskip("tf2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SMALL = {"num_downsamplings": 1}
MODELS = {
    "labels": {"ema_decay": 0.9, **SMALL},
    "local": {"preset": "pix2pixhd_1024p", **SMALL},
    "no instances": {"use_instances": False, **SMALL},
    "encoder of instances": {"styles": "instances", **SMALL},
    "encoder of labels": {"styles": "labels", **SMALL},
    "loaded": {"styles": "loaded", "style_channels": 2, **SMALL},
    "rgb": {"labels": None, "use_instances": False, **SMALL},
    "bfloat16": {"dtype": "mixed_bfloat16", **SMALL},
    "pix2pix": {"preset": "pix2pix_256"},
    "spade": {"preset": "spade_256"},
    "spade with style": {"preset": "spade_256", "styles": "image"},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models, and sessions of their ONNX files, made when first used."""
    made = {}

    def make(name):
        if name not in made:
            model = make_model(**MODELS[name])
            if name.startswith("spade"):
                # Spectral norms undo this for most kernels.
                for weight in model.generator.trainable_weights:
                    weight.assign(40 * weight)
            else:
                sharpen(model)
            if model.average_generator is not None:
                # The photographs show which generator was exported.
                model.average_generator.set_weights(
                    [3 * w for w in model.generator.get_weights()]
                )
            path = tmp_path_factory.mktemp("onnx") / "model.onnx"
            export_onnx(model, path)
            made[name] = types.SimpleNamespace(
                model=model,
                path=path,
                session=onnxruntime.InferenceSession(
                    path, providers=["CPUExecutionProvider"]
                ),
            )
        return made[name]

    return make


def _run(session, scenes):
    """Returns the photographs of scenes in ONNX Runtime."""
    scenes = {"style_photo": scenes.get("photo"), **scenes}
    inputs = {}
    for value in session.get_inputs():
        dtype = {"tensor(int32)": "int32", "tensor(uint8)": "uint8"}[value.type]
        inputs[value.name] = scenes[value.name].astype(dtype)
    return session.run(["photo"], inputs)[0]


@pytest.mark.parametrize("name", MODELS)
def test_photographs_are_those_of_synthesize(files, name):
    file = files(name)
    model = with_precision(file.model, "float32")
    sizes = [model.image_size] if model.image_size else [(1, 1), (33, 17)]
    for count, size in enumerate(sizes, 1):
        scenes = inputs_for(model, count, *size)
        photos = _run(file.session, scenes)
        expected = synthesize(model, scenes)
        assert photos.dtype == np.uint8
        assert photos.shape == expected.shape == (count, *size, 3)
        assert np.abs(photos.astype(int) - expected).max() <= 2
    # The scenes of the largest size show something.
    assert expected.std() > 5


def test_an_empty_instance_map_is_replaced_by_the_label_map(files):
    file = files("labels")
    scenes = inputs_for(file.model, 2, 17, 33)
    scenes["instance_map"][0] = 0
    photos = _run(file.session, scenes)
    expected = file.model.synthesize(scenes["label_map"][0])
    assert np.abs(photos[0].astype(int) - expected).max() <= 2


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("labels", {"label_map": "int32", "instance_map": "int32"}),
        ("no instances", {"label_map": "int32"}),
        (
            "encoder of labels",
            {
                "label_map": "int32",
                "instance_map": "int32",
                "style_photo": "uint8",
            },
        ),
        (
            "loaded",
            {
                "label_map": "int32",
                "instance_map": "int32",
                "style_map": "uint8",
            },
        ),
        ("rgb", {"label_map": "uint8"}),
    ],
)
def test_inputs_have_names_and_free_axes(files, name, inputs):
    session = files(name).session
    received = {value.name: value for value in session.get_inputs()}
    assert {key: value.type for key, value in received.items()} == {
        key: f"tensor({dtype})" for key, dtype in inputs.items()
    }
    for value in (*received.values(), *session.get_outputs()):
        assert value.shape[:3] == ["batch", "height", "width"]
    (photo,) = session.get_outputs()
    assert (photo.name, photo.type) == ("photo", "tensor(uint8)")
    assert photo.shape[3] == 3


def test_a_fixed_size_is_in_the_file(files):
    file = files("spade with style")
    for value in file.session.get_inputs():
        assert value.shape[:3] == ["batch", *file.model.image_size]


@pytest.mark.parametrize("name", MODELS)
def test_file_holds_standard_operators_of_inference_only(files, name):
    file = files(name)
    proto = onnx.load(file.path)
    onnx.checker.check_model(proto, full_check=True)
    assert {opset.domain for opset in proto.opset_import} <= {"", "ai.onnx.ml"}
    # The weights of the discriminator and of the optimizers stay out.
    num_weights = sum(
        np.prod(value.dims, dtype=int) for value in proto.graph.initializer
    )
    expected = sum(
        network.count_params()
        for network in (file.model.inference_generator, file.model.encoder)
        if network is not None
    )
    assert num_weights < expected + 1000


def test_metadata_tells_labels_preset_and_version(files):
    metadata = files("labels").session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["labels"]) == LABELS.get_config()
    assert metadata["preset"] == "tiny"
    assert metadata["version"].count(".") == 2
    metadata = files("rgb").session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["labels"]) is None


def test_an_operation_that_onnx_lacks_is_named(tmp_path):
    model = make_model(use_instances=False)
    condition = model.generator.inputs[0]
    generator = keras.Model(
        condition, keras.ops.erfinv(model.generator(condition))
    )
    for name in ("size_multiple", "size_minimum", "dropout_rate"):
        setattr(generator, name, getattr(model.generator, name))
    generator.children_policy = model.generator.children_policy
    unusual = hdgan.Pix2PixHD(
        generator, model.discriminator, labels=LABELS, use_instances=False
    )
    with pytest.raises(ValueError, match="operations of the model: Erfinv"):
        export_onnx(unusual, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_with_other_photographs_is_not_written(tmp_path, monkeypatch):
    model = sharpen(make_model())
    synthesize = model.synthesize
    monkeypatch.setattr(
        model, "synthesize", lambda *maps: synthesize(*maps) // 2
    )
    with pytest.raises(ValueError, match=r"33x17 pixels differ by up to \d+"):
        export_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_model_that_a_file_cannot_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "_MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"less than 2 GiB.*SavedModel"):
        export_onnx(make_model(), tmp_path / "model.onnx")


@pytest.mark.parametrize("library", ["tf2onnx", "onnxruntime"])
def test_a_missing_library_is_named(tmp_path, monkeypatch, library):
    find_spec = onnx_export.importlib.util.find_spec
    monkeypatch.setattr(
        onnx_export.importlib.util,
        "find_spec",
        lambda name: None if name == library else find_spec(name),
    )
    with pytest.raises(ValueError, match=f"needs {library}, .*pip install"):
        export_onnx(None, tmp_path / "model.onnx")
