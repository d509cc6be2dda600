"""The Python of the README and the guides runs."""

import functools
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_models
from PIL import Image

import hdgan.serving
from hdgan.data.image_files import write_png
from hdgan.data.street.data_set import draw_scenes
from hdgan.training.loss_terms import make_losses

ROOT = pathlib.Path(__file__).parents[2]
LABELS = hdgan.LabelSet(
    ["sky", "building", "tree", "road", "car"], things=["car"]
)


def _python_of(page):
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def _make_scene():
    """Returns label map, instance map and photo of a scene with three cars."""
    scenes = tiny_models.make_scenes(1)
    label_map, instance_map = scenes["label_map"][0], scenes["instance_map"][0]
    label_map[label_map == LABELS.index("car")] = LABELS.index("road")
    for number in (1, 2, 3):
        columns = slice(8 * number - 8, 8 * number)
        label_map[:8, columns] = LABELS.index("car")
        instance_map[:8, columns] = 26000 + number
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
    draw_scenes("data", "train", 1, height=32, width=64)
    small = functools.partial(
        hdgan.data.load_folder, resizing=hdgan.data.ResizePolicy(load_size=64)
    )
    monkeypatch.setattr(hdgan.data, "load_folder", small)
    label_map, instance_map, _ = _make_scene()
    names = {"label_map": label_map, "instance_map": instance_map}
    (code,) = _python_of("README.md")
    exec(code.replace("epochs=10", "epochs=1"), names)

    assert names["photo"].shape == (*label_map.shape, 3)
    assert keras.models.load_model("model.keras").step == 1
    assert tf.saved_model.contains_saved_model("serving/hdgan/1")


def _write_scene(label_map, instance_map):
    for kind, ids in (("label", label_map), ("inst", instance_map)):
        folder = pathlib.Path("data", f"test_{kind}")
        folder.mkdir(parents=True)
        write_png(folder / "street_01000.png", ids.astype("uint16"))


def test_guide_of_edits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = tiny_models.make_model(labels=LABELS, styles="instances")
    clusters = {LABELS.index("car"): [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]}
    model.style_clusters = hdgan.StyleClusters(clusters)
    monkeypatch.setattr(hdgan, "load_model", lambda path: model)
    label_map, instance_map, photo = _make_scene()
    _write_scene(label_map, instance_map)
    names = {}
    replace, rearrange, restyle = _python_of("docs/guides/edit.md")
    exec(replace, names)
    assert LABELS.index("tree") in names["scene"].label_map
    assert LABELS.index("tree") not in names["edited"].label_map
    np.testing.assert_array_equal(Image.open("edited.png"), names["photo"])

    exec(rearrange, names)
    first, second, _ = names["scene"].objects("car")
    regions = [
        scene.region(second) for scene in (names["scene"], names["edited"])
    ]
    before, after = (np.flatnonzero(mask.any(axis=0))[0] for mask in regions)
    assert after - before == 4
    # One was removed, and one added, which gets the free id.
    assert len(names["edited"].objects("car")) == 3

    names["photo"] = photo
    exec(restyle, names)
    styles = names["repainted"].styles
    assert styles[first] == styles[second] == (0.5, 0.5, 0.5)
    assert styles[names["third"]] == names["styles"][first]
    assert names["photo"].shape == photo.shape


def test_guide_of_synthesis(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = tiny_models.make_model(labels=LABELS)
    monkeypatch.setattr(hdgan, "load_model", lambda path: model)
    label_map, instance_map, _ = _make_scene()
    _write_scene(label_map, instance_map)
    names = {}
    (code,) = _python_of("docs/guides/synthesize.md")
    exec(code, names)
    photo = np.asarray(Image.open("photo.png"))
    np.testing.assert_array_equal(photo, names["photo"])


def test_guide_of_data_imports_masks_of_colors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw_scenes("mine", "train", 1, height=32, width=64)
    labels = hdgan.LabelSet.load("mine/labels.json")
    mine = pathlib.Path("mine")
    (mine / "train_img").rename(mine / "images")
    (mine / "masks").mkdir()
    name = "street_00000.png"
    label_map = np.array(Image.open(mine / "train_label" / name))
    Image.fromarray(labels.colorize(label_map)).save(mine / "masks" / name)
    lines = [
        f"{red} {green} {blue} {name}\n"
        for name, (red, green, blue) in zip(
            labels.names, labels.colors, strict=True
        )
    ]
    (mine / "colors.txt").write_text("".join(lines))
    (code,) = _python_of("docs/guides/data.md")
    exec(code, {})
    assert "1 scenes; no problems" in capsys.readouterr().out
    found = np.array(Image.open(f"data/mine/train_label/{name}"))
    np.testing.assert_array_equal(found, label_map)
    assert hdgan.LabelSet.load("data/mine/labels.json") == labels


def test_guide_of_troubleshooting_counts_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw_scenes("data", "train", 2, height=32, width=64)
    exec(_python_of("docs/guides/troubleshooting.md")[0], {})
    lines = capsys.readouterr().out.splitlines()
    assert "unlabelled: 0.000% of the pixels, 0 scenes" in lines
    shares = [
        float(share) for share in re.findall(r": ([\d.]+)%", "\n".join(lines))
    ]
    assert sum(shares) == pytest.approx(100, abs=0.01)


def test_guide_of_serving_runs_an_onnx_file(tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    model = tiny_models.make_model(labels=LABELS)
    hdgan.serving.export_onnx(model, "model.onnx")
    names = {}
    exec(_python_of("docs/guides/serve.md")[1], names)
    assert names["photo"].shape == (1, 256, 512, 3)


def test_guide_of_evaluation(capsys):
    random = np.random.default_rng(0)
    label_maps, predicted = random.integers(0, 35, (2, 3, 8, 8))
    photos, generated = random.integers(0, 256, (2, 4, 32, 32, 3), "uint8")
    names = {
        "label_maps": label_maps,
        "predicted": predicted,
        "photos": photos,
        "generated": generated,
    }
    (code,) = _python_of("docs/guides/evaluate.md")
    exec(code, names)
    assert names["scores"].confusion_matrix().sum() == (label_maps != 34).sum()
    assert np.isfinite(names["distance"].standard_error())


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
