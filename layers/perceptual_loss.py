"""Perceptual loss on VGG19 features."""

import pathlib

import keras
from keras import ops

TAPS = (
    "block1_conv1",
    "block2_conv1",
    "block3_conv1",
    "block4_conv1",
    "block5_conv1",
)
TAP_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
# The BGR means that Keras' VGG19 weights were trained with.
_BGR_MEANS = (103.939, 116.779, 123.68)
INPUTS = ("raw", "caffe")


def vgg19_features(weights):
    """Builds VGG19 up to relu5_1 with its five taps as outputs.

    Args:
        weights: `"imagenet"` (downloaded by Keras), the path of a Keras weights
            file of VGG19 without its top (`.h5`), or `"random"` for tests.

    Returns:
        A frozen Keras model from an image `(batch, height, width, 3)` to a list
        of the activations relu1_1, relu2_1, relu3_1, relu4_1, relu5_1.

    Raises:
        ValueError: if the file does not exist.
    """
    if weights not in ("imagenet", "random") and not (
        pathlib.Path(weights).is_file()
    ):
        raise ValueError(
            f"The VGG19 weights {weights!r} are no file. Expected 'imagenet' "
            "or the path of Keras' VGG19 weights without top."
        )
    backbone = keras.applications.VGG19(
        include_top=False, weights=None if weights == "random" else weights
    )
    features = keras.Model(
        backbone.input,
        [backbone.get_layer(tap).output for tap in TAPS],
        name="vgg19_features",
    )
    features.trainable = False
    return features


@keras.saving.register_keras_serializable(package="hdgan")
class PerceptualLoss(keras.losses.Loss):
    """Weighted L1 distance of VGG19 features of photo and fake.

    `sum_i w_i mean |VGG_i(fake) - VGG_i(real)|` at relu1_1 .. relu5_1 with
    weights 1/32, 1/16, 1/8, 1/4, 1; no gradient reaches the real side. Johnson
    et al., 2016; Wang et al., 2018, section 3.3 and their published code. The
    weight of the whole (10) is not included.

    The network is made by `build()`, which a `Pix2PixHD` calls before its first
    step, and is never saved with a model: only its configuration is.

    Args:
        weights: `"imagenet"`, the path of a Keras weights file, or `"random"`
            for tests.
        inputs: what the weights expect. `"caffe"`: BGR, 0..255 minus the
            ImageNet means, as Keras' own weights do; the features, which are
            then some 127.5 times larger, are divided by 127.5. `"raw"`: the RGB
            image in [-1, 1] as it is, which the published code gives to
            torchvision's weights.
        reduction: as in `keras.losses.Loss`.

    Call arguments:
        y_true: photos, `(batch, height, width, 3)` in [-1, 1]; sides >= 16.
        y_pred: fakes, the same.

    Raises:
        ValueError: if `inputs` is unknown or the weights are no file.

    Example:
        >>> loss = hdgan.layers.PerceptualLoss("imagenet")
        >>> loss.build()
        >>> value = loss(photo, fake)
    """

    def __init__(
        self,
        weights="imagenet",
        inputs="caffe",
        reduction="sum_over_batch_size",
        name="perceptual_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if inputs not in INPUTS:
            raise ValueError(
                f"`inputs` must be one of {INPUTS}. Received: {inputs!r}"
            )
        self.weights = weights
        self.inputs = inputs
        self._taps = None

    def build(self):
        """Makes the network and loads its weights, once."""
        if self._taps is None:
            network = vgg19_features(self.weights)
            # In a closure, because Keras saves every layer and model that it
            # finds in an attribute, and VGG19 would land in each checkpoint.
            self._taps = lambda image: network(image, training=False)

    def call(self, y_true, y_pred):
        self.build()
        photos = ops.stop_gradient(ops.convert_to_tensor(y_true))
        real_taps = self._taps(self._to_vgg(photos))
        fake_taps = self._taps(self._to_vgg(y_pred))
        scale = 1.0 if self.inputs == "raw" else 1.0 / 127.5
        total = 0.0
        for weight, real, fake in zip(
            TAP_WEIGHTS, real_taps, fake_taps, strict=True
        ):
            difference = ops.cast(fake, "float32") - ops.stop_gradient(
                ops.cast(real, "float32")
            )
            total += (
                weight * scale * ops.mean(ops.abs(difference), axis=(1, 2, 3))
            )
        return total

    def get_config(self):
        return {
            **super().get_config(),
            "weights": self.weights,
            "inputs": self.inputs,
        }

    def _to_vgg(self, image):
        if self.inputs == "raw":
            return image
        bgr = (image[..., ::-1] + 1.0) * 127.5
        return bgr - ops.convert_to_tensor(_BGR_MEANS, dtype=bgr.dtype)
