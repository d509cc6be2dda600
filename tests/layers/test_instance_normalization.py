"""Instance normalization, compared with TensorFlow Addons and its formula."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "tfa_layers.npz"


def normalize(x, epsilon=1e-5):
    """The formula in float64."""
    x = np.asarray(x, "float64")
    pixels = tuple(range(1, x.ndim - 1))
    mean = x.mean(axis=pixels, keepdims=True)
    variance = x.var(axis=pixels, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


def image(batch):
    random = np.random.default_rng(5)
    return 3 * random.standard_normal((batch, 3, 4, 6), "float32") + 2


@pytest.mark.parametrize("training", [False, True])
def test_plain_equals_tensorflow_addons(training):
    golden = np.load(GOLDEN)
    layer = layers.InstanceNormalization()
    output = layer(golden["input"], training=training)
    np.testing.assert_allclose(output, golden["plain"], atol=1e-5)
    assert layer.weights == []


def test_affine_equals_tensorflow_addons():
    golden = np.load(GOLDEN)
    layer = layers.InstanceNormalization(center=True, scale=True)
    layer.build(golden["input"].shape)
    layer.gamma.assign(golden["gamma"])
    layer.beta.assign(golden["beta"])
    output = layer(golden["input"])
    np.testing.assert_allclose(output, golden["affine"], atol=1e-5)


def test_epsilon_is_added_to_the_variance():
    x = 0.1 * image(2)
    output = layers.InstanceNormalization(epsilon=0.5)(x)
    np.testing.assert_allclose(output, normalize(x, 0.5), atol=1e-5)


# A batch of one goes through the fused kernel, a batch of two does not.
@pytest.mark.parametrize("batch", [1, 2])
def test_bfloat16_equals_the_formula_to_its_precision(batch):
    x = tf.cast(image(batch), tf.bfloat16)
    layer = layers.InstanceNormalization(dtype="bfloat16", epsilon=0.1)
    output = layer(x)
    assert output.dtype == tf.bfloat16
    np.testing.assert_allclose(
        tf.cast(output, tf.float32),
        normalize(tf.cast(x, tf.float32), 0.1),
        rtol=2**-7,
        atol=2**-10,
    )


def test_fused_bfloat16_gradient_equals_the_plain_one():
    x = tf.cast(image(1), tf.bfloat16)
    cotangent = np.random.default_rng(6).standard_normal((1, 3, 4, 6))

    def gradient(x, dtype):
        layer = layers.InstanceNormalization(dtype=dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = tf.cast(layer(x), tf.float32)
            value = tf.reduce_sum(output * cotangent.astype("float32"))
        return tf.cast(tape.gradient(value, x), tf.float32)

    fused = gradient(x, "bfloat16")
    plain = gradient(tf.cast(x, tf.float32), "float32")
    error = np.linalg.norm(fused - plain)
    assert error < 0.01 * np.linalg.norm(plain)


def test_float32_statistics_survive_a_large_mean_in_half_precision():
    # Around 64 bfloat16 has steps of 1/2, too coarse for the mean of a map.
    x = tf.cast(64 + image(2), tf.bfloat16)
    output = tf.cast(
        layers.InstanceNormalization(dtype="bfloat16")(x), tf.float32
    )
    np.testing.assert_allclose(
        output, normalize(tf.cast(x, tf.float32)), rtol=2**-7, atol=1e-3
    )


def test_gradient_is_that_of_the_formula():
    """Compares the hand-written gradient with TensorFlow's, in float64."""
    draw = np.random.default_rng(5)
    x = tf.constant(3.0 + draw.standard_normal((2, 6, 5, 4)))
    cotangent = draw.standard_normal(x.shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        mean, variance = tf.nn.moments(x, (1, 2), keepdims=True)
        y = (x - mean) / tf.sqrt(variance + 1e-5)
        value = tf.reduce_sum(y * cotangent)
    expected = tape.gradient(value, x)
    narrow = tf.cast(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(narrow)
        y = layers.InstanceNormalization()(narrow)
        value = tf.reduce_sum(y * cotangent.astype("float32"))
    gradient = tape.gradient(value, narrow)
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("batch", [1, 3])
def test_an_unknown_batch_size_gives_the_same(batch, dtype):
    layer = layers.InstanceNormalization(dtype=dtype)
    x = tf.cast(image(batch), dtype)
    cotangent = tf.cast(image(batch)[..., ::-1] - 2, dtype)

    def call(x, cotangent):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, tape.gradient(y, x, cotangent)

    spec = tf.TensorSpec([None, None, None, 6], dtype)
    graph = tf.function(call, input_signature=[spec, spec])
    known = call(x, cotangent)
    assert np.any(known[1])
    for one, other in zip(graph(x, cotangent), known, strict=True):
        np.testing.assert_allclose(
            tf.cast(one, "float32"),
            tf.cast(other, "float32"),
            rtol=2**-6 if dtype == "bfloat16" else 1e-5,
            atol=2**-8 if dtype == "bfloat16" else 1e-6,
        )


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (8, 16)])
def test_a_channel_of_one_value_becomes_exactly_zero(size):
    """Else it would be rounding noise, which later norms amplify."""
    values = np.random.default_rng(0).standard_normal(64, "float32") * 10
    x = np.broadcast_to(values, (1, *size, 64))
    assert not np.any(layers.InstanceNormalization()(x))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("pixels", [(7,), (3, 5, 4)])
def test_other_numbers_of_axes(pixels, batch):
    random = np.random.default_rng(5)
    x = 3 * random.standard_normal((batch, *pixels, 6), "float32") + 2
    layer = layers.InstanceNormalization(scale=True)
    np.testing.assert_allclose(layer(x), normalize(x), atol=1e-5)
    symbolic = keras.Input((*[None] * len(pixels), 6))
    model = keras.Model(symbolic, layer(symbolic))
    assert model.output.shape == symbolic.shape
    graph = tf.function(
        model, input_signature=[tf.TensorSpec(symbolic.shape, tf.float32)]
    )
    np.testing.assert_allclose(graph(x), normalize(x), atol=1e-5)


def test_two_axes_are_refused():
    with pytest.raises(ValueError, match=r"expected min_ndim=3.*\(2, 6\)"):
        layers.InstanceNormalization()(np.ones((2, 6), "float32"))


@pytest.mark.parametrize(
    "layer",
    [layers.InstanceNormalization, layers.ParameterFreeBatchNormalization],
)
@pytest.mark.parametrize("batch", [1, 2])
def test_values_that_float16_does_not_have(layer, batch):
    x = 70000 + 100 * image(batch)
    output = layer(dtype="mixed_float16")(x, training=True)
    assert output.dtype == tf.float16
    expected = layer()(x, training=True)
    np.testing.assert_allclose(output, expected, atol=1e-2)
