"""Pixel accuracy and IoU, by hand and over batches and replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan.evaluation import SegmentationScores
from hdgan.evaluation.segmentation_scores import (
    class_counts,
    class_iou,
    mean_iou,
    pixel_accuracy,
)


def _draw(shape=(6, 5, 7), num_classes=4, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, num_classes, (2, *shape)).astype("int32")


def test_confusion_by_hand_without_ignored_classes():
    label_map = np.array([[[0, 0, 1, 1], [2, 2, 255, 1]]])
    predicted = np.array([[[0, 1, 1, 1], [0, 2, 2, 0]]])
    scores = SegmentationScores(3, ignore_labels=[2, 255])
    scores.update_state(label_map, predicted)
    # Left are five pixels: 0 as 0, 0 as 1, twice 1 as 1, 1 as 0.
    expected = [[1, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(scores.confusion_matrix(), expected)
    assert scores.pixel_accuracy() == pytest.approx(3 / 5)
    np.testing.assert_allclose(scores.class_iou(), [1 / 3, 2 / 4, np.nan])
    assert float(scores.result()) == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_without_ignored_classes_the_mean_is_that_of_keras():
    label_map, predicted = _draw()
    scores = SegmentationScores(4)
    scores.update_state(label_map, predicted)
    theirs = keras.metrics.MeanIoU(4)
    theirs.update_state(label_map, predicted)
    assert float(scores.result()) == pytest.approx(float(theirs.result()))
    counts = class_counts(scores.confusion_matrix())
    assert mean_iou(*counts) == pytest.approx(float(theirs.result()))


def test_batches_equal_one_pass_and_reset_forgets():
    label_map, predicted = _draw()
    scores = SegmentationScores(4, ignore_labels=[3])
    scores.update_state(label_map, predicted)
    once = scores.confusion_matrix()
    scores.reset_state()
    assert not scores.confusion_matrix().any()
    for part in ([0], [1, 2], [3, 4, 5]):
        scores.update_state(label_map[part], predicted[part])
    np.testing.assert_array_equal(scores.confusion_matrix(), once)


def test_replicas_add_up(two_replicas):
    label_map, predicted = _draw()
    with two_replicas.scope():
        scores = SegmentationScores(4)
    dataset = tf.data.Dataset.from_tensor_slices((label_map, predicted))
    dataset = two_replicas.experimental_distribute_dataset(dataset.batch(2))

    @tf.function
    def step(batch):
        two_replicas.run(scores.update_state, batch)

    for batch in dataset:
        step(batch)
    alone = SegmentationScores(4)
    alone.update_state(label_map, predicted)
    np.testing.assert_array_equal(
        scores.confusion_matrix(), alone.confusion_matrix()
    )


def test_logits_are_ids_of_the_largest():
    label_map, predicted = _draw()
    ids, logits = SegmentationScores(4), SegmentationScores(4)
    ids.update_state(label_map, predicted)
    logits.update_state(label_map, np.eye(4, dtype="float32")[predicted])
    assert float(ids.result()) == float(logits.result())


def test_a_prediction_that_is_no_class_is_wrong():
    scores = SegmentationScores(2)
    scores.update_state(np.array([[[0, 1]]]), np.array([[[-1, 1]]]))
    np.testing.assert_array_equal(
        scores.confusion_matrix(), [[0, 0, 1], [0, 1, 0]]
    )
    assert scores.pixel_accuracy() == 0.5


def test_many_pixels_are_counted_exactly():
    """Beyond int32, and beyond what float32 can count."""
    scores = SegmentationScores(1)
    scores._counts.assign([[2**33, 0]])
    scores.update_state(np.zeros((1, 1, 3), int), np.zeros((1, 1, 3), int))
    assert scores.confusion_matrix()[0, 0] == 2**33 + 3


def test_no_pixel_gives_nan():
    scores = SegmentationScores(2)
    assert np.isnan(scores.pixel_accuracy())
    assert np.isnan(float(scores.result()))


def test_counts_of_many_draws_at_once():
    label_map, predicted = _draw()
    scores = SegmentationScores(4)
    scores.update_state(label_map, predicted)
    counts = class_counts(scores.confusion_matrix())
    twice = [np.stack([count, 2 * count]) for count in counts]
    assert pixel_accuracy(*twice).shape == (2,)
    np.testing.assert_allclose(class_iou(*twice)[1], scores.class_iou())


def test_configuration_and_bad_arguments():
    scores = SegmentationScores(3, [1])
    copy = SegmentationScores.from_config(scores.get_config())
    assert (copy.num_classes, copy.ignore_labels) == (3, (1,))
    with pytest.raises(ValueError, match="`num_classes` must be an integer"):
        SegmentationScores(0)
    label_map, predicted = _draw()
    with pytest.raises(ValueError, match="takes no `sample_weight`"):
        scores.update_state(label_map, predicted, sample_weight=1.0)
