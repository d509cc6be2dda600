"""Files of older versions load, synthesize and train as before."""

import keras
import numpy as np
import pytest
from golden_weights import FOLDER
from tiny_models import synthesize

import hdgan

SAVED = FOLDER / "saved"
NAMES = ("pix2pixhd_styles", "pix2pix", "pix2pixhd_1024p")


@pytest.fixture(scope="module")
def expected():
    """Scenes, with the photographs and losses of the version that saved."""
    with np.load(SAVED / "expected.npz") as file:
        return dict(file)


def _scenes(expected, name):
    prefix = f"{name}/in/"
    scenes = {
        key.removeprefix(prefix): array
        for key, array in expected.items()
        if key.startswith(prefix)
    }
    if "feature_map" in scenes:
        scenes["style_map"] = scenes.pop("feature_map")
    return scenes


@pytest.mark.parametrize("name", NAMES)
def test_an_old_file_synthesizes_the_same(name, expected):
    model = hdgan.load_model(SAVED / f"{name}.keras")
    scenes = {k: v[:1] for k, v in _scenes(expected, name).items()}
    if model.encoder is None:
        del scenes["photo"]
    photo = synthesize(model, scenes)
    difference = np.abs(photo.astype(int) - expected[f"{name}/photo"])
    # pix2pixhd_1024p is in float16, whose rounding differs by processor.
    assert difference.max() <= (2 if name == "pix2pixhd_1024p" else 1)


@pytest.mark.parametrize("name", NAMES)
def test_an_old_file_trains_the_same(name, expected):
    model = keras.models.load_model(SAVED / f"{name}.keras")
    scenes = {k: v[:1] for k, v in _scenes(expected, name).items()}
    history = model.fit(scenes, batch_size=1, verbose=0, shuffle=False).history
    losses = [
        history[f"{side}_loss"][0] for side in ("generator", "discriminator")
    ]
    tolerance = 1e-2 if name == "pix2pixhd_1024p" else 1e-4
    np.testing.assert_allclose(losses, expected[f"{name}/next"], rtol=tolerance)


def test_an_old_file_keeps_its_compile_arguments():
    config = keras.models.load_model(
        SAVED / "pix2pixhd_1024p.keras"
    ).get_compile_config()
    assert config["weights_to_train"] == "outermost_enhancer"
    assert config["remat"] is True
    terms = {term["class_name"]: term["config"] for term in config["losses"]}
    assert terms["L1"] == {"weight": 2.0}
    assert terms["GeneratorAdversarial"]["kind"] == "hinge"
    assert terms["DiscriminatorReal"]["weight"] == 0.5
