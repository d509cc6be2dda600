"""Training in `mixed_float16`: loss scales and steps that overflow."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes, optimizer_state

from hdgan.training.loss_scaling import LossScaledOptimizer
from hdgan.training.loss_terms import LossTerm

SMALL = {
    "num_downsamplings": 1,
    "num_scales": 1,
    "dtype": "mixed_float16",
}
ALL_STATE = {
    **SMALL,
    "styles": "instances",
    "encoder_downsamplings": 1,
    "ema_decay": 0.5,
}
BLACK, WHITE = np.uint8(0), np.uint8(255)


def _scaled(initial_scale=2.0**10, growth=1000, rate=0.05):
    return keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(rate, momentum=0.5), initial_scale, growth
    )


def _state(model):
    """Returns the variables that only an update may change, as NumPy arrays."""
    variables = list(model.weights)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        variables += optimizer.inner_optimizer.variables
    return [variable.numpy() for variable in variables]


def _is_equal(state, other):
    return all(
        np.array_equal(value, before)
        for value, before in zip(state, other, strict=True)
    )


def _scales(model):
    return [
        float(optimizer.dynamic_scale.numpy())
        for optimizer in (
            model.generator_optimizer,
            model.discriminator_optimizer,
        )
    ]


def _assert_equal_copies(model):
    variables = list(model.weights)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        variables += optimizer.variables
    for variable in variables:
        copies = [np.array(copy) for copy in variable.value.values]
        np.testing.assert_array_equal(*copies, err_msg=variable.path)


def _overflow_on(color, overflowing):
    """Returns a term whose gradient overflows if every pixel has one colour.

    Args:
        color: `BLACK` or `WHITE`, the colour of the photos.
        overflowing: `"generator"` or `"discriminator"`, whose loss overflows.
    """

    class Overflow(LossTerm):
        name = f"{overflowing}_overflow"
        side = overflowing

        def call(self, step):
            value = 1.0 if color == WHITE else -1.0
            is_reached = tf.reduce_all(step.scene.photo == value)
            values = step.fake
            if self.side == "discriminator":
                values = tf.cast(step.fake_outputs[0][-1], tf.float32)
            mean = tf.reduce_mean(values, axis=(1, 2, 3))
            return tf.where(is_reached, 1e30, 0.0) * mean

    return {Overflow.name: Overflow()}


def _update(dtype):
    """Returns the change of each kernel in a step of gradient descent."""
    model = make_model(**{**ALL_STATE, "dtype": dtype, "ema_decay": None})
    kernels = [w for w in model.weights if w.path.endswith("kernel")]
    start = [kernel.numpy() for kernel in kernels]
    model.compile(
        *(keras.optimizers.SGD(0.1) for _ in range(2)), run_eagerly=True
    )
    model.train_on_batch(make_scenes(2, 32, 48))
    assert int(model.generator_optimizer.iterations.numpy()) == 1
    return {
        f"{number} {kernel.path}": kernel.numpy() - before
        for number, (kernel, before) in enumerate(
            zip(kernels, start, strict=True)
        )
    }


def test_gradients_agree_with_float32():
    half, single = _update("mixed_float16"), _update("float32")
    assert list(half) == list(single)
    for name, expected in single.items():
        error = np.linalg.norm(half[name] - expected)
        assert error < 0.05 * np.linalg.norm(expected), name


def test_mixed_float16_scales_the_default_optimizers():
    model = make_model(**SMALL)
    model.compile()
    assert _scales(model) == [2.0**15, 2.0**15]
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(2e-4)


@pytest.mark.parametrize("overflowing", [0, 1], ids=["G", "D"])
def test_an_overflow_skips_both_updates_and_halves_one_scale(overflowing):
    scales = [2.0**10, 2.0**10]
    scales[overflowing] = 2.0**30
    model = make_model(**ALL_STATE)
    model.compile(*map(_scaled, scales))
    scenes = make_scenes(1, 16, 24)
    start = _state(model)
    model.train_on_batch(scenes)
    assert _is_equal(_state(model), start)
    assert model.step == 1
    expected = list(scales)
    expected[overflowing] /= 2
    assert _scales(model) == expected

    # The scale halves until nothing overflows, and training continues.
    for _ in range(40):
        model.train_on_batch(scenes)
    assert model.step == 41
    trained = int(model.generator_optimizer.iterations.numpy())
    assert trained == int(model.discriminator_optimizer.iterations.numpy())
    assert 0 < trained < 41
    expected[overflowing] = 2.0 ** (30 - (41 - trained))
    assert _scales(model) == expected
    assert np.isfinite(np.concatenate([w.ravel() for w in _state(model)])).all()


def test_the_scale_doubles_after_enough_finite_steps():
    model = make_model(**SMALL)
    model.compile(_scaled(4.0, growth=2), _scaled(8.0, growth=3))
    scales = []
    for _ in range(6):
        model.train_on_batch(make_scenes(1, 16, 24))
        scales.append(_scales(model))
    generator, discriminator = zip(*scales, strict=True)
    assert generator == (4, 8, 8, 16, 16, 32)
    assert discriminator == (8, 8, 16, 16, 16, 32)


@pytest.mark.parametrize(
    ("scale", "grown"),
    [(2.0**23, 2.0**24), (2.0**24, 2.0**24), (2.0**30, 2.0**30)],
)
def test_the_scale_has_an_upper_limit(scale, grown):
    optimizer = LossScaledOptimizer(keras.optimizers.SGD(0.1), scale, 1)
    optimizer.build([keras.Variable([1.0])])
    optimizer.adapt(tf.constant(True), tf.constant(False))
    assert float(optimizer.dynamic_scale) == grown


def test_an_overflow_resets_the_count_of_finite_steps():
    optimizer = LossScaledOptimizer(keras.optimizers.SGD(0.1), 16.0, 2)
    optimizer.build([keras.Variable([1.0])])
    scales = []
    for is_finite in (True, False, True, True, False, True, True):
        optimizer.adapt(tf.constant(is_finite), tf.constant(not is_finite))
        scales.append(float(optimizer.dynamic_scale))
    assert scales == [16, 8, 8, 16, 8, 8, 16]
    assert int(optimizer.skipped_steps) == 2


def test_an_overflow_on_one_replica_skips_the_step_on_all(two_replicas):
    """Every second batch overflows, in one loss on one replica."""
    scenes = make_scenes(18, 16, 24)
    for batch, replica, color in (
        (1, 0, WHITE),
        (3, 1, WHITE),
        (5, 0, BLACK),
        (7, 1, BLACK),
    ):
        scenes["photo"][2 * batch + replica] = color
    with two_replicas.scope():
        model = make_model(**ALL_STATE)
        terms = {
            **_overflow_on(WHITE, "generator"),
            **_overflow_on(BLACK, "discriminator"),
        }
        model.compile(_scaled(), _scaled(), terms)
    states, scales = [_state(model)], []

    def look(batch, logs):
        states.append(_state(model))
        scales.append(_scales(model))

    dataset = tf.data.Dataset.from_tensor_slices(scenes).batch(2)
    model.fit(
        dataset,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=look)],
    )
    are_equal = [_is_equal(*pair) for pair in itertools.pairwise(states)]
    assert are_equal == [False, True] * 4 + [False]
    generator, discriminator = zip(*scales, strict=True)
    assert generator == (1024, 512, 512, 256, 256, 256, 256, 256, 256)
    assert discriminator == (1024, 1024, 1024, 1024, 1024, 512, 512, 256, 256)
    assert model.step == 9
    assert int(model.generator_optimizer.iterations.numpy()) == 5
    _assert_equal_copies(model)


@pytest.mark.parametrize("strategy", ["one_replica", "two_replicas"])
def test_an_overflow_in_any_batch_skips_the_whole_step(strategy, request):
    """The first batch of the second of three steps overflows."""
    scope = tf.distribute.get_strategy()
    if strategy == "two_replicas":
        scope = request.getfixturevalue("two_replicas")
    scenes = make_scenes(12, 16, 24)
    scenes["photo"][4:6] = WHITE
    # The sums of the skipped step must not reach the next one, so the result
    # equals that of a run without the skipped step's data.
    without = {
        name: np.delete(array, np.s_[4:8], axis=0)
        for name, array in scenes.items()
    }
    with scope.scope():
        model = make_model(**ALL_STATE)
        model.compile(
            _scaled(),
            _scaled(),
            _overflow_on(WHITE, "generator"),
            gradient_accumulation_steps=2,
        )
    variables = list(model.weights)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        variables += optimizer.variables
    start = [variable.numpy() for variable in variables]
    steps, scales, states = [], [], []
    for data in (scenes, without):
        # The same model again, because tracing its step takes longest.
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        dataset = tf.data.Dataset.from_tensor_slices(data).batch(2)
        model.fit(dataset, shuffle=False, verbose=0)
        steps.append(model.step)
        scales.append(_scales(model))
        states.append(_state(model))
    assert steps == [3, 2]
    assert scales == [[512.0, 1024.0], [1024.0, 1024.0]]
    for value, expected in zip(*states, strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-3)


def test_a_file_keeps_the_scales_and_their_counts(tmp_path):
    model = make_model(**ALL_STATE)
    model.compile(_scaled(2.0**30), _scaled(16.0, growth=3))
    scenes = make_scenes(1, 16, 24)
    for _ in range(4):
        model.train_on_batch(scenes)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.step == 4
    assert _scales(loaded) == _scales(model) == [2.0**26, 32.0]
    for value, expected in zip(
        optimizer_state(loaded), optimizer_state(model), strict=True
    ):
        np.testing.assert_array_equal(value, expected)
    for _ in range(2):
        model.train_on_batch(scenes)
        loaded.train_on_batch(scenes)
    # The sixth finite step doubles the scale, so the file kept the count too.
    assert _scales(loaded) == _scales(model)
    assert _scales(loaded)[1] == 64.0
    assert loaded.step == 6


def test_an_optimizer_that_is_compiled_again_keeps_its_scale():
    model = make_model(**SMALL)
    model.compile(_scaled(), _scaled(2.0**30), run_eagerly=True)
    for _ in range(2):
        model.train_on_batch(make_scenes(1, 16, 24))
    model.compile(discriminator_optimizer=model.discriminator_optimizer)
    assert _scales(model) == [2.0**15, 2.0**28]


def test_outermost_enhancer_with_encoder_pool_and_accumulation():
    model = make_model(
        "pix2pixhd_1024p",
        styles="labels",
        num_downsamplings=1,
        encoder_downsamplings=1,
        dtype="mixed_float16",
    )
    model.compile(
        _scaled(),
        _scaled(),
        weights_to_train="outermost_enhancer",
        pool_size=1,
        gradient_accumulation_steps=2,
    )
    trained = {id(v) for v in model.trained_variables("generator")}
    trained |= {id(v) for v in model.discriminator.trainable_variables}
    kernels = [w for w in model.weights if w.path.endswith("kernel")]
    before = [kernel.numpy() for kernel in kernels]
    for seed in range(4):
        model.train_on_batch(make_scenes(1, 32, 32, seed=seed))
    assert int(model.generator_optimizer.iterations.numpy()) == 2
    for kernel, start in zip(kernels, before, strict=True):
        is_same = np.array_equal(kernel, start)
        assert is_same != (id(kernel) in trained), kernel.path


def test_float32_scales_losses_if_an_optimizer_does():
    model = make_model(num_downsamplings=1, num_scales=1)
    model.compile(_scaled(4.0), run_eagerly=True)
    model.train_on_batch(make_scenes(1, 16, 24))
    assert _scales(model) == [4.0, 2.0**15]
    assert int(model.generator_optimizer.iterations.numpy()) == 1
