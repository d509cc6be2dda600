"""Styles of regions, down to one region for the whole image."""

import types

import numpy as np
import pytest
import tensorflow as tf

from hdgan import LabelSet, StyleClusters
from hdgan.serving.styles import draw_style_maps, list_styles

CENTERS = {
    0: np.float32([[0.1, 0.2], [0.3, 0.4]]),
    2: np.float32([[0.5, 0.6]]),
}
# The attributes of a model that drawing styles uses.
MODEL = types.SimpleNamespace(
    style_limit=1.0,
    labels=LabelSet.numbered(3),
    style_channels=2,
    style_clusters=StyleClusters(CENTERS),
    style_regions="instance",
)
# The two examples differ in class, above all in their first pixel.
LABEL_MAP = np.int32([[[2, 2, 0], [1, 0, 0]], [[0, 0, 2], [1, 2, 2]]])


def _draw(region_map, ids=(), vectors=(), clusters=(), seed=0):
    batch = len(region_map)
    styles = [
        tf.constant([ids] * batch, tf.int32),
        tf.reshape(tf.constant([vectors] * batch, tf.float32), (batch, -1, 2)),
        tf.constant([clusters] * batch, tf.int32),
        tf.fill([batch], seed),
    ]
    return draw_style_maps(
        MODEL, tf.constant(LABEL_MAP), tf.constant(region_map), styles
    ).numpy()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 3), (2, 3)])
def test_smaller_region_maps_give_the_styles_of_their_broadcast(size):
    ids = np.arange(2 * np.prod(size), dtype="int32").reshape(2, *size)
    # One id that both examples have, requested by its vector.
    ids[:, 0, 0] = 77
    request = {"ids": [77], "vectors": [[0.9, -0.9]], "clusters": [-1]}
    for options in ({}, request):
        drawn = _draw(ids, **options)
        assert drawn.shape == (2, *size, 2)
        whole = np.broadcast_to(ids, (2, 2, 3))
        np.testing.assert_array_equal(
            np.broadcast_to(drawn, (2, 2, 3, 2)), _draw(whole, **options)
        )
    np.testing.assert_allclose(drawn[:, 0, 0], 2 * [[0.9, -0.9]])


def test_one_region_has_the_class_of_its_first_pixel():
    one = np.zeros((2, 1, 1), "int32")
    first, second = _draw(one, ids=[0], vectors=[[0, 0]], clusters=[0])
    np.testing.assert_allclose(first, CENTERS[2][:1, None])
    np.testing.assert_allclose(second, CENTERS[0][:1, None])
    # Class 2 has one cluster only.
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not have"):
        _draw(one, ids=[0], vectors=[[0, 0]], clusters=[1])


@pytest.mark.parametrize("is_map_whole", [False, True])
def test_one_style_per_image_is_listed_once(is_map_whole):
    styles = np.float32([[[[0.1, 0.2]]], [[[0.3, 0.4]]]])
    if is_map_whole:
        styles = np.broadcast_to(styles, (2, 4, 5, 2))
    listed = list_styles(tf.constant(styles), tf.fill((2, 1, 1), 7))
    np.testing.assert_array_equal(listed["style_examples"], [0, 1])
    np.testing.assert_array_equal(listed["style_instances"], [7, 7])
    np.testing.assert_array_equal(
        listed["style_vectors"], np.float32([[0.1, 0.2], [0.3, 0.4]])
    )
