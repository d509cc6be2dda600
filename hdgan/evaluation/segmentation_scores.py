"""Pixel accuracy and intersection over union, from a confusion matrix."""

import keras
import numpy as np
from keras import ops

from hdgan.checks import check_integers


@keras.saving.register_keras_serializable(package="hdgan")
class SegmentationScores(keras.metrics.Metric):
    """Confusion matrix of label maps, and the scores that follow from it.

    `keras.metrics.MeanIoU` counts in int32, which overflows after a thousand
    photographs of 2048x1024, and adds up wrongly over replicas. This metric
    counts in int64, over any batches and replicas.

    Args:
        num_classes: int >= 1.
        ignore_labels: sequence of int, ids of label maps whose pixels are left
            out. Defaults to none.
        name: str. Defaults to `"mean_iou"`.

    Call arguments:
        y_true: integers, `(batch, height, width)`. Pixels whose id is ignored
            or outside of `0..num_classes - 1` are left out.
        y_pred: predicted ids, of the same shape, or logits `(batch, height,
            width, num_classes)`, of which the largest counts. A predicted id
            outside of the classes is an error of that pixel: it lowers the
            accuracy and the class' own score.
        sample_weight: must be None.

    Returns:
        `result()`: float32 scalar, the mean intersection over union over the
        classes that occur in `y_true` or `y_pred`; NaN without any pixel.

    Raises:
        ValueError: if `num_classes` is no int >= 1, or sample weights are
            given.

    Example:
        >>> scores = SegmentationScores(19, ignore_labels=[255])
        >>> scores.update_state(label_map, logits)
        >>> scores.result(), scores.pixel_accuracy(), scores.class_iou()
    """

    def __init__(
        self, num_classes, ignore_labels=(), name="mean_iou", dtype=None
    ):
        super().__init__(name=name, dtype=dtype)
        check_integers(num_classes=num_classes)
        self.num_classes = num_classes
        self.ignore_labels = tuple(ignore_labels)
        # The last column counts predictions that are no class.
        self._counts = self.add_variable(
            (num_classes, num_classes + 1),
            "zeros",
            dtype="int64",
            name="counts",
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            raise ValueError(
                "SegmentationScores takes no `sample_weight`. Give pixels that "
                "don't count an id of `ignore_labels`."
            )
        y_true = ops.cast(y_true, "int32")
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_pred.shape) > len(y_true.shape):
            y_pred = ops.argmax(y_pred, axis=-1)
        y_pred = ops.cast(y_pred, "int32")
        self._counts.assign_add(self._count(y_true, y_pred))

    def _count(self, y_true, y_pred):
        is_counted = (y_true >= 0) & (y_true < self.num_classes)
        for label in self.ignore_labels:
            is_counted &= y_true != label
        is_class = (y_pred >= 0) & (y_pred < self.num_classes)
        y_pred = ops.where(is_class, y_pred, self.num_classes)
        columns = self.num_classes + 1
        # Pixels that don't count go to a cell of their own, behind the others.
        cells = ops.where(
            is_counted, y_true * columns + y_pred, self.num_classes * columns
        )
        counts = ops.bincount(
            ops.reshape(cells, (-1,)), minlength=self.num_classes * columns + 1
        )
        counts = ops.cast(counts[:-1], "int64")
        return ops.reshape(counts, (self.num_classes, columns))

    def confusion_matrix(self):
        """Returns the counts of pixels.

        Returns:
            NumPy int64 `(num_classes, num_classes + 1)`: rows are the classes
            of `y_true`, columns those of `y_pred`, and the last column counts
            predictions that are no class.
        """
        return ops.convert_to_numpy(self._counts)

    def pixel_accuracy(self):
        """Returns the share of pixels that are predicted right, or NaN."""
        return pixel_accuracy(*class_counts(self.confusion_matrix()))

    def class_iou(self):
        """Returns the intersection over union of each class, or NaN."""
        return class_iou(*class_counts(self.confusion_matrix()))

    def result(self):
        counts = ops.cast(self._counts, "float32")
        hits = ops.diagonal(counts[:, :-1])
        union = ops.sum(counts, 1) + ops.sum(counts[:, :-1], 0) - hits
        iou = hits / ops.maximum(union, 1.0)
        return ops.sum(iou) / ops.sum(ops.cast(union > 0, "float32"))

    def get_config(self):
        return {
            "num_classes": self.num_classes,
            "ignore_labels": list(self.ignore_labels),
            "name": self.name,
            "dtype": self.dtype,
        }


def class_counts(confusion):
    """Returns pixels that are right, predicted and labeled, of each class.

    Args:
        confusion: integers `(..., num_classes, num_classes + 1)`, as
            `SegmentationScores.confusion_matrix` gives.

    Returns:
        Three arrays of integers `(..., num_classes)`.
    """
    classes = confusion[..., :-1]
    hits = np.diagonal(classes, axis1=-2, axis2=-1)
    return hits, classes.sum(-2), confusion.sum(-1)


def pixel_accuracy(hits, predicted, labeled):
    """Returns the share of pixels that are predicted right.

    Args:
        hits, predicted, labeled: `(..., num_classes)`, as `class_counts` gives.

    Returns:
        Float64 `(...)`, NaN where there is no pixel.
    """
    del predicted
    return _divide(hits.sum(-1), labeled.sum(-1))


def class_iou(hits, predicted, labeled):
    """Returns each class' intersection over union.

    Args:
        hits, predicted, labeled: `(..., num_classes)`, as `class_counts` gives.

    Returns:
        Float64 `(..., num_classes)`, NaN where a class is neither labeled nor
        predicted.
    """
    return _divide(hits, predicted + labeled - hits)


def mean_iou(hits, predicted, labeled):
    """Returns the mean of `class_iou` over the classes that occur.

    Args:
        hits, predicted, labeled: `(..., num_classes)`, as `class_counts` gives.

    Returns:
        Float64 `(...)`, NaN where no class occurs.
    """
    iou = class_iou(hits, predicted, labeled)
    occurs = ~np.isnan(iou)
    return _divide(np.where(occurs, iou, 0).sum(-1), occurs.sum(-1))


def _divide(numerator, denominator):
    numerator = np.asarray(numerator, "float64")
    result = np.full(
        np.broadcast_shapes(numerator.shape, np.shape(denominator)), np.nan
    )
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result[()]
