"""Two replicas train like one replica on the same batches."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes, optimizer_state, synthesize

import hdgan
from hdgan.layers import PerceptualLoss

OPTIONS = {
    "styles": "instances",
    "ema_decay": 0.3,
    "num_downsamplings": 1,
    "encoder_downsamplings": 1,
}


def _dataset():
    return tf.data.Dataset.from_tensor_slices(make_scenes(6, 16, 24)).batch(
        2, drop_remainder=True
    )


def _train(model, optimizers, callbacks=(), **options):
    """Returns the logs after each step, which are means over the steps."""
    steps = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(dict(logs))
    )
    model.compile(*optimizers)
    model.fit(
        _dataset(),
        shuffle=False,
        verbose=0,
        callbacks=[record, *callbacks],
        **options,
    )
    return steps


@pytest.fixture(scope="module")
def one_replica():
    """A model after three steps of gradient descent on batches of two."""
    model = make_model(**OPTIONS)
    logs = _train(model, [keras.optimizers.SGD(0.05) for _ in range(2)])
    return types.SimpleNamespace(model=model, logs=logs)


def test_gradient_descent_gives_the_weights_of_one_replica(
    one_replica, two_replicas
):
    with two_replicas.scope():
        model = make_model(**OPTIONS)
        optimizers = [keras.optimizers.SGD(0.05) for _ in range(2)]
    start = [weight.numpy() for weight in model.weights]
    logs = _train(model, optimizers)
    for step, expected in zip(logs, one_replica.logs, strict=True):
        assert set(step) == set(expected)
        for name, value in expected.items():
            assert step[name] == pytest.approx(value, rel=1e-5), name
    moved = 0
    for weight, before, expected in zip(
        model.weights, start, one_replica.model.weights, strict=True
    ):
        np.testing.assert_allclose(
            weight.numpy(), expected.numpy(), atol=1e-5, err_msg=weight.path
        )
        moved += np.abs(weight.numpy() - before).max() > 1e-3
    assert moved > 10
    for weight in model.weights:
        copies = [np.array(copy) for copy in weight.value.values]
        np.testing.assert_array_equal(*copies, err_msg=weight.path)


def test_a_perceptual_network_that_two_replicas_recompute(two_replicas):
    results = []
    for strategy, remat in (
        (tf.distribute.get_strategy(), False),
        (two_replicas, True),
    ):
        loss = PerceptualLoss(hdgan.EfficientNetLite0Features())
        with strategy.scope():
            model = make_model(num_downsamplings=1, num_scales=1)
            model.compile(
                *(keras.optimizers.SGD(0.05) for _ in range(2)),
                losses={"perceptual": {"loss": loss}},
                remat=remat,
                run_eagerly=not remat,
            )
        logs = model.fit(_dataset().take(1), shuffle=False, verbose=0).history
        results.append((model, logs))
    (expected, expected_logs), (model, logs) = results
    assert logs["perceptual"] == pytest.approx(
        expected_logs["perceptual"], rel=1e-5
    )
    for weight, value in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_allclose(
            weight.numpy(), value.numpy(), atol=1e-5, err_msg=weight.path
        )


def test_a_file_of_two_replicas_opens_on_one(two_replicas, tmp_path):
    path = tmp_path / "two.keras"
    with two_replicas.scope():
        model = make_model(
            dropout_rate=0.5,
            ema_decay=0.3,
            num_downsamplings=1,
            num_scales=1,
        )
    steps = _train(
        model,
        [],
        callbacks=[keras.callbacks.ModelCheckpoint(path)],
        validation_data=_dataset(),
    )
    assert np.isfinite([list(step.values()) for step in steps]).all()
    loaded = keras.models.load_model(path)
    _assert_equal_models(loaded, model)
    assert loaded.generator_optimizer.iterations.numpy() == 3
    loaded.run_eagerly = True
    loaded.train_on_batch(make_scenes(2, 16, 24))


def test_a_file_of_one_replica_opens_on_two(
    one_replica, two_replicas, tmp_path
):
    path = tmp_path / "one.keras"
    one_replica.model.save(path)
    scenes = make_scenes(1, 17, 33)
    with two_replicas.scope():
        loaded = keras.models.load_model(path)
        photos = synthesize(loaded, scenes)
    _assert_equal_models(loaded, one_replica.model)
    assert loaded.generator_optimizer.iterations.numpy() == 3
    np.testing.assert_array_equal(photos, synthesize(one_replica.model, scenes))


@pytest.mark.parametrize("update_order", ["simultaneous", "alternating"])
def test_a_smaller_last_batch_trains_like_on_one_replica(
    two_replicas, update_order
):
    """The last batch gives one replica two examples and the other one."""
    scenes = make_scenes(3, 16, 24)
    dataset = tf.data.Dataset.from_tensor_slices(scenes).batch(4)
    results = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = make_model(**OPTIONS, num_scales=1)
            model.compile(
                *(keras.optimizers.SGD(0.05) for _ in range(2)),
                update_order=update_order,
                # An eager step takes less time than tracing a graph, but two
                # replicas need one.
                run_eagerly=strategy is not two_replicas,
            )
        logs = model.fit(dataset, shuffle=False, verbose=0).history
        results.append((model, logs))
    (expected, expected_logs), (model, logs) = results
    assert set(logs) == set(expected_logs)
    for name, value in expected_logs.items():
        np.testing.assert_allclose(logs[name], value, 1e-5, err_msg=name)
    for weight, value in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_allclose(
            weight.numpy(), value.numpy(), atol=1e-5, err_msg=weight.path
        )


def test_a_replica_without_examples_is_refused(two_replicas):
    dataset = tf.data.Dataset.from_tensor_slices(make_scenes(1, 16, 24))
    with two_replicas.scope():
        model = make_model(num_downsamplings=1, num_scales=1)
        model.compile()
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="drop_remainder=True"
    ):
        model.fit(dataset.batch(2), shuffle=False, verbose=0)


def _assert_equal_models(model, expected):
    for weight, value in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(
            weight.numpy(), value.numpy(), err_msg=weight.path
        )
    for state, value in zip(
        optimizer_state(model), optimizer_state(expected), strict=True
    ):
        np.testing.assert_array_equal(state, value)
