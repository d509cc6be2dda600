"""VGG19's activations, compared with torchvision's layout and Keras' own."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
import vgg_weights

import hdgan
from hdgan.layers import PerceptualLoss

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "vgg19.npz"


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
def raw(weights_file):
    return hdgan.VGG19Features(weights_file, inputs="raw")


def _assert_original_loss(features, golden):
    """Asserts value and gradient of the original PyTorch code."""
    loss = PerceptualLoss(features, reduction=None)
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


def test_loss_and_gradient_are_those_of_the_original_code(golden, raw):
    _assert_original_loss(raw, golden)


def test_activations_do_not_depend_on_keras_json(
    golden, raw, weights_file, odd_keras_settings
):
    with odd_keras_settings():
        features = hdgan.VGG19Features(weights_file, inputs="raw")
        outputs = features(golden["real"])
        assert keras.config.image_data_format() == "channels_first"
    for output, expected in zip(outputs, raw(golden["real"]), strict=True):
        np.testing.assert_array_equal(output, expected)


def test_activations_do_not_depend_on_the_dtype_policy(
    golden, raw, weights_file
):
    expected = raw(golden["real"])
    keras.config.set_dtype_policy("mixed_float16")
    features = hdgan.VGG19Features(weights_file, inputs="raw")
    outputs = features(golden["real"])
    assert keras.config.dtype_policy().name == "mixed_float16"
    for output, right in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, right)


def test_torchvision_weights_give_the_original_loss(golden, torchvision_file):
    """By default: the inputs are chosen by the format of the weights."""
    features = hdgan.VGG19Features(torchvision_file)
    assert features.inputs == "raw"
    _assert_original_loss(features, golden)


def test_keras_weights_are_fed_caffe_inputs(weights_file):
    assert hdgan.VGG19Features().inputs == "caffe"
    assert hdgan.VGG19Features(weights_file).inputs == "caffe"


def test_activations_are_the_five_relu_taps(golden, raw):
    activations = raw(golden["fake"])
    means = [float(tf.reduce_mean(tap)) for tap in activations]
    np.testing.assert_allclose(means, golden["tap_mean"], rtol=1e-4)


def test_each_example_has_its_own_loss(golden, raw):
    real = np.concatenate([golden["real"], golden["fake"]])
    fake = np.concatenate([golden["fake"], golden["fake"]])
    value = PerceptualLoss(raw, reduction=None)(real, fake)
    np.testing.assert_allclose(value, [golden["loss"], 0], rtol=1e-4)


def test_caffe_inputs_are_what_keras_preprocesses(golden, weights_file):
    features = hdgan.VGG19Features(weights_file, inputs="caffe")
    backbone = keras.applications.VGG19(include_top=False, weights=None)
    backbone.load_weights(weights_file)
    taps = keras.Model(
        backbone.input,
        [backbone.get_layer(f"block{k}_conv1").output for k in range(1, 6)],
    )
    expected = taps(
        keras.applications.vgg19.preprocess_input((golden["fake"] + 1) * 127.5)
    )
    for received, right in zip(features(golden["fake"]), expected, strict=True):
        error = np.linalg.norm(received - right / 127.5)
        assert error < 1e-5 * np.linalg.norm(right / 127.5)


class Holder(keras.Model):
    """A model that holds the loss in an attribute."""

    def __init__(self, perceptual_loss, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)
        self.perceptual_loss = perceptual_loss
        self.features = perceptual_loss.features

    def call(self, inputs):
        return self.dense(inputs)


def test_a_model_that_holds_the_features_saves_no_vgg(tmp_path, raw):
    raw.build()
    model = Holder(PerceptualLoss(raw))
    model(np.ones((1, 3), "float32"))
    assert len(model.weights) == 2
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    assert path.stat().st_size < 100_000
    other = Holder(PerceptualLoss(hdgan.VGG19Features("other.h5")))
    other(np.zeros((1, 3), "float32"))
    other.load_weights(path)
    np.testing.assert_array_equal(
        other.dense.kernel.numpy(), model.dense.kernel.numpy()
    )


def test_config_makes_the_features_again(golden, raw, weights_file):
    saved = keras.saving.serialize_keras_object(raw)
    loaded = keras.saving.deserialize_keras_object(saved)
    assert loaded.get_config() == {"weights": weights_file, "inputs": "raw"}
    for one, other in zip(
        loaded(golden["fake"]), raw(golden["fake"]), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_loss_of_a_file_without_features_uses_vgg19():
    """As `PerceptualLoss` was saved while it held the weights itself."""
    saved = {
        "module": None,
        "class_name": "PerceptualLoss",
        "registered_name": "hdgan>PerceptualLoss",
        "config": {
            "name": "perceptual_loss",
            "reduction": "sum_over_batch_size",
            "weights": "vgg19.h5",
            "inputs": "raw",
        },
    }
    loss = keras.saving.deserialize_keras_object(saved)
    assert isinstance(loss.features, hdgan.VGG19Features)
    assert loss.features.get_config() == {
        "weights": "vgg19.h5",
        "inputs": "raw",
    }
    assert loss.weights == (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)


def test_unknown_inputs_raise():
    with pytest.raises(ValueError, match=r"one of.*caffe.*Received: 'bgr'"):
        hdgan.VGG19Features(inputs="bgr")


def test_a_missing_weights_file_is_named(tmp_path):
    features = hdgan.VGG19Features(str(tmp_path / "missing.h5"))
    with pytest.raises(ValueError, match=r"missing\.h5.*Expected"):
        features.build()


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # By Keras.
def test_files_of_other_weights_are_named(tmp_path):
    text = tmp_path / "text.h5"
    text.write_text("Not weights.")
    message = r"text\.h5 does not hold Keras weights"
    with pytest.raises(ValueError, match=message):
        hdgan.VGG19Features(str(text)).build()
    other = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(
        other
    )
    message = r"other\.weights\.h5 does not hold Keras weights"
    with pytest.raises(ValueError, match=message):
        hdgan.VGG19Features(str(other)).build()


def test_pytorch_files_of_other_weights_are_named(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "vgg16.pth"
    state = {k: torch.tensor(v) for k, v in vgg_weights.draw().items()}
    del state["features.25.weight"]
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"vgg16\.pth.*features\.25\.weight"):
        hdgan.VGG19Features(str(path)).build()
    torch.save(torch.ones(2), path)
    with pytest.raises(ValueError, match=r"vgg16\.pth.*features\.0\.weight"):
        hdgan.VGG19Features(str(path)).build()
