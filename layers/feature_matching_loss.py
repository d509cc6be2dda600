"""Feature matching loss."""

import keras
from keras import ops


def feature_matching_loss(real_features, fake_features):
    """Mean distance of a discriminator's activations of photos and fakes.

    Sums `4 / layers / scales * mean |fake - real|` over scales and layers,
    except the last of each scale, the logits. No gradient reaches the photos.
    Wang et al., 2018, equation 4, with the factors of the original PyTorch
    code and without the weight (10) of the whole term.

    Args:
        real_features: list over scales of lists over layers of tensors
            `(batch, height, width, channels)`, as `Multiscale` returns them.
        fake_features: the same for the fakes.

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
        reduction: as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`.
        name: string. Defaults to `"feature_matching_loss"`.
        dtype: dtype of the loss. Defaults to `None`, which means
            `keras.config.floatx()`.

    Call arguments:
        y_true: activations of the photos, list over scales of lists over
            layers.
        y_pred: activations of the fakes, in the same structure.

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
