"""Optimizers of `compile`, and callbacks of Keras that look for them."""

import keras
import numpy as np
import pytest
from tiny_models import make_model, make_scenes

from hdgan.training.torch_adam import TorchAdam


def _compile(*optimizers, **options):
    model = make_model(num_downsamplings=1, num_scales=1, **options)
    model.compile(*optimizers, run_eagerly=True)
    return model


def _fit(model, *callbacks, epochs=3, **options):
    history = model.fit(
        make_scenes(1, 16, 16),
        epochs=epochs,
        verbose=0,
        callbacks=list(callbacks),
        **options,
    )
    return history.history


def _rates(model):
    return [
        float(optimizer.learning_rate)
        for optimizer in (
            model.generator_optimizer,
            model.discriminator_optimizer,
        )
    ]


CONFIG = {"class_name": "SGD", "config": {"learning_rate": 0.25}}


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("adam", "Adam"), (CONFIG, "SGD")]
)
def test_the_same_name_or_config_gives_two_optimizers(optimizer, kind):
    model = _compile(optimizer, optimizer)
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    assert optimizers[0] is not optimizers[1]
    assert {type(one).__name__ for one in optimizers} == {kind}
    _fit(model, epochs=1)
    assert [int(one.iterations) for one in optimizers] == [1, 1]


def test_the_same_optimizer_is_refused():
    adam = keras.optimizers.Adam()
    scaled = [keras.optimizers.LossScaleOptimizer(adam) for _ in range(2)]
    for pair in ((adam, adam), (scaled[0], adam), scaled):
        with pytest.raises(ValueError, match="same optimizer object"):
            _compile(*pair)


def test_a_scheduler_sets_both_learning_rates_each_from_its_own():
    model = _compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.25))
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    logs = _fit(model, halve)
    assert _rates(model) == [0.5 / 8, 0.25 / 8]
    rates = [logs[key] for key in logs if key.startswith("learning_rate")]
    assert rates == [[0.25, 0.125, 0.0625], [0.125, 0.0625, 0.03125]]


def test_the_presets_learning_rates_are_logged_by_network():
    model = _compile()
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.125)
    logs = _fit(model, scheduler, epochs=1)
    assert logs["learning_rate_generator_optimizer"] == [0.125]
    assert logs["learning_rate_discriminator_optimizer"] == [0.125]


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_plateau_reduces_both_learning_rates(dtype):
    model = _compile(
        keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.25), dtype=dtype
    )
    reduce = keras.callbacks.ReduceLROnPlateau(
        "generator_loss", factor=0.5, patience=1, mode="min", min_delta=1e9
    )
    _fit(model, reduce)
    assert _rates(model) == [0.5 / 4, 0.25 / 4]


def test_a_rate_with_a_schedule_is_not_set():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model = _compile(keras.optimizers.SGD(schedule), "sgd")
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.125)
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        _fit(model, scheduler)


class _Weights(keras.callbacks.Callback):
    """Records a kernel of the generator after a step and in evaluation."""

    def on_train_batch_end(self, batch, logs=None):
        self.trained = self._kernel()

    def on_test_batch_end(self, batch, logs=None):
        self.evaluated = self._kernel()

    def _kernel(self):
        return self.model.generator.trainable_variables[0].numpy()


@pytest.mark.parametrize("scales_loss", [False, True])
def test_averages_of_the_optimizers_are_swapped_in_for_evaluation(scales_loss):
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    if scales_loss:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 2.0)
    model = _compile(optimizer, "sgd")
    weights = _Weights()
    scenes = make_scenes(1, 16, 16)
    _fit(
        model,
        keras.callbacks.SwapEMAWeights(),
        weights,
        epochs=2,
        validation_data=(scenes,),
    )
    average = model.optimizer.optimizers[0]._model_variables_moving_average[0]
    np.testing.assert_allclose(weights.evaluated, average, atol=1e-6)
    assert np.abs(weights.evaluated - weights.trained).max() > 1e-5
    kernel = model.generator.trainable_variables[0].numpy()
    np.testing.assert_allclose(kernel, weights.trained, atol=1e-6)


def test_without_averages_swapping_is_refused():
    model = _compile()
    with pytest.raises(ValueError, match="use_ema=True"):
        _fit(
            model,
            keras.callbacks.SwapEMAWeights(),
            validation_data=(make_scenes(1, 16, 16),),
        )


def test_other_callbacks_find_the_optimizers(tmp_path):
    model = _compile()
    scenes = make_scenes(1, 16, 16)
    _fit(
        model,
        keras.callbacks.TensorBoard(tmp_path / "logs"),
        keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.EarlyStopping("generator_loss", mode="min"),
        validation_data=(scenes,),
    )
    assert int(model.optimizer.iterations) == 3
    assert list(tmp_path.glob("logs/train/*"))


def test_a_file_holds_each_optimizer_once(tmp_path):
    model = _compile(TorchAdam(), TorchAdam())
    _fit(model, epochs=1)
    model.save_weights(tmp_path / "model.weights.h5")
    import h5py

    with h5py.File(tmp_path / "model.weights.h5") as file:
        found = [name for name in file if "optimizer" in name]
    assert sorted(found) == ["discriminator_optimizer", "generator_optimizer"]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 1
