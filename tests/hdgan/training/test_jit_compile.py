"""`jit_compile=True`: XLA compiles the train step."""

import keras
import numpy as np
import pytest
from tiny_models import make_model, make_scenes


def _trained(jit_compile, options, compile_options):
    """Returns the logs and the model after two batches of gradient descent."""
    model = make_model(num_downsamplings=1, encoder_downsamplings=1, **options)
    model.compile(
        keras.optimizers.SGD(0.01),
        keras.optimizers.SGD(0.01),
        jit_compile=jit_compile,
        run_eagerly=not jit_compile,
        **compile_options,
    )
    for seed in (0, 1):
        logs = model.train_on_batch(
            make_scenes(1, 16, 32, seed=seed), return_dict=True
        )
    return logs, model


@pytest.mark.parametrize(
    ("options", "compile_options"),
    [
        (
            {"ema_decay": 0.9, "num_scales": 1},
            {"gradient_accumulation_steps": 2},
        ),
        ({"styles": "instances", "num_scales": 1}, {"remat": True}),
        ({"preset": "pix2pixhd_1024p"}, {}),
    ],
    ids=["accumulation", "encoder with remat", "local"],
)
def test_xla_gives_the_same_weights(options, compile_options):
    logs, plain = _trained(False, options, compile_options)
    compiled_logs, compiled = _trained(True, options, compile_options)
    for name, value in logs.items():
        assert compiled_logs[name] == pytest.approx(value, rel=1e-3)
    for one, other in zip(compiled.weights, plain.weights, strict=True):
        np.testing.assert_allclose(
            one, other, rtol=1e-3, atol=1e-4, err_msg=one.path
        )


def test_several_replicas_are_refused(two_replicas):
    with two_replicas.scope():
        model = make_model(num_downsamplings=1)
        with pytest.raises(ValueError, match=r"XLA.*strategy of 2"):
            model.compile(jit_compile=True)
