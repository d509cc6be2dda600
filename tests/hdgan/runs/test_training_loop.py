"""Training from any step to any other."""

import keras
import pytest
from counting_model import CountingModel, count_from

from hdgan.runs.training_loop import train_steps


class EpochLog(keras.callbacks.Callback):
    """Writes down each epoch's number and steps."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append([epoch, 0])

    def on_train_batch_end(self, batch, logs=None):
        self.epochs[-1][1] += 1


@pytest.mark.parametrize(
    ("step", "num_steps", "epochs"),
    [
        (0, 8, [[0, 4], [1, 4]]),
        (0, 3, [[0, 3]]),
        (0, 6, [[0, 4], [1, 2]]),
        (4, 12, [[1, 4], [2, 4]]),
        (3, 5, [[0, 1], [1, 1]]),
        (5, 7, [[1, 2]]),
        (6, 18, [[1, 2], [2, 4], [3, 4], [4, 2]]),
    ],
)
def test_exactly_the_remaining_steps_are_trained(step, num_steps, epochs):
    model = CountingModel(step)
    log = EpochLog()
    history = train_steps(
        model, count_from, num_steps, 4, callbacks=[log], verbose=0
    )
    assert model.seen == list(range(step, num_steps))
    assert int(model.generator_optimizer.iterations) == num_steps
    assert log.epochs == epochs
    assert history.epoch[-1] == epochs[-1][0]


def test_a_callback_can_end_the_training():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model = CountingModel(1)
    train_steps(model, count_from, 12, 4, callbacks=[Stop()], verbose=0)
    assert model.seen == list(range(1, 8))


def test_stopping_anywhere_changes_nothing():
    whole = CountingModel()
    train_steps(whole, count_from, 11, 3, verbose=0)
    for stop in (1, 3, 5, 7, 9):
        parts = CountingModel()
        train_steps(parts, count_from, stop, 3, verbose=0)
        train_steps(parts, count_from, 11, 3, verbose=0)
        assert parts.seen == whole.seen


def test_a_step_of_several_batches_takes_them_all():
    for step, num_steps in ((0, 8), (3, 5), (5, 7)):
        model = CountingModel(step, gradient_accumulation_steps=3)
        log = EpochLog()
        train_steps(
            model,
            lambda step: count_from(3 * step),
            num_steps,
            4,
            callbacks=[log],
            verbose=0,
        )
        assert model.seen == list(range(3 * step, 3 * num_steps))
        assert model.step == num_steps
        # An epoch has at most four steps of three batches each.
        assert all(count % 3 == 0 for _, count in log.epochs)
        assert [epoch for epoch, _ in log.epochs] == [0, 1][step // 4 :]


@pytest.mark.parametrize("step", [8, 9])
def test_nothing_is_trained_when_nothing_is_left(step):
    model = CountingModel(step)
    assert train_steps(model, count_from, 8, 4, verbose=0) is None
    assert model.seen == []


def test_the_losses_of_an_epoch_are_those_of_its_own_steps():
    history = train_steps(CountingModel(4), count_from, 12, 4, verbose=0)
    assert history.history["loss"] == [5.5, 9.5]
