"""`LinearDecay`: constant, then linear to zero, changed once per epoch."""

import keras
import pytest
import tensorflow as tf

import hdgan


def _rate(schedule, epoch, step=0):
    """Returns the rate. Epochs count from 1, steps of an epoch from 0."""
    steps = (epoch - 1) * schedule.steps_per_epoch + step
    return float(schedule(tf.constant(steps, "int64")))


def test_rates_of_pix2pixhd():
    schedule = hdgan.LinearDecay(2e-4, 100, 100, steps_per_epoch=2975)
    for epoch, rate in (
        (1, 2e-4),
        (100, 2e-4),
        (101, 2e-4),
        (102, 2e-4 * 0.99),
        (151, 1e-4),
        (200, 2e-4 * 0.01),
        (201, 0.0),
        (900, 0.0),
    ):
        for step in (0, 2974):
            assert _rate(schedule, epoch, step) == pytest.approx(
                rate, rel=1e-5, abs=1e-12
            ), (epoch, step)


def test_steps_that_float32_can_not_count():
    # Float32 rounds 2^24 + 1 to 2^24.
    schedule = hdgan.LinearDecay(1.0, 2**24 - 1, 4, steps_per_epoch=1)
    rates = [_rate(schedule, 2**24 + k) for k in range(5)]
    assert rates == [1.0, 0.75, 0.5, 0.25, 0.0]
    schedule = hdgan.LinearDecay(1.0, 1, 2, steps_per_epoch=2**33 + 1)
    assert _rate(schedule, 2, 2**33) == 1.0
    assert _rate(schedule, 3, 0) == 0.5


def test_no_flat_part():
    schedule = hdgan.LinearDecay(1.0, 0, 2, steps_per_epoch=3)
    assert [_rate(schedule, epoch) for epoch in (1, 2, 3)] == [1.0, 0.5, 0.0]


def test_an_optimizer_uses_the_schedule():
    optimizer = keras.optimizers.SGD(hdgan.LinearDecay(1.0, 0, 2, 1))
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    values = []
    for _ in range(3):
        optimizer.apply([tf.constant(-1.0)])
        values.append(float(weight))
    assert values == [1.0, 1.5, 1.5]


def test_config_round_trip():
    schedule = hdgan.LinearDecay(2e-4, 3, 4, steps_per_epoch=5)
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(schedule)
    )
    assert isinstance(copy, hdgan.LinearDecay)
    assert copy.get_config() == schedule.get_config()


@pytest.mark.parametrize("name", ["decay_epochs", "steps_per_epoch"])
def test_counts_below_one_are_refused(name):
    arguments = {"decay_epochs": 1, "steps_per_epoch": 1, name: 0}
    with pytest.raises(ValueError, match=name):
        hdgan.LinearDecay(1.0, flat_epochs=0, **arguments)
