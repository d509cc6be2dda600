"""Perceptual loss on the activations of a fixed network."""

import keras
from keras import ops

from hdgan.layers.gradient_checkpointing import is_checkpointing

# relu1_1 .. relu5_1 of VGG19 in pix2pixHD.
TAP_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


@keras.saving.register_keras_serializable(package="hdgan")
class PerceptualLoss(keras.losses.Loss):
    """Weighted L1 distance of a fixed network's activations of photo and fake.

    `sum_i weights_i * mean |features_i(fake) - features_i(photo)|`. No gradient
    reaches the photo. Johnson et al., 2016; Wang et al., 2018, section 3.3,
    without the factor (10) of the whole term.

    The network is not part of the loss: `features` loads it, once. A model that
    holds the loss saves its configuration only.

    Args:
        features: object that maps an image to activations, such as
            `hdgan.VGG19Features`. It has a method `build()`, which loads the
            network if that has not happened yet; called with an image
            `(batch, height, width, 3)` in [-1, 1] it returns a list of tensors
            `(batch, height_i, width_i, channels_i)`. Its class is registered
            with Keras and has `get_config`.
        weights: sequence of floats, the weight of each activation. Defaults to
            `None`, which means the attribute `tap_weights` of `features`, or,
            where it has none, `(1/32, 1/16, 1/8, 1/4, 1)`.
        reduction: as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`.
        name: string. Defaults to `"perceptual_loss"`.
        dtype: dtype of the loss. Defaults to `None`, which means
            `keras.config.floatx()`.

    Call arguments:
        y_true: photos, `(batch, height, width, 3)` in [-1, 1].
        y_pred: fakes, of the same shape and range.

    Raises:
        ValueError: if `features` has no `build` or can't be called, or returns
            another number of activations than there are weights.

    Example:
        >>> features = hdgan.VGG19Features("imagenet")
        >>> loss = hdgan.layers.PerceptualLoss(features)
        >>> value = loss(photo, fake)
    """

    def __init__(
        self,
        features,
        weights=None,
        reduction="sum_over_batch_size",
        name="perceptual_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not (callable(features) and hasattr(features, "build")):
            raise ValueError(
                "`features` must be an object with a method `build()` that "
                "maps an image to a list of activations, such as "
                f"`hdgan.VGG19Features()`. Received: {features!r}"
            )
        self.features = features
        if weights is None:
            weights = getattr(features, "tap_weights", TAP_WEIGHTS)
        # The resolved ones, so that a saved loss keeps its value.
        self.weights = tuple(weights)

    def build(self):
        """Loads the network, once."""
        self.features.build()

    def call(self, y_true, y_pred):
        self.build()
        photo = ops.stop_gradient(ops.convert_to_tensor(y_true))
        photo_activations = self.features(photo)
        if len(photo_activations) != len(self.weights):
            raise ValueError(
                "`weights` must hold one number for each activation that "
                f"`features` returns. Received: {len(self.weights)} weights, "
                f"{len(photo_activations)} activations."
            )
        fake_activations = self._features_for_gradient(y_pred)
        total = 0.0
        for weight, real, fake in zip(
            self.weights, photo_activations, fake_activations, strict=True
        ):
            difference = ops.cast(fake, "float32") - ops.stop_gradient(
                ops.cast(real, "float32")
            )
            total += weight * ops.mean(ops.abs(difference), axis=(1, 2, 3))
        return total

    def get_config(self):
        return {
            **super().get_config(),
            "features": keras.saving.serialize_keras_object(self.features),
            "weights": list(self.weights),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if "features" not in config:
            config = _add_vgg19(config)
        config["features"] = keras.saving.deserialize_keras_object(
            config["features"]
        )
        return cls(**config)

    def _features_for_gradient(self, image):
        if is_checkpointing():
            return keras.remat(lambda image: self.features(image))(image)
        return self.features(image)


def _add_vgg19(config):
    """Returns the config of a file from before `features` was an argument.

    `weights` was a file of VGG19 then. Keras finds the class by its registered
    name, so that layers need not import a network.
    """
    vgg19 = {
        "module": None,
        "class_name": "VGG19Features",
        "registered_name": "hdgan>VGG19Features",
        "config": {
            "weights": config.pop("weights"),
            "inputs": config.pop("inputs"),
        },
    }
    return {**config, "features": vgg19}
