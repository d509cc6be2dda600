"""Boundary maps, one-hot labels, pooling per instance, edge padding."""

import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers


def test_both_sides_of_a_border_are_marked():
    ids = np.array(
        [
            [
                [1, 1, 1, 1, 1],
                [1, 1, 1, 1, 1],
                [1, 1, 1, 5, 1],
                [1, 1, 1, 1, 1],
                [8, 1, 1, 1, 1],
            ]
        ],
        "int32",
    )
    boundary = [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 1, 1, 1],
        [1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0],
    ]
    received = layers.BoundaryMap()(ids)
    np.testing.assert_array_equal(received[0, :, :, 0], boundary)


def test_borders_do_not_leak_to_other_examples_or_image_edges():
    ids = np.stack([np.full((3, 4), 2), np.full((3, 4), 9)]).astype("int32")
    received = layers.BoundaryMap()(ids)
    assert received.shape == (2, 3, 4, 1)
    np.testing.assert_array_equal(received, 0)


@pytest.mark.parametrize(
    "layer", [layers.BoundaryMap(), layers.OneHotLabels(4)]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64"])
def test_maps_may_have_a_channel_axis_and_any_integer_type(layer, dtype):
    ids = np.random.default_rng(0).integers(0, 4, (2, 3, 5)).astype(dtype)
    expected = layer(ids.astype("int32"))
    np.testing.assert_array_equal(layer(ids), expected)
    np.testing.assert_array_equal(layer(ids[..., None]), expected)


def test_one_hot_labels_by_hand():
    labels = np.array([[[0, 2], [1, 1]]], "uint8")
    received = layers.OneHotLabels(3)(labels)
    assert received.dtype == tf.float32
    assert received[0].numpy().tolist() == [
        [[1, 0, 0], [0, 0, 1]],
        [[0, 1, 0], [0, 1, 0]],
    ]


def test_labels_out_of_range_give_zeros():
    labels = np.array([[[3, 255, -1, 2]]], "int32")
    received = layers.OneHotLabels(3)(labels)
    sums = received.numpy().sum(axis=-1)
    assert sums.ravel().tolist() == [0, 0, 0, 1]


def test_each_example_is_pooled_by_itself():
    ids = np.array([[[5, 5, 6]], [[5, 6, 6]]], "int32")
    features = np.array([[[1, 3, 7]], [[10, 20, 40]]], "float32")[..., None]
    features = np.concatenate([features, -features], axis=-1)
    received = layers.InstanceAveragePooling()(features, ids[..., None])
    expected = np.array([[[2, 2, 7]], [[10, 30, 30]]], "float32")
    np.testing.assert_array_equal(received[..., 0], expected)
    np.testing.assert_array_equal(received[..., 1], -expected)


def test_pooling_passes_the_mean_gradient_to_each_pixel():
    ids = np.array([[[5, 5, 6, 5]]], "int32")
    features = tf.constant(np.zeros((1, 1, 4, 1), "float32"))
    weights = np.array([3.0, 0.0, 2.0, 6.0], "float32").reshape(1, 1, 4, 1)
    with tf.GradientTape() as tape:
        tape.watch(features)
        pooled = layers.InstanceAveragePooling()(features, ids)
        value = tf.reduce_sum(pooled * weights)
    gradient = tape.gradient(value, features)
    assert gradient.numpy().ravel().tolist() == [3, 3, 2, 3]


@pytest.mark.parametrize(
    ("size", "padded"),
    [((1, 1), (32, 32)), ((17, 33), (32, 48)), ((32, 48), (32, 48))],
)
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("known", [True, False])
def test_edge_padding_repeats_the_last_row_and_column(
    size, padded, channels, known
):
    shape = (2, *size, *channels)
    x = np.random.default_rng(0).integers(0, 65000, shape).astype("uint16")
    layer = layers.EdgePadding(16, minimum=32)
    if not known:
        spec = tf.TensorSpec((None, None, None, *channels), tf.uint16)
        layer = tf.function(layer, input_signature=[spec])
    received = layer(x)
    grown = [(0, new - old) for old, new in zip(size, padded, strict=True)]
    pads = [(0, 0), *grown, *[(0, 0) for _ in channels]]
    np.testing.assert_array_equal(received, np.pad(x, pads, mode="edge"))
    assert received.dtype == tf.uint16
    assert received.shape[1:3] == padded


def test_edge_padding_minimum_is_the_multiple_by_default():
    assert layers.EdgePadding(8)(np.zeros((1, 3, 9))).shape == (1, 8, 16)


def test_semantic_channels_are_classes_and_boundaries():
    labels = np.array([[[0, 2, 2, 1]]], "uint8")
    instances = np.array([[[0, 2001, 2002, 2002]]], "int32")
    received = layers.SemanticChannels(3)(labels, instances)
    assert received[0, 0].numpy().tolist() == [
        [1, 0, 0, 1],
        [0, 0, 1, 1],
        [0, 0, 1, 1],
        [0, 1, 0, 0],
    ]
    of_labels = layers.SemanticChannels(3)(labels)
    assert of_labels[0, 0, :, 3].numpy().tolist() == [1, 1, 1, 1]
    classes = layers.SemanticChannels(3, use_boundaries=False)(labels)
    np.testing.assert_array_equal(classes, received[..., :3])
