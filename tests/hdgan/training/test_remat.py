"""`remat=True`: the train step recomputes activations for the gradient."""

import keras
import numpy as np
import pytest
import vgg_weights
from tiny_models import make_model, make_scenes

from hdgan.layers import PerceptualLoss
from hdgan.networks.vgg19 import VGG19Features
from hdgan.training.loss_terms import Perceptual

FLAT = {"num_downsamplings": 1, "encoder_downsamplings": 1}


def _trained(remat, losses=None, **options):
    """Returns the logs and the model after two steps of gradient descent."""
    model = make_model(**FLAT, **options)
    model.compile(
        keras.optimizers.SGD(0.01),
        keras.optimizers.SGD(0.01),
        losses=losses,
        remat=remat,
        run_eagerly=not remat,
    )
    for seed in (0, 1):
        logs = model.train_on_batch(
            make_scenes(1, 16, 32, seed=seed), return_dict=True
        )
    return logs, model


@pytest.mark.parametrize(
    "options",
    [
        {"styles": "instances", "ema_decay": 0.9, "num_scales": 1},
        {"preset": "pix2pixhd_1024p", "dropout_rate": 0.5},
        {"spectral_norm": True},
        {"norm": "batch", "num_scales": 1},
    ],
    ids=["encoder", "local with dropout", "spectral norm", "batch norm"],
)
def test_recomputation_gives_the_same_weights(options):
    logs, plain = _trained(False, **options)
    remat_logs, remat = _trained(True, **options)
    for name, value in logs.items():
        assert remat_logs[name] == pytest.approx(value, rel=1e-4)
    for one, other in zip(remat.weights, plain.weights, strict=True):
        np.testing.assert_allclose(
            one, other, rtol=1e-3, atol=1e-5, err_msg=one.path
        )


def test_recomputation_of_vgg19_gives_the_same_weights(tmp_path):
    weights = vgg_weights.write_keras(tmp_path / "vgg19.weights.h5")
    network = VGG19Features(weights)
    losses = {"perceptual": Perceptual(10.0, PerceptualLoss(network))}
    logs, plain = _trained(False, losses)
    remat_logs, remat = _trained(True, losses)
    assert remat_logs["perceptual"] == pytest.approx(logs["perceptual"], 1e-4)
    for one, other in zip(remat.weights, plain.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_recomputation_on_two_replicas_gives_the_same_weights(two_replicas):
    models = []
    for remat in (False, True):
        with two_replicas.scope():
            model = make_model(**FLAT)
            model.compile(
                keras.optimizers.SGD(0.01),
                keras.optimizers.SGD(0.01),
                remat=remat,
            )
        model.fit(
            make_scenes(4, 16, 32),
            batch_size=2,
            shuffle=False,
            verbose=0,
        )
        models.append(model)
    for one, other in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_allclose(
            one.numpy(), other.numpy(), rtol=1e-3, atol=1e-5
        )


def test_a_file_keeps_remat(tmp_path):
    model = make_model(**FLAT)
    model.compile(remat=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config()["remat"]
