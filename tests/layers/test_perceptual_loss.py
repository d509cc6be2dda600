"""Perceptual loss, held to torchvision's VGG19 layout."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
import vgg_weights

from hdgan import layers

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "vgg19.npz"


@pytest.fixture(scope="module")
def golden():
    arrays = dict(np.load(GOLDEN))
    for name in ("real", "fake", "grad_fake"):
        arrays[name] = arrays[name].transpose(0, 2, 3, 1)
    return arrays


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vgg19")
    return vgg_weights.write_keras(folder / "vgg19.weights.h5")


@pytest.fixture(scope="module")
def torchvision_file(tmp_path_factory):
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("torchvision")
    return vgg_weights.write_torchvision(folder / "vgg19-dcbb9e9d.pth")


@pytest.fixture(scope="module")
def raw_loss(weights_file):
    return layers.PerceptualLoss(weights_file, inputs="raw", reduction=None)


def _assert_published(loss, golden):
    """Asserts the golden value and gradient."""
    real, fake = tf.constant(golden["real"]), tf.constant(golden["fake"])
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = loss(real, fake)
    assert value.shape == (1,)
    np.testing.assert_allclose(value[0], golden["loss"], rtol=1e-4)
    to_real, to_fake = tape.gradient(value, [real, fake])
    assert to_real is None
    error = np.linalg.norm(to_fake - golden["grad_fake"])
    assert error < 1e-4 * np.linalg.norm(golden["grad_fake"])


def test_value_and_gradient_are_the_published_ones(golden, raw_loss):
    _assert_published(raw_loss, golden)


def test_torchvision_weights_give_the_published_loss(golden, torchvision_file):
    """With nothing else said: the inputs go with the weights."""
    loss = layers.PerceptualLoss(torchvision_file, reduction=None)
    assert loss.inputs == "raw"
    _assert_published(loss, golden)


def test_keras_weights_are_given_caffe_inputs(weights_file):
    assert layers.PerceptualLoss().inputs == "caffe"
    assert layers.PerceptualLoss(weights_file).inputs == "caffe"


def test_features_are_the_five_relu_taps(golden, weights_file):
    taps = layers.vgg19_features(weights_file)(golden["fake"])
    means = [float(tf.reduce_mean(tap)) for tap in taps]
    np.testing.assert_allclose(means, golden["tap_mean"], rtol=1e-4)


def test_one_value_per_example(golden, raw_loss):
    real = np.concatenate([golden["real"], golden["fake"]])
    fake = np.concatenate([golden["fake"], golden["fake"]])
    value = raw_loss(real, fake)
    np.testing.assert_allclose(value, [golden["loss"], 0], rtol=1e-4)


def test_caffe_inputs_are_what_keras_preprocesses(golden, weights_file):
    loss = layers.PerceptualLoss(weights_file, inputs="caffe")
    features = layers.vgg19_features(weights_file)

    def taps(image):
        return features(
            keras.applications.vgg19.preprocess_input((image + 1) * 127.5)
        )

    expected = 0.0
    for weight, real, fake in zip(
        (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1),
        taps(golden["real"]),
        taps(golden["fake"]),
        strict=True,
    ):
        expected += weight * np.mean(np.abs(fake - real)) / 127.5
    value = loss(golden["real"], golden["fake"])
    np.testing.assert_allclose(value, expected, rtol=1e-4)


class Holder(keras.Model):
    """A model that holds the loss in an attribute."""

    def __init__(self, perceptual_loss, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)
        self.perceptual_loss = perceptual_loss

    def call(self, inputs):
        return self.dense(inputs)


def test_a_model_that_holds_the_loss_saves_no_vgg(tmp_path, raw_loss):
    raw_loss.build()
    model = Holder(raw_loss)
    model(np.ones((1, 3), "float32"))
    assert len(model.weights) == 2
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    assert path.stat().st_size < 100_000
    other = Holder(layers.PerceptualLoss("other.h5"))
    other(np.zeros((1, 3), "float32"))
    other.load_weights(path)
    np.testing.assert_array_equal(
        other.dense.kernel.numpy(), model.dense.kernel.numpy()
    )


def test_config_makes_the_loss_again(golden, raw_loss, weights_file):
    saved = keras.saving.serialize_keras_object(raw_loss)
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.get_config() == {
        "weights": weights_file,
        "inputs": "raw",
        "reduction": None,
        "name": "perceptual_loss",
    }
    pair = golden["real"], golden["fake"]
    np.testing.assert_array_equal(loaded(*pair), raw_loss(*pair))


def test_a_wrong_weights_file_is_named(tmp_path):
    path = tmp_path / "missing.h5"
    loss = layers.PerceptualLoss(str(path))
    with pytest.raises(ValueError, match=r"missing\.h5.*[Ee]xpected"):
        loss.build()


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Of Keras.
def test_files_of_other_weights_are_named(tmp_path):
    text = tmp_path / "text.h5"
    text.write_text("Not weights.")
    with pytest.raises(ValueError, match=r"text\.h5 holds no Keras weights"):
        layers.PerceptualLoss(str(text)).build()
    other = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(
        other
    )
    with pytest.raises(ValueError, match=r"other\.weights\.h5 holds no Keras"):
        layers.PerceptualLoss(str(other)).build()


def test_pytorch_files_of_other_weights_are_named(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "vgg16.pth"
    state = {k: torch.tensor(v) for k, v in vgg_weights.draw().items()}
    del state["features.25.weight"]
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"vgg16\.pth.*features\.25\.weight"):
        layers.PerceptualLoss(str(path)).build()
    torch.save(torch.ones(2), path)
    with pytest.raises(ValueError, match=r"vgg16\.pth.*features\.0\.weight"):
        layers.PerceptualLoss(str(path)).build()
