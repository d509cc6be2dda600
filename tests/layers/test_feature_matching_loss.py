"""Feature matching loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers


def features(offsets):
    """Returns activations of two examples: 2 scales of 3 layers and logits.

    The values of example 1 are twice those of example 0.
    """
    example = np.array([1.0, 2.0], "float32").reshape(2, 1, 1, 1)
    return [
        [
            tf.constant(
                offset * example * np.ones((2, size, size, 3), "float32")
            )
            for size, offset in zip((8, 4, 2, 3), scale, strict=True)
        ]
        for scale in offsets
    ]


REAL = features([[0, 1, 2, 50], [3, 4, 5, 60]])
FAKE = features([[1, -1, 2.5, -70], [3, 4, 9, 80]])
# 4 / 3 layers / 2 scales * (1 + 2 + 0.5 + 0 + 0 + 4), logits left out.
BY_HAND = 4 / 3 / 2 * 7.5


def test_value_by_hand_one_per_example_without_the_logits():
    value = layers.feature_matching_loss(REAL, FAKE)
    np.testing.assert_allclose(value, [BY_HAND, 2 * BY_HAND], rtol=1e-6)


def test_class_is_the_mean_over_examples():
    value = layers.FeatureMatchingLoss()(REAL, FAKE)
    np.testing.assert_allclose(value, 1.5 * BY_HAND, rtol=1e-6)
    each = layers.FeatureMatchingLoss(reduction="none")(REAL, FAKE)
    np.testing.assert_allclose(each, [BY_HAND, 2 * BY_HAND], rtol=1e-6)


def test_no_gradient_reaches_the_real_side():
    with tf.GradientTape() as tape:
        tape.watch([REAL, FAKE])
        value = tf.reduce_sum(layers.feature_matching_loss(REAL, FAKE))
    real, fake = tape.gradient(value, [REAL, FAKE])
    assert all(gradient is None for gradient in tf.nest.flatten(real))
    # The logits have no gradient, others their share in the mean.
    assert [scale[-1] for scale in fake] == [None, None]
    share = 4 / 3 / 2 / (8 * 8 * 3)
    np.testing.assert_allclose(fake[0][0], np.full((2, 8, 8, 3), share), 1e-6)
    assert np.all(fake[0][1] < 0)


def test_half_precision_features_give_a_float32_loss():
    real, fake = tf.nest.map_structure(
        lambda x: tf.cast(x, tf.bfloat16), [REAL, FAKE]
    )
    value = layers.feature_matching_loss(real, fake)
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, [BY_HAND, 2 * BY_HAND], rtol=1e-2)


def test_config_makes_the_loss_again():
    loss = layers.FeatureMatchingLoss(reduction="sum", name="matching")
    saved = keras.saving.serialize_keras_object(loss)
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.get_config() == {"reduction": "sum", "name": "matching"}
    np.testing.assert_array_equal(loaded(REAL, FAKE), loss(REAL, FAKE))


def test_unequal_numbers_of_scales_raise():
    with pytest.raises(ValueError, match="shorter"):
        layers.feature_matching_loss(REAL, FAKE[:1])
