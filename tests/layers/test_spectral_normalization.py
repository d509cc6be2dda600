"""Spectral normalization, compared with TensorFlow Addons and the formula."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "tfa_layers.npz"


def l2(vector):
    return vector / np.sqrt(np.sum(vector**2))


@pytest.fixture
def dense():
    """A built layer of 5 inputs and 3 outputs, and an identity as its input."""
    layer = layers.SpectralNormalization(keras.layers.Dense(3))
    identity = tf.eye(5)
    layer(identity)
    layer.layer.kernel.assign(keras.random.normal((5, 3), seed=2))
    return layer, identity


def test_output_and_vector_are_those_of_tensorflow_addons():
    golden = np.load(GOLDEN)
    convolution = keras.layers.Conv2D(8, 4, strides=2)
    layer = layers.SpectralNormalization(convolution)
    layer.build(golden["input"].shape)
    convolution.set_weights([golden["sn_kernel"], golden["sn_bias"]])
    layer.u.assign(golden["sn_u"])
    output = layer(golden["input"], training=True)
    np.testing.assert_allclose(output, golden["sn_output"], atol=2e-5)
    np.testing.assert_allclose(layer.u, golden["sn_u_after"], atol=1e-6)
    # TensorFlow Addons overwrites the kernel; this layer doesn't.
    np.testing.assert_array_equal(convolution.kernel, golden["sn_kernel"])


def test_gradient_flows_through_sigma(dense):
    layer, identity = dense
    kernel = layer.layer.kernel.numpy().astype("float64")
    u = layer.u.numpy().astype("float64")
    v = l2(u @ kernel.T)
    next_u = l2(v @ kernel)
    sigma = (v @ kernel @ next_u.T).item()
    cotangent = np.random.default_rng(0).standard_normal((5, 3))
    with tf.GradientTape() as tape:
        output = layer(identity, training=True)
        value = tf.reduce_sum(output * cotangent.astype("float32"))
    gradient = tape.gradient(value, layer.layer.kernel.value)
    through_sigma = np.sum(cotangent * kernel) / sigma**2 * (v.T @ next_u)
    analytic = cotangent / sigma - through_sigma
    assert np.abs(through_sigma).max() > 0.01
    np.testing.assert_allclose(gradient, analytic, atol=1e-5)


def test_training_converges_to_the_largest_singular_value(dense):
    layer, identity = dense
    for _ in range(60):
        output = layer(identity, training=True)
    assert np.linalg.norm(output, 2) == pytest.approx(1.0, abs=1e-4)


def test_more_power_iterations_are_more_calls(dense):
    one, identity = dense
    three = layers.SpectralNormalization(
        keras.layers.Dense(3), power_iterations=3
    )
    three(identity)
    three.set_weights(one.get_weights())
    for _ in range(3):
        output = one(identity, training=True)
    np.testing.assert_allclose(
        three(identity, training=True), output, atol=1e-6
    )


def test_inference_moves_nothing_and_uses_the_last_training_vector(dense):
    layer, identity = dense
    layer(identity, training=True)
    before = layer.get_weights()
    first = layer(identity, training=False)
    second = layer(identity, training=False)
    np.testing.assert_array_equal(first, second)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    kernel, u = layer.layer.kernel.numpy(), layer.u.numpy()
    sigma = np.linalg.norm(u @ kernel.T)
    np.testing.assert_allclose(first, kernel / sigma, atol=1e-6)


def test_training_moves_only_the_vector(dense):
    layer, identity = dense
    kernel, u = layer.layer.kernel.numpy(), layer.u.numpy()
    layer(identity, training=True)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), kernel)
    assert np.abs(layer.u.numpy() - u).max() > 0.01
    assert np.linalg.norm(layer.u) == pytest.approx(1.0, abs=1e-5)


def test_vector_moves_inside_a_traced_step(dense):
    layer, identity = dense
    before = layer.u.numpy()
    tf.function(lambda: layer(identity, training=True))()
    assert np.abs(layer.u.numpy() - before).max() > 0.01


def test_one_iteration_of_each_layer_in_a_step(dense):
    layer, identity = dense
    kernel, u = layer.layer.kernel.numpy(), layer.u.numpy()
    v = l2(u @ kernel.T)
    next_u = l2(v @ kernel)
    sigma = (v @ kernel @ next_u.T).item()
    with layers.one_power_iteration():
        first = layer(identity, training=True)
        second = layer(identity, training=True)
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(layer(identity, training=True) ** 2)
    np.testing.assert_allclose(first, kernel / sigma, atol=1e-5)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(layer.u, next_u, atol=1e-6)
    assert tape.gradient(value, layer.layer.kernel.value) is not None
    # Outside, every training call iterates.
    layer(identity, training=True)
    np.testing.assert_allclose(
        layer.u, l2(l2(next_u @ kernel.T) @ kernel), atol=1e-6
    )


def test_steps_do_not_share_their_vectors(dense):
    layer, identity = dense
    vectors = []
    for _ in range(3):
        with layers.one_power_iteration():
            layer(identity, training=True)
        vectors.append(layer.u.numpy())
    assert not np.allclose(vectors[0], vectors[1], atol=1e-6)
    assert not np.allclose(vectors[1], vectors[2], atol=1e-7)


@pytest.mark.parametrize("store_v", [False, True])
def test_before_training_sigma_is_near_the_largest_singular_value(store_v):
    convolution = keras.layers.Conv2D(16, 3, use_bias=False)
    layer = layers.SpectralNormalization(convolution, store_v=store_v)
    output = layer(np.ones((1, 3, 3, 8), "float32"))
    sigma = convolution(np.ones((1, 3, 3, 8), "float32")) / output
    matrix = convolution.kernel.numpy().reshape(-1, 16)
    largest = np.linalg.norm(matrix, 2)
    assert np.all((0.4 * largest < sigma) & (sigma < 1.001 * largest))


@pytest.mark.parametrize("store_v", [False, True])
def test_a_kernel_of_zeros_stays_zero_until_it_is_trained(store_v):
    layer = layers.SpectralNormalization(
        keras.layers.Dense(3, kernel_initializer="zeros"), store_v=store_v
    )
    identity = tf.eye(5)
    layer.build((None, 5))
    before = layer.u.numpy()
    with tf.GradientTape() as tape:
        output = layer(identity, training=True)
        value = tf.reduce_sum(output)
    np.testing.assert_array_equal(output, np.zeros((5, 3)))
    np.testing.assert_array_equal(layer(identity), np.zeros((5, 3)))
    gradient = tape.gradient(value, layer.layer.kernel.value)
    np.testing.assert_array_equal(gradient, np.ones((5, 3)))
    np.testing.assert_array_equal(layer.u, before)
    layer.layer.kernel.assign(keras.random.normal((5, 3), seed=2))
    for _ in range(60):
        output = layer(identity, training=True)
    assert np.linalg.norm(output, 2) == pytest.approx(1.0, abs=1e-4)


def test_a_kernel_too_small_for_its_squares_is_normalized_too(dense):
    layer, identity = dense
    layer.layer.kernel.assign(1e-9 * layer.layer.kernel)
    for _ in range(60):
        output = layer(identity, training=True)
    assert np.linalg.norm(output, 2) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("store_v", [False, True])
def test_half_precision_keeps_its_vectors_in_float32(store_v):
    # The wrapped layer has the global policy, float32.
    layer = layers.SpectralNormalization(
        keras.layers.Dense(64), store_v=store_v, dtype="mixed_float16"
    )
    x = np.random.default_rng(0).standard_normal((4, 32), "float32")
    output = layer(x, training=True)
    assert output.dtype == tf.float16
    wide = layers.SpectralNormalization(keras.layers.Dense(64), store_v=store_v)
    wide.build((None, 32))
    wide.set_weights(layer.get_weights())
    for _ in range(3):
        expected = wide(x, training=True)
        output = layer(x, training=True)
    np.testing.assert_allclose(output, expected, atol=1e-2)
    assert np.linalg.norm(layer.u) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(layer.u, wide.u, atol=1e-3)


def test_a_stateless_call_equals_a_call(dense):
    """This is how JAX calls layers."""
    layer, identity = dense
    layer.layer.bias.assign([1.0, 2.0, 3.0])
    state = [w.value for w in layer.non_trainable_variables]
    # Other values than the variables have.
    values = [tf.constant(2 * w.numpy()) for w in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(values)
        output, (u,) = layer.stateless_call(
            values, [tf.constant(w) for w in state], identity, training=True
        )
        loss = tf.reduce_sum(output**2)
    gradients = tape.gradient(loss, values)
    for weight, value in zip(layer.trainable_variables, values, strict=True):
        weight.assign(value)
    with tf.GradientTape() as tape:
        expected = layer(identity, training=True)
        loss = tf.reduce_sum(expected**2)
    expected_gradients = tape.gradient(
        loss, [weight.value for weight in layer.trainable_variables]
    )
    np.testing.assert_allclose(output, expected, atol=1e-6)
    np.testing.assert_allclose(u, layer.u, atol=1e-6)
    for one, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_wrapped_layer_keeps_its_activity_regularizer():
    convolution = keras.layers.Conv2D(2, 1, activity_regularizer="l2")
    layer = layers.SpectralNormalization(convolution)
    layer(np.ones((1, 2, 2, 3), "float32"))
    (expected,) = layer.losses
    _, _, losses = layer.stateless_call(
        [weight.value for weight in layer.trainable_variables],
        [weight.value for weight in layer.non_trainable_variables],
        tf.ones((1, 2, 2, 3)),
        return_losses=True,
    )
    np.testing.assert_allclose(losses, [expected])
