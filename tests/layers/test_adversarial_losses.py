"""Adversarial losses, compared with values by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers

# Two examples at two scales: patch maps of 1 x 2 and of 1 x 1.
REAL = [
    np.array([[[[2.0], [0.0]]], [[[1.0], [1.0]]]], "float32"),
    np.array([[[[-1.0]]], [[[3.0]]]], "float32"),
]
FAKE = [
    np.array([[[[1.0], [-2.0]]], [[[0.0], [0.5]]]], "float32"),
    np.array([[[[2.0]]], [[[-0.5]]]], "float32"),
]


def softplus(x):
    return np.log1p(np.exp(x))


# By kind: the generator's loss, the discriminator's for photos and for fakes.
BY_HAND = {
    "least_squares": (
        [(0 + 9) / 2 + 1, (1 + 0.25) / 2 + 2.25],
        [(1 + 1) / 2 + 4, 0 + 4],
        [(1 + 4) / 2 + 4, 0.25 / 2 + 0.25],
    ),
    "hinge": (
        [(-1 + 2) / 2 - 2, (0 - 0.5) / 2 + 0.5],
        [(0 + 1) / 2 + 2, 0 + 0],
        [(2 + 0) / 2 + 3, (1 + 1.5) / 2 + 0.5],
    ),
    "non_saturating": (
        [
            (softplus(-1) + softplus(2)) / 2 + softplus(-2),
            (softplus(0) + softplus(-0.5)) / 2 + softplus(0.5),
        ],
        [
            (softplus(-2) + softplus(0)) / 2 + softplus(1),
            softplus(-1) + softplus(-3),
        ],
        [
            (softplus(1) + softplus(-2)) / 2 + softplus(2),
            (softplus(0) + softplus(0.5)) / 2 + softplus(-0.5),
        ],
    ),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_values_by_hand_one_per_example_summed_over_scales(kind):
    loss = layers.AdversarialLoss(kind)
    generator, real, fake = BY_HAND[kind]
    np.testing.assert_allclose(loss.generator(FAKE), generator, rtol=1e-6)
    received_real, received_fake = loss.discriminator(REAL, FAKE)
    np.testing.assert_allclose(received_real, real, rtol=1e-6)
    np.testing.assert_allclose(received_fake, fake, rtol=1e-6)


@pytest.mark.parametrize("kind", BY_HAND)
def test_functions_are_the_class_at_one_scale(kind):
    generator = getattr(layers, f"{kind}_generator_loss")
    discriminator = getattr(layers, f"{kind}_discriminator_loss")
    loss = layers.AdversarialLoss(kind)
    np.testing.assert_array_equal(generator(FAKE[0]), loss.generator(FAKE[:1]))
    np.testing.assert_array_equal(
        discriminator(REAL[0], FAKE[0]),
        loss.discriminator(REAL[:1], FAKE[:1]),
    )


@pytest.mark.parametrize("kind", BY_HAND)
def test_half_precision_logits_give_a_float32_loss(kind):
    loss = layers.AdversarialLoss(kind)
    # A sum of 300 values of 1/256 would stop growing in bfloat16.
    logits = [tf.fill((2, 30, 10, 1), tf.constant(1 / 256, tf.bfloat16))]
    wide = [tf.cast(value, tf.float32) for value in logits]
    for half, full in zip(
        [loss.generator(logits), *loss.discriminator(logits, logits)],
        [loss.generator(wide), *loss.discriminator(wide, wide)],
        strict=True,
    ):
        assert half.dtype == tf.float32
        assert half.shape == (2,)
        np.testing.assert_allclose(half, full, rtol=1e-6)


def test_config_makes_the_loss_again():
    loss = layers.AdversarialLoss("hinge")
    saved = keras.saving.serialize_keras_object(loss)
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.get_config() == {"kind": "hinge"}
    np.testing.assert_array_equal(loaded.generator(FAKE), loss.generator(FAKE))


def test_unequal_numbers_of_scales_raise():
    with pytest.raises(ValueError, match="shorter"):
        layers.AdversarialLoss().discriminator(REAL, FAKE[:1])
