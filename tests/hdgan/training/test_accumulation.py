"""Gradient accumulation: several small batches equal one large batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes, optimizer_state

FLAT = {"num_downsamplings": 1, "num_scales": 1, "ema_decay": 0.3}
OPTIONS = {**FLAT, "styles": "instances", "encoder_downsamplings": 1}


def _compile(model, **options):
    # The update of Adam hides a constant factor on the gradient; SGD's does
    # not.
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.5),
        keras.optimizers.SGD(0.05, momentum=0.5),
        **options,
    )


def _fit(model, batch_size):
    """Trains for an epoch of twelve examples and returns its losses."""
    dataset = tf.data.Dataset.from_tensor_slices(make_scenes(12, 16, 24))
    dataset = dataset.batch(batch_size, drop_remainder=True)
    return model.fit(dataset, shuffle=False, verbose=0).history


def _assert_close(model, expected):
    pairs = [
        (weight.numpy(), other.numpy(), weight.path)
        for weight, other in zip(model.weights, expected.weights, strict=True)
    ]
    states = optimizer_state(model), optimizer_state(expected)
    pairs += [(*pair, "state") for pair in zip(*states, strict=True)]
    for value, other, name in pairs:
        np.testing.assert_allclose(value, other, atol=2e-5, err_msg=name)


@pytest.fixture(scope="module")
def large_batches():
    """A model after two steps on batches of six, and its losses."""
    model = make_model(**OPTIONS)
    start = [weight.numpy() for weight in model.weights]
    _compile(model)
    losses = _fit(model, 6)
    moved = [
        np.abs(weight.numpy() - before).max() > 1e-3
        for weight, before in zip(model.weights, start, strict=True)
    ]
    assert sum(moved) > 10
    return model, losses


def test_three_batches_equal_one_of_three_times_the_size(large_batches):
    expected, _ = large_batches
    model = make_model(**OPTIONS)
    _compile(model, gradient_accumulation_steps=3)
    _fit(model, 2)
    assert model.step == expected.step == 2
    _assert_close(model, expected)


def test_three_batches_on_two_replicas_equal_one_large_batch(
    large_batches, two_replicas
):
    expected, _ = large_batches
    with two_replicas.scope():
        model = make_model(**OPTIONS)
        _compile(model, gradient_accumulation_steps=3)
    _fit(model, 2)
    assert model.step == 2
    _assert_close(model, expected)
    for weight in model.weights:
        copies = [np.array(copy) for copy in weight.value.values]
        np.testing.assert_array_equal(*copies, err_msg=weight.path)


def test_only_the_last_batch_of_a_step_updates():
    model = make_model(**OPTIONS)
    _compile(model, gradient_accumulation_steps=3)
    scenes = make_scenes(1, 16, 24)

    def state():
        weights = [weight.numpy() for weight in model.weights]
        return [*weights, *optimizer_state(model)]

    for step in range(2):
        before = state()
        losses = []
        for _ in range(2):
            model.reset_metrics()
            losses.append(model.train_on_batch(scenes, return_dict=True))
            assert model.step == step
            for value, other in zip(state(), before, strict=True):
                np.testing.assert_array_equal(value, other)
        # Both batches see the same weights, so their losses are the same.
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        model.train_on_batch(scenes)
        assert model.step == step + 1
        moved = [
            np.abs(value - other).max() > 0
            for value, other in zip(state(), before, strict=True)
        ]
        assert sum(moved) > 20


def test_batches_of_a_step_may_differ_in_size():
    model = make_model(**FLAT)
    _compile(model, gradient_accumulation_steps=2)
    model.train_on_batch(make_scenes(1, 16, 24))
    model.train_on_batch(make_scenes(1, 20, 16))
    assert model.step == 1


def test_a_file_does_not_contain_the_sums(tmp_path):
    model = make_model(**OPTIONS)
    _compile(model, gradient_accumulation_steps=2, run_eagerly=True)
    for seed in range(3):  # The third batch starts the second step.
        model.train_on_batch(make_scenes(1, 16, 24, seed=seed))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.gradient_accumulation_steps == 2
    _assert_close(loaded, model)
    for other in (3, 4):
        loaded.train_on_batch(make_scenes(1, 16, 24, seed=other))
    expected = make_model(**OPTIONS)
    _compile(expected, gradient_accumulation_steps=2, run_eagerly=True)
    for seed in (0, 1, 3, 4):
        expected.train_on_batch(make_scenes(1, 16, 24, seed=seed))
    _assert_close(loaded, expected)


def test_a_step_of_one_batch_needs_no_additional_variables():
    model = make_model(**FLAT)
    model.compile()
    specs = {
        name: tf.TensorSpec(array.shape, array.dtype)
        for name, array in make_scenes(1).items()
    }
    step = tf.function(model.train_step).get_concrete_function(specs)
    known = [*model.variables, *model.metrics_variables]
    known += model.generator_optimizer.variables
    known += model.discriminator_optimizer.variables
    known = {id(variable.value) for variable in known}
    assert {id(variable) for variable in step.graph.variables} <= known


@pytest.mark.parametrize("value", [0, -1, 2.0])
def test_bad_number_of_batches_is_refused(value):
    with pytest.raises(
        ValueError, match=rf"gradient_accumulation_steps.*>= 1.*{value}"
    ):
        make_model(**FLAT).compile(gradient_accumulation_steps=value)
