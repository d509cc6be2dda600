"""Feature matching loss."""

import keras
from keras import ops


def feature_matching_loss(real_features, fake_features):
    """Mean distance of a discriminator's features of photos and fakes.

    The sum over scales and layers, without each scale's last (the logits), of
    `4 / layers / scales * mean |fake - real|`; no gradient reaches the real
    side. Wang et al., 2018, equation 4; the factors are the published code's.
    The weight of the whole (10) is not included.

    Args:
        real_features: list over scales of lists over layers of tensors
            `(batch, height, width, channels)`, as `Multiscale` returns them.
        fake_features: the same of the fakes.

    Returns:
        Float32 tensor `(batch,)`.
    """
    total = 0.0
    for real_scale, fake_scale in zip(
        real_features, fake_features, strict=True
    ):
        num_layers = len(real_scale) - 1
        weight = 4.0 / num_layers / len(real_features)
        for real, fake in zip(real_scale[:-1], fake_scale[:-1], strict=True):
            difference = ops.cast(fake, "float32") - ops.stop_gradient(
                ops.cast(real, "float32")
            )
            total += weight * ops.mean(ops.abs(difference), axis=(1, 2, 3))
    return total


@keras.saving.register_keras_serializable(package="hdgan")
class FeatureMatchingLoss(keras.losses.Loss):
    """`feature_matching_loss` as a Keras loss.

    Args:
        reduction: as in `keras.losses.Loss`.

    Call arguments:
        y_true: features of the photos, list over scales of lists over layers.
        y_pred: features of the fakes.

    Example:
        >>> loss = hdgan.layers.FeatureMatchingLoss()
        >>> value = loss(discriminator(photo), discriminator(fake))
    """

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="feature_matching_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        return feature_matching_loss(y_true, y_pred)
