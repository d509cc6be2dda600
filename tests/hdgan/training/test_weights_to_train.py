"""`weights_to_train`: the whole generator or its outermost enhancer."""

import keras
import numpy as np
import pytest
from tiny_models import make_model, make_scenes

from hdgan.models.pix2pixhd.pytorch_checkpoint import named_layers


def _make_model():
    return make_model(
        "pix2pixhd_1024p",
        styles="instances",
        num_enhancers=2,
        num_downsamplings=1,
        encoder_downsamplings=1,
    )


def _trained_by_a_step(model):
    """Returns the parts that a step changes, and the parts that it does not.

    Parts have the names of the original PyTorch code.
    """
    layers = {
        f"{letter}/{name}": layer
        for letter, network in (
            ("G", model.generator),
            ("D", model.discriminator),
            ("E", model.encoder),
        )
        for name, layer in named_layers(network)
    }
    before = {name: layer.kernel.numpy() for name, layer in layers.items()}
    model.train_on_batch(make_scenes(1, 32, 32))
    trained, untouched = set(), set()
    for name, layer in layers.items():
        is_same = np.array_equal(layer.kernel, before[name])
        part = name.split(".")[0].split("_layer")[0]
        (untouched if is_same else trained).add(part)
    assert not trained & untouched  # No part may change only in some layers.
    return trained, untouched


SCALES = {"D/scale0", "D/scale1", "D/scale2"}
INNER = {"G/model", "G/model1_1", "G/model1_2"}
OUTERMOST = {"G/model2_1", "G/model2_2"}


def test_outermost_enhancer_leaves_the_other_parts_unchanged():
    model = _make_model()
    model.compile(weights_to_train="outermost_enhancer", run_eagerly=True)
    trained, untouched = _trained_by_a_step(model)
    assert trained == OUTERMOST | SCALES | {"E/model"}
    assert untouched == INNER


def test_all_trains_every_part():
    model = _make_model()
    model.compile(run_eagerly=True)
    trained, untouched = _trained_by_a_step(model)
    assert trained == INNER | OUTERMOST | SCALES | {"E/model"}
    assert not untouched


def test_all_after_the_enhancer_keeps_the_discriminators_optimizer(tmp_path):
    model = _make_model()
    model.compile(weights_to_train="outermost_enhancer", run_eagerly=True)
    for _ in range(3):
        model.train_on_batch(make_scenes(1, 32, 32))
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    assert (
        model.get_compile_config()["weights_to_train"] == "outermost_enhancer"
    )
    state = [v.numpy() for v in model.discriminator_optimizer.variables]
    model.compile(
        discriminator_optimizer=model.discriminator_optimizer,
        run_eagerly=True,
    )
    for variable, value in zip(
        model.discriminator_optimizer.variables, state, strict=True
    ):
        np.testing.assert_array_equal(variable, value)
    trained, untouched = _trained_by_a_step(model)
    assert trained >= INNER | OUTERMOST
    assert not untouched
    assert int(model.generator_optimizer.iterations) == 1
    assert int(model.discriminator_optimizer.iterations) == 4


def test_a_generator_without_enhancer_or_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match=r"LocalEnhancer.*GlobalGenerator"):
        make_model().compile(weights_to_train="outermost_enhancer")
    with pytest.raises(ValueError, match=r"weights_to_train.*'all'.*'global'"):
        make_model().compile(weights_to_train="global")
