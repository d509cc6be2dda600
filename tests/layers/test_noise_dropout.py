"""Dropout that a context turns on at inference."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers

X = np.ones((2, 8, 8, 4), "float32")


@pytest.fixture
def layer():
    return layers.NoiseDropout(0.5)


def noisy(layer, seed, **kwargs):
    with layers.dropout_noise(keras.random.SeedGenerator(seed)):
        return layer(X, **kwargs).numpy()


def test_off_at_inference_on_in_training(layer):
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer(X, training=False), X)
    trained = layer(X, training=True).numpy()
    assert set(np.unique(trained)) == {0.0, 2.0}


def test_on_inside_the_context_and_off_after_it(layer):
    inside = noisy(layer, 0, training=False)
    assert set(np.unique(inside)) == {0.0, 2.0}
    assert 0.35 < np.mean(inside == 0) < 0.65
    np.testing.assert_array_equal(layer(X), X)


def test_off_after_an_error_inside_the_context(layer):
    with (
        pytest.raises(RuntimeError, match="stop"),
        layers.dropout_noise(keras.random.SeedGenerator(0)),
    ):
        raise RuntimeError("stop")
    np.testing.assert_array_equal(layer(X), X)


def test_the_seed_decides_the_noise(layer):
    np.testing.assert_array_equal(noisy(layer, 3), noisy(layer, 3))
    assert np.any(noisy(layer, 3) != noisy(layer, 4))


def test_each_call_draws_new_noise_eager_and_traced(layer):
    seed_generator = keras.random.SeedGenerator(1)
    with layers.dropout_noise(seed_generator):
        assert np.any(layer(X).numpy() != layer(X).numpy())

        @tf.function
        def traced():
            return layer(X, training=False)

        assert np.any(traced().numpy() != traced().numpy())


def test_rate_zero_is_the_identity():
    np.testing.assert_array_equal(noisy(layers.NoiseDropout(0.0), 0), X)


def test_noise_leaves_batch_statistics_in_inference_mode():
    block = layers.ResidualBlock(norm="batch", dropout_rate=0.5)
    block(X)
    image = np.random.default_rng(0).standard_normal(X.shape, "float32")
    block(image, training=True)
    statistics = [np.array(w) for w in block.get_weights()]
    plain = block(image, training=False).numpy()
    with layers.dropout_noise(keras.random.SeedGenerator(0)):
        noise = block(image, training=False).numpy()
    assert np.any(noise != plain)
    for before, after in zip(statistics, block.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(block(image, training=False), plain)
