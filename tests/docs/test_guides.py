"""The Python of the README and the guides runs."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_models

import hdgan.serving
from hdgan.training.loss_terms import make_losses

ROOT = pathlib.Path(__file__).parents[2]
LABELS = hdgan.LabelSet(["sky", "building", "tree", "road", "car"])


def _python_of(page):
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def _make_scene():
    """Returns label map, instance map and photo of one scene with two cars."""
    scenes = tiny_models.make_scenes(1)
    label_map, instance_map = scenes["label_map"][0], scenes["instance_map"][0]
    for number, columns in ((26001, slice(0, 8)), (26002, slice(8, 16))):
        label_map[:8, columns] = LABELS.index("car")
        instance_map[:8, columns] = number
    return label_map, instance_map, scenes["photo"][0]


@pytest.fixture
def narrow_presets(monkeypatch):
    """Makes the models of these pages narrow."""
    from_preset = hdgan.Pix2PixHD.from_preset

    def make(preset, labels):
        return from_preset(
            preset,
            labels=labels,
            base_width=4,
            discriminator_width=4,
            num_blocks=1,
        )

    monkeypatch.setattr(hdgan.Pix2PixHD, "from_preset", make)


@pytest.mark.usefixtures("narrow_presets")
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
def test_readme_trains_synthesizes_saves_and_exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    label_map, instance_map, _ = _make_scene()
    names = {
        "dataset": tf.data.Dataset.from_tensors(tiny_models.make_scenes(1)),
        "label_map": label_map,
        "instance_map": instance_map,
    }
    (code,) = _python_of("README.md")
    exec(code.replace("epochs=10", "epochs=1"), names)

    assert names["photo"].shape == (*label_map.shape, 3)
    assert keras.models.load_model("model.keras").step == 1
    assert tf.saved_model.contains_saved_model("serving/hdgan/1")


def test_guide_of_edits(monkeypatch):
    model = tiny_models.make_model(labels=LABELS, styles="instances")
    monkeypatch.setattr(hdgan, "load_model", lambda path: model)
    label_map, instance_map, photo = _make_scene()
    names = {"label_map": label_map, "instance_map": instance_map}
    replace, remove, restyle = _python_of("docs/guides/edit.md")

    # The first example is of a model without an encoder.
    with pytest.raises(ValueError, match="photo"):
        exec(replace, names)
    assert LABELS.index("tree") in label_map
    assert LABELS.index("tree") not in names["label_map"]

    exec(remove, names)
    assert not np.isin(26001, names["instance_map"])
    assert (names["label_map"][:8, :8] == LABELS.index("road")).all()

    names |= {
        "label_map": label_map,
        "instance_map": instance_map,
        "photo": photo,
    }
    exec(restyle, names)
    styles = names["styles"]
    np.testing.assert_array_equal(
        styles[instance_map == 26001][0], styles[instance_map == 26002][0]
    )
    assert names["photo"].shape == (*label_map.shape, 3)


def test_guide_of_serving_runs_an_onnx_file(tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    model = tiny_models.make_model(labels=LABELS)
    hdgan.serving.export_onnx(model, "model.onnx")
    names = {}
    exec(_python_of("docs/guides/serve.md")[1], names)
    assert names["photo"].shape == (1, 256, 512, 3)


def test_guide_of_losses_adds_a_term():
    define, use, _ = _python_of("docs/guides/add_a_loss.md")
    scenes = tiny_models.make_scenes(2)
    model = tiny_models.make_model()
    names = {"model": model}
    exec(define, names)
    exec(use, names)
    logs = model.evaluate(scenes, return_dict=True, verbose=0)

    photo = scenes["photo"] / 127.5 - 1.0
    difference = photo - model.predict(scenes, verbose=0)
    blocks = difference.reshape(2, 4, 8, 6, 8, 3).mean(axis=(2, 4))
    expected = 5.0 * np.abs(blocks).mean()
    np.testing.assert_allclose(logs["coarse_color"], expected, rtol=1e-4)
    assert logs["generator_loss"] > logs["coarse_color"]


def test_guide_of_families_has_what_presets_have():
    presets, model = _python_of("docs/guides/add_a_family.md")
    names = {}
    exec(presets, names)
    example = names["PRESETS"]["my_model_256"]
    assert example.keys() == hdgan.PRESETS["pix2pix_256"].keys()
    assert {term.name for term in make_losses(example["losses"])} == set(
        example["losses"]
    )
    for method in ("make_networks", "generate", "discriminate"):
        assert f"def {method}(" in model
        assert callable(getattr(hdgan.LabelToPhotoModel, method))
