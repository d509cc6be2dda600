"""`ScenePreprocessing`: from raw maps and photos to network inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan.preprocessing.scene_preprocessing import ScenePreprocessing


def _preprocessing(num_classes=3, use_instances=True, **options):
    return ScenePreprocessing(
        num_classes,
        use_instances,
        **{"size_multiple": 4, "size_minimum": 8, **options},
    )


LABELS = np.array([[[0, 0, 2, 2], [1, 1, 2, 2]]], "uint8")
INSTANCES = np.array([[[7, 7, 7, 20001], [7, 7, 7, 20002]]], "uint16")


def test_condition_is_one_hot_then_boundary():
    condition, instances = _preprocessing()(LABELS, INSTANCES)
    assert condition.shape == (1, 8, 8, 4)
    for k in range(3):
        np.testing.assert_array_equal(
            condition[:, :2, :4, k], np.equal(LABELS, k)
        )
    np.testing.assert_array_equal(
        condition[0, :2, :4, 3], [[0, 0, 1, 1], [0, 0, 1, 1]]
    )
    assert instances.dtype == tf.int32
    np.testing.assert_array_equal(instances[:, :2, :4], INSTANCES)


def test_padding_repeats_the_edge():
    condition, instances = _preprocessing()(LABELS, INSTANCES)
    np.testing.assert_array_equal(instances[0, 1:, 3:], 20002)
    np.testing.assert_array_equal(condition[0, 1:, 3:, 2], 1)
    photo = np.full((1, 5, 9, 3), 255, "uint8")
    label_map = np.zeros((1, 5, 9), "uint8")
    normalized = _preprocessing().normalize_photo(photo, label_map)
    assert normalized.shape == (1, 8, 12, 3)
    np.testing.assert_allclose(normalized, 1.0, atol=1e-6)
    style_map = np.zeros((1, 5, 9, 7), "uint8")
    style_map[:, -1, -1] = 255
    normalized = _preprocessing().normalize_style_map(style_map, label_map)
    assert normalized.shape == (1, 8, 12, 7)
    np.testing.assert_allclose(normalized[:, 4:, 8:], 1.0, atol=1e-6)
    np.testing.assert_allclose(normalized[:, :4], -1.0, atol=1e-6)


def test_maps_may_have_a_channel_axis():
    with_axis = _preprocessing()(LABELS[..., None], INSTANCES[..., None])
    without = _preprocessing()(LABELS, INSTANCES)
    for one, other in zip(with_axis, without, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rgb_input_without_labels():
    image = np.zeros((1, 8, 8, 3), "uint8")
    image[..., 1] = 255
    condition, instances = _preprocessing(0, False)(image)
    assert instances is None
    np.testing.assert_allclose(condition[0, 0, 0], [-1, 1, -1], atol=1e-6)
    with pytest.raises(ValueError, match="needs an `instance_map`"):
        _preprocessing(0, True)(image)


def test_half_precision_keeps_neighbouring_ids_apart():
    preprocessing = _preprocessing(dtype="mixed_bfloat16")
    condition, instances = preprocessing(LABELS, INSTANCES)
    assert condition.dtype == tf.bfloat16
    np.testing.assert_array_equal(instances[0, :2, 3], [20001, 20002])
    # The boundary map separates 20001 from 20002 too.
    ids = np.full((1, 8, 8), 20001, "int32")
    ids[:, :, 4:] = 20002
    condition, _ = preprocessing(np.zeros((1, 8, 8), "uint8"), ids)
    border = tf.cast(condition[0, 0, :, 3], tf.float32)
    np.testing.assert_array_equal(border, [0, 0, 0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("label", [3, -1, 255])
def test_label_id_out_of_range_is_refused(label):
    labels = LABELS.astype("int32")
    labels[0, 0, 0] = label
    preprocessing = _preprocessing()
    for call in (preprocessing, tf.function(preprocessing)):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"outside 0\.\.2"
        ):
            call(tf.constant(labels))


def test_config_round_trip():
    preprocessing = _preprocessing()
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(preprocessing)
    )
    assert copy.get_config() == preprocessing.get_config()
    assert copy.num_channels == preprocessing.num_channels == 4
    assert _preprocessing(0, False).num_channels == 3
