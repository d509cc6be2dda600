"""`TorchAdam`: Adam as PyTorch computes it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan.training.torch_adam import TorchAdam

RATES = (2e-3, 1e-3, 5e-4)


def _adam_by_hand(start, gradients, rates):
    """Kingma and Ba, 2015, algorithm 1, in float64.

    Epsilon is added after the bias correction.
    """
    weight = start.astype("float64")
    m = np.zeros_like(weight)
    v = np.zeros_like(weight)
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True)):
        m = 0.5 * m + 0.5 * gradient
        v = 0.999 * v + 0.001 * gradient.astype("float64") ** 2
        m_hat = m / (1 - 0.5 ** (step + 1))
        v_hat = v / (1 - 0.999 ** (step + 1))
        weight = weight - rate * m_hat / (np.sqrt(v_hat) + 1e-8)
    return weight


@pytest.fixture
def run():
    draw = np.random.default_rng(0)
    start = draw.standard_normal(200, "float32")
    # From gradients far below epsilon to gradients far above it.
    sizes = 10.0 ** draw.uniform(-11, 0, 200)
    gradients = [
        (sizes * draw.standard_normal(200)).astype("float32") for _ in RATES
    ]
    return start, gradients


class _Rates(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return tf.gather(tf.constant(RATES), tf.cast(step, tf.int32))


def _take(optimizer, start, gradients):
    weight = keras.Variable(start)
    optimizer.build([weight])
    step = tf.function(lambda g: optimizer.apply([g], [weight]))
    for gradient in gradients:
        step(tf.constant(gradient))
    return weight.numpy()


def test_steps_follow_the_paper(run):
    start, gradients = run
    weight = _take(TorchAdam(_Rates()), start, gradients)
    expected = _adam_by_hand(start, gradients, RATES)
    np.testing.assert_allclose(weight, expected, atol=1e-6)
    # The Adam of Keras differs where gradients are small.
    keras_adam = keras.optimizers.Adam(_Rates(), 0.5, 0.999, 1e-8)
    other = _take(keras_adam, start, gradients)
    assert np.abs(other - expected).max() > 1e-4


def test_steps_agree_with_pytorch(run):
    torch = pytest.importorskip("torch")
    start, gradients = run
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = torch.optim.Adam([weight], betas=(0.5, 0.999))
    for gradient, rate in zip(gradients, RATES, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    received = _take(TorchAdam(_Rates()), start, gradients)
    np.testing.assert_allclose(received, weight.detach().numpy(), atol=1e-6)


def test_two_replicas_update_every_copy(run, two_replicas):
    start, gradients = run
    with two_replicas.scope():
        weight = keras.Variable(start)
        optimizer = TorchAdam(_Rates())
        optimizer.build([weight])

    @tf.function
    def step(gradient):
        # The optimizer sums over replicas, so each contributes a half.
        two_replicas.run(lambda: optimizer.apply([gradient / 2], [weight]))

    for gradient in gradients:
        step(tf.constant(gradient))
    expected = _adam_by_hand(start, gradients, RATES)
    for copy in two_replicas.experimental_local_results(weight.value):
        np.testing.assert_allclose(copy.numpy(), expected, atol=1e-6)


def test_config_round_trip():
    optimizer = TorchAdam(1e-3, beta_1=0.7, epsilon=1e-6)
    saved = keras.saving.serialize_keras_object(optimizer)
    loaded = keras.saving.deserialize_keras_object(saved)
    assert type(loaded) is TorchAdam
    assert loaded.get_config() == optimizer.get_config()
