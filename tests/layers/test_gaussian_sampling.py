"""Sampling: the distribution, its gradient and its saved state."""

import keras
import numpy as np
import tensorflow as tf

from hdgan import layers

MEAN = np.full((2000, 3), 2.0, "float32")
LOG_VARIANCE = np.full((2000, 3), np.log(9.0), "float32")


def test_training_draws_from_the_distribution():
    draws = layers.GaussianSampling(seed=3)(MEAN, LOG_VARIANCE, training=True)
    assert draws.shape == MEAN.shape
    np.testing.assert_allclose(np.mean(draws), 2.0, atol=0.2)
    np.testing.assert_allclose(np.std(draws), 3.0, atol=0.2)


def test_inference_returns_the_mean():
    layer = layers.GaussianSampling()
    np.testing.assert_array_equal(layer(MEAN, LOG_VARIANCE), MEAN)


def test_gradients_reach_mean_and_log_variance():
    layer = layers.GaussianSampling(seed=3)
    mean, log_variance = tf.constant([[1.0]]), tf.constant([[0.5]])
    with tf.GradientTape() as tape:
        tape.watch([mean, log_variance])
        draw = layer(mean, log_variance, training=True)
    gradients = tape.gradient(draw, [mean, log_variance])
    np.testing.assert_allclose(gradients[0], 1.0)
    # The derivative of exp(log_variance / 2) * noise.
    np.testing.assert_allclose(gradients[1], 0.5 * (draw - mean), rtol=1e-6)


def test_a_loaded_layer_draws_what_the_saved_one_would_have_drawn(tmp_path):
    inputs = [keras.Input((3,)), keras.Input((3,))]
    outputs = layers.GaussianSampling(seed=3)(*inputs)
    model = keras.Model(inputs, outputs)
    arguments = [MEAN[:4], LOG_VARIANCE[:4]]
    first = model(arguments, training=True)
    model.save(tmp_path / "model.keras")
    expected = model(arguments, training=True)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(arguments, training=True), expected)
    assert not np.array_equal(first, expected)
    assert loaded.layers[-1].get_config()["seed"] == 3
