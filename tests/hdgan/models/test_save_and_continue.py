"""A saved and loaded model continues training without a difference."""

import types
import zipfile

import keras
import numpy as np
import pytest
import vgg_weights
from tiny_models import (
    LABELS,
    inputs_for,
    make_model,
    make_scenes,
    optimizer_state,
    scenes_for,
    synthesize,
)

import hdgan
from hdgan.layers import PerceptualLoss
from hdgan.networks.vgg19 import VGG19Features
from hdgan.training.loss_terms import Perceptual

# `all_state` has every kind of state: encoder, moving average, dropout seeds.
CASES = {
    "plain": {"num_downsamplings": 1, "num_scales": 1},
    "loaded_styles": {
        "num_downsamplings": 1,
        "num_scales": 1,
        "styles": "loaded",
        "style_channels": 2,
    },
    "all_state": {
        "num_downsamplings": 1,
        "num_scales": 1,
        "styles": "labels",
        "encoder_downsamplings": 1,
        "ema_decay": 0.5,
        "dropout_rate": 0.5,
        "spectral_norm": True,
    },
}
STEPS_PER_EPOCH = 2


def _adam():
    # The rate of the third step differs from that of the second.
    schedule = hdgan.LinearDecay(
        2e-3, flat_epochs=0, decay_epochs=4, steps_per_epoch=STEPS_PER_EPOCH
    )
    return keras.optimizers.Adam(schedule, beta_1=0.5, epsilon=1e-8)


def _train_two_steps(model):
    scenes = scenes_for(model, 2, 16, 16)
    return model.fit(scenes, batch_size=1, shuffle=False, verbose=0).history


def _weights(model):
    return {weight.path: weight.numpy() for weight in model.weights}


@pytest.fixture(scope="module", params=CASES)
def run(request, tmp_path_factory):
    """A model trained for four steps, and one loaded after two of them."""
    path = tmp_path_factory.mktemp("run") / "model.keras"
    model = make_model(**CASES[request.param])
    model.compile(
        _adam(),
        _adam(),
        losses={"feature_matching": 4.0, "l1": 2.0},
        # The case with every kind of state runs as a graph.
        run_eagerly=request.param != "all_state",
    )
    _train_two_steps(model)
    model.save(path)
    at_save = _weights(model)
    seeds = [v.numpy() for v in model.non_trainable_variables]
    history = _train_two_steps(model)

    loaded = keras.models.load_model(path)
    at_load = _weights(loaded)
    loaded_seeds = [v.numpy() for v in loaded.non_trainable_variables]
    loaded_history = _train_two_steps(loaded)
    return types.SimpleNamespace(
        path=path,
        model=model,
        history=history,
        at_save=(at_save, seeds),
        loaded=loaded,
        loaded_history=loaded_history,
        at_load=(at_load, loaded_seeds),
    )


def test_loading_restores_every_weight(run):
    weights, seeds = run.at_save
    loaded_weights, loaded_seeds = run.at_load
    assert list(loaded_weights) == list(weights)
    for path, weight in weights.items():
        np.testing.assert_array_equal(loaded_weights[path], weight, path)
    for seed, loaded in zip(seeds, loaded_seeds, strict=True):
        np.testing.assert_array_equal(loaded, seed)


def test_loaded_model_trains_like_the_original(run):
    for name, values in run.history.items():
        assert run.loaded_history[name] == pytest.approx(values, rel=1e-5)
    weights, loaded = _weights(run.model), _weights(run.loaded)
    for path, weight in weights.items():
        if path.endswith("kernel"):
            assert np.abs(weight - run.at_save[0][path]).max() > 1e-4, path
        np.testing.assert_allclose(
            loaded[path], weight, atol=1e-6, err_msg=path
        )


def test_both_optimizers_continue(run):
    states = optimizer_state(run.model), optimizer_state(run.loaded)
    for state, loaded in zip(*states, strict=True):
        np.testing.assert_allclose(loaded, state, rtol=1e-3, atol=1e-7)
    for optimizer in (
        run.loaded.generator_optimizer,
        run.loaded.discriminator_optimizer,
    ):
        assert int(optimizer.iterations) == 4
        # Two epochs of four are done.
        assert float(optimizer.learning_rate) == pytest.approx(1e-3)
        assert optimizer.epsilon == 1e-8
        assert optimizer.beta_1 == 0.5


def test_a_file_keeps_labels_losses_and_configuration(run):
    loaded = run.loaded
    assert loaded.labels.names == LABELS.names
    assert loaded.labels.colors == LABELS.colors
    assert loaded.get_config() == run.model.get_config()
    for term, expected in zip(
        loaded.loss_terms, run.model.loss_terms, strict=True
    ):
        assert term.name == expected.name
        assert term.get_config() == expected.get_config()
    weights = {term.name: term.weight for term in loaded.loss_terms}
    assert weights["feature_matching"] == 4.0
    assert isinstance(
        loaded.generator_optimizer._learning_rate, hdgan.LinearDecay
    )


def test_loading_without_compiling_synthesizes_the_same(run):
    model = keras.models.load_model(run.path, compile=False)
    full = keras.models.load_model(run.path)
    assert not model.compiled
    scenes = inputs_for(model, 1, 17, 33)
    np.testing.assert_array_equal(
        synthesize(model, scenes), synthesize(full, scenes)
    )
    if run.model.generator.dropout_rate:
        np.testing.assert_array_equal(
            synthesize(model, scenes, noise_seed=3),
            synthesize(full, scenes, noise_seed=3),
        )


def test_a_file_does_not_contain_the_perceptual_network(tmp_path):
    model = make_model(num_downsamplings=1, num_scales=1)
    weights = vgg_weights.write_keras(tmp_path / "vgg19.weights.h5")
    model.compile(
        losses={
            "perceptual": Perceptual(
                3.0, PerceptualLoss(VGG19Features(weights, "raw"))
            )
        },
        run_eagerly=True,
    )
    model.train_on_batch(make_scenes(1, 16, 16))
    path = tmp_path / "model.keras"
    model.save(path)
    # VGG19 up to relu5_1 takes more than 40 MB.
    assert path.stat().st_size < 1_000_000
    with zipfile.ZipFile(path) as archive:
        assert "vgg" not in " ".join(archive.namelist()).lower()
    loaded = keras.models.load_model(path)
    (term,) = (t for t in loaded.loss_terms if t.name == "perceptual")
    features = term.loss.features
    assert (features.weights, features.inputs) == (weights, "raw")
    assert term.weight == 3.0
    assert len(loaded.weights) == len(model.weights)


def test_a_model_that_was_not_compiled_can_be_saved(tmp_path):
    model = make_model(num_downsamplings=1, num_scales=1)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert not loaded.compiled
    expected = _weights(model)
    for path, weight in _weights(loaded).items():
        np.testing.assert_array_equal(weight, expected[path], path)


def test_weights_alone_can_be_saved_and_loaded(tmp_path):
    options = {"num_downsamplings": 1, "num_scales": 1, "ema_decay": 0.9}
    model, other = (make_model(seed=seed, **options) for seed in (1, 2))
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    other.load_weights(path)
    expected = _weights(model)
    for path, weight in _weights(other).items():
        np.testing.assert_array_equal(weight, expected[path], path)
