"""Segmenters: Keras models and SavedModels of several kinds."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from color_segmenter import make_color_segmenter
from tiny_models import LABELS, NUM_CLASSES

import hdgan
from hdgan.evaluation import Segmenter, load_segmenter
from hdgan.networks.segmenter import ImageNetInput, make_segmenter


@pytest.fixture(scope="module")
def label_map():
    random = np.random.default_rng(0)
    return random.integers(0, NUM_CLASSES, (9, 14)).astype("int32")


@pytest.fixture(scope="module")
def color_segmenter():
    return make_color_segmenter(LABELS)


def test_logits_of_a_keras_file(tmp_path, label_map, color_segmenter):
    path = tmp_path / "segmenter.keras"
    color_segmenter.save(path)
    segmenter = load_segmenter(path, LABELS)
    predicted = segmenter(LABELS.colorize(label_map))
    np.testing.assert_array_equal(predicted, label_map)
    assert predicted.dtype == np.int32
    assert segmenter.describe()["file"] == "segmenter.keras"
    assert len(segmenter.describe()["sha256"]) == 64


def test_logits_and_ids_of_a_savedmodel(tmp_path, label_map, color_segmenter):
    class Ids(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)]
        )
        def __call__(self, image):
            logits = color_segmenter(tf.cast(image, tf.float32))
            return {"ids": tf.argmax(logits, -1)}

    module = Ids()
    module.network = color_segmenter
    tf.saved_model.save(
        module,
        tmp_path / "ids",
        signatures={"serving_default": module.__call__},
    )
    color_segmenter.export(tmp_path / "logits", verbose=False)
    for folder in ("ids", "logits"):
        segmenter = load_segmenter(tmp_path / folder, LABELS)
        predicted = segmenter(LABELS.colorize(label_map))
        np.testing.assert_array_equal(predicted, label_map)


def test_segmenter_of_kerashub(tmp_path):
    """A preset with random weights: its logits and its preprocessing."""
    keras_hub = pytest.importorskip("keras_hub")
    encoder = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        use_pre_activation=False,
    )
    backbone = keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        spatial_pyramid_pooling_key="P4",
        low_level_feature_key="P2",
        upsampling_size=4,
        dilation_rates=[2],
        projection_filters=4,
    )
    converter = keras_hub.layers.DeepLabV3ImageConverter(
        image_size=(32, 64), scale=1 / 127.5, offset=-1.0
    )
    model = keras_hub.models.DeepLabV3ImageSegmenter(
        backbone,
        NUM_CLASSES,
        preprocessor=keras_hub.models.DeepLabV3ImageSegmenterPreprocessor(
            image_converter=converter
        ),
    )
    model.save_to_preset(tmp_path / "preset")
    segmenter = load_segmenter(f"keras_hub:{tmp_path / 'preset'}", LABELS)
    photo = np.random.default_rng(0).integers(0, 256, (32, 64, 3), "uint8")
    logits = model(photo[None] / 127.5 - 1.0, training=False)
    # Its logits have the photograph's size here.
    expected = np.argmax(logits[0], -1)
    np.testing.assert_array_equal(segmenter(photo), expected)
    assert segmenter(photo[:20, :30]).shape == (20, 30)
    with pytest.raises(ValueError, match="can't load the segmenter 'none'"):
        load_segmenter("keras_hub:none", LABELS)


def test_outputs_of_other_classes_are_renumbered(label_map):
    """As those of a network that was trained for more classes, in its order."""
    order = [4, 2, 0, 3, 1]
    names = [LABELS.names[k] for k in order] + ["boat"]
    colors = [LABELS.colors[k] for k in order] + [(255, 255, 255)]
    model = make_color_segmenter(hdgan.LabelSet(names, colors))
    with pytest.raises(ValueError, match=r"logits of 6 classes, but .* have 5"):
        Segmenter(model, LABELS)(LABELS.colorize(label_map))
    segmenter = Segmenter(model, LABELS, label_ids=[*order, -1])
    predicted = segmenter(LABELS.colorize(label_map))
    np.testing.assert_array_equal(predicted, label_map)
    boats = np.full((4, 4, 3), 255, "uint8")
    assert (segmenter(boats) == -1).all()
    with pytest.raises(ValueError, match="2 label ids were given"):
        Segmenter(model, LABELS, label_ids=[0, 1])(boats)


def test_range_of_the_input(label_map, color_segmenter):
    def model(image):
        return color_segmenter((image + 1) * 127.5)

    segmenter = Segmenter(model, LABELS, input_range=(-1, 1))
    predicted = segmenter(LABELS.colorize(label_map))
    np.testing.assert_array_equal(predicted, label_map)


def test_other_sizes_are_scaled():
    """A network with a fixed input, whose output is half as large."""
    label_map = np.repeat(np.repeat([[0, 1], [2, 3]], 8, 0), 8, 1)
    image = keras.Input((32, 32, 3))
    small = keras.layers.AveragePooling2D(2)(image)
    model = keras.Model(image, make_color_segmenter(LABELS)(small))
    predicted = Segmenter(model, LABELS)(LABELS.colorize(label_map))
    assert predicted.shape == (16, 16)
    assert (predicted == label_map).mean() > 0.8


def test_class_of_ignored_ids_needs_no_output(label_map, color_segmenter):
    segmenter = Segmenter(color_segmenter, LABELS.ignoring([255]))
    predicted = segmenter(LABELS.colorize(label_map))
    np.testing.assert_array_equal(predicted, label_map)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "There is no segmenter"),
        (lambda path: path.write_text("x"), "is no Keras model"),
        (lambda path: path.mkdir(), "no SavedModel with a signature"),
    ],
)
def test_bad_files_are_named(tmp_path, write, message):
    path = tmp_path / "seg.keras"
    write(path)
    with pytest.raises(ValueError, match=message) as error:
        load_segmenter(path, LABELS)
    assert "seg.keras" in str(error.value)


def test_outputs_that_are_no_label_maps_are_refused():
    segmenter = Segmenter(lambda image: tf.reduce_mean(image, (1, 2)), LABELS)
    with pytest.raises(ValueError, match="Expected logits"):
        segmenter(np.zeros((4, 4, 3), "uint8"))


def test_record_of_other_classes_is_refused(tmp_path, color_segmenter):
    path = tmp_path / "segmenter.keras"
    color_segmenter.save(path)
    sha256 = load_segmenter(path, LABELS).describe()["sha256"]
    record = {"classes": ["sky", "sea"], "sha256": sha256}
    (tmp_path / "segmenter.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="trained for the classes sky, sea"):
        load_segmenter(path, LABELS)


def test_network_has_logits_of_any_size_and_loads_again(tmp_path):
    model = make_segmenter(4, weights=None)
    image = np.random.default_rng(0).uniform(0, 255, (1, 41, 50, 3))
    logits = np.asarray(model(image))
    assert logits.shape == (1, 41, 50, 4)
    model.save(tmp_path / "segmenter.keras")
    loaded = keras.models.load_model(tmp_path / "segmenter.keras")
    np.testing.assert_allclose(np.asarray(loaded(image)), logits, atol=1e-5)


def test_backbone_of_keras_applications():
    model = make_segmenter(4, "MobileNetV2", weights=None)
    assert model(np.zeros((1, 40, 33, 3), "float32")).shape == (1, 40, 33, 4)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("raw", [255.0, 0.0, 127.5]),
        ("tf", [1.0, -1.0, 0.0]),
        ("caffe", [127.5 - 103.939, -116.779, 255 - 123.68]),
        ("torch", [0.515 / 0.229, -0.456 / 0.224, 0.094 / 0.225]),
    ],
)
def test_inputs_of_imagenet(mode, expected):
    image = np.array([[[[255.0, 0.0, 127.5]]]])
    converted = np.asarray(ImageNetInput(mode)(image))[0, 0, 0]
    np.testing.assert_allclose(converted, expected, rtol=1e-5)


def test_unknown_backbones_are_refused():
    with pytest.raises(ValueError, match="no backbone 'Lenet'"):
        make_segmenter(4, "Lenet")
    with pytest.raises(ValueError, match="`mode` must be one of"):
        ImageNetInput("bgr")
