"""Perceptual loss on any network's activations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers


@keras.saving.register_keras_serializable(package="test")
class Scales:
    """Activations by hand: the image times each factor."""

    def __init__(self, factors):
        self.factors = list(factors)
        self.num_builds = 0
        self._network = None

    def build(self):
        if self._network is None:
            self.num_builds += 1
            self._network = lambda image: [
                factor * image for factor in self.factors
            ]

    def __call__(self, image):
        return self._network(image)

    def get_config(self):
        return {"factors": self.factors}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def make_loss(factors=(2.0, -3.0), weights=(0.5, 4.0), **kwargs):
    return layers.PerceptualLoss(Scales(factors), weights, **kwargs)


def images():
    draw = np.random.default_rng(0)
    return draw.uniform(-1, 1, (2, 3, 8, 4, 3)).astype("float32")


def test_value_by_hand_one_per_example():
    photo, fake = images()
    value = make_loss(reduction=None)(photo, fake)
    distance = np.abs(photo - fake).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(value, (0.5 * 2 + 4.0 * 3) * distance, rtol=1e-5)


def test_default_weights_are_those_of_the_paper():
    photo, fake = images()
    loss = layers.PerceptualLoss(Scales([1.0] * 5), reduction=None)
    distance = np.abs(photo - fake).mean(axis=(1, 2, 3))
    expected = (1 / 32 + 1 / 16 + 1 / 8 + 1 / 4 + 1) * distance
    np.testing.assert_allclose(loss(photo, fake), expected, rtol=1e-5)


def test_features_bring_their_own_default_weights():
    features = Scales([1.0, 1.0])
    features.tap_weights = (2.0, 3.0)
    loss = layers.PerceptualLoss(features)
    assert loss.weights == (2.0, 3.0)
    # A file that is loaded later keeps them.
    assert loss.get_config()["weights"] == [2.0, 3.0]
    assert layers.PerceptualLoss(features, (1, 2)).weights == (1, 2)


@pytest.mark.parametrize("remat", [False, True])
def test_gradient_reaches_the_fake_only(remat):
    photo, fake = map(tf.constant, images())
    loss = make_loss(reduction="sum")
    with layers.gradient_checkpointing(remat), tf.GradientTape() as tape:
        tape.watch([photo, fake])
        value = loss(photo, fake)
    to_photo, to_fake = tape.gradient(value, [photo, fake])
    assert to_photo is None
    expected = (0.5 * 2 + 4.0 * 3) / (8 * 4 * 3) * np.sign(fake - photo)
    np.testing.assert_allclose(to_fake, expected, rtol=1e-4)


def test_half_precision_activations_give_a_float32_loss():
    photo, fake = (tf.cast(image, "bfloat16") for image in images())
    value = make_loss().call(photo, fake)
    assert value.dtype == tf.float32


def test_the_network_is_loaded_once():
    loss = make_loss()
    loss.build()
    photo, fake = images()
    loss(photo, fake)
    loss(photo, fake)
    assert loss.features.num_builds == 1


def test_config_makes_the_loss_again():
    loss = make_loss(reduction=None, name="mine")
    saved = keras.saving.serialize_keras_object(loss)
    loaded = keras.saving.deserialize_keras_object(saved)
    config = loaded.get_config()
    assert config.pop("features")["config"] == {"factors": [2.0, -3.0]}
    assert config == {
        "weights": [0.5, 4.0],
        "reduction": None,
        "name": "mine",
    }
    np.testing.assert_array_equal(loaded(*images()), loss(*images()))


def test_another_number_of_weights_than_activations_raises():
    loss = make_loss(weights=(1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="Received: 3 weights, 2 activations"):
        loss(*images())
