"""Perceptual loss on VGG19 features."""

import pathlib

import keras
from keras import ops

from hdgan.data.torch_file import read_torch_file
from hdgan.layers.gradient_checkpointing import is_checkpointing

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
# The convolutions up to relu5_1 among torchvision's `features`.
_TORCHVISION_NUMBERS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)


def vgg19_features(weights):
    """Builds VGG19 up to relu5_1 with its five taps as outputs.

    Args:
        weights: `"imagenet"` (downloaded by Keras), or the path of a file: a
            Keras weights file of VGG19 without its top (`.h5`), or
            torchvision's state dict of VGG19 (`.pth`), which is read without
            PyTorch.

    Returns:
        A frozen Keras model from an image `(batch, height, width, 3)` to a list
        of the activations relu1_1, relu2_1, relu3_1, relu4_1, relu5_1.

    Raises:
        ValueError: naming the file, if it does not exist or holds other
            weights.
    """
    is_imagenet = weights == "imagenet"
    if not is_imagenet and not pathlib.Path(weights).is_file():
        raise ValueError(
            f"The VGG19 weights {weights!r} are no file. Expected 'imagenet' "
            "or the path of VGG19 weights, Keras' without top (.h5) or "
            "torchvision's (.pth)."
        )
    backbone = keras.applications.VGG19(
        include_top=False, weights="imagenet" if is_imagenet else None
    )
    features = keras.Model(
        backbone.input,
        [backbone.get_layer(tap).output for tap in TAPS],
        name="vgg19_features",
    )
    if is_torchvision(weights):
        _assign_torchvision(features, weights)
    elif not is_imagenet:
        _load_keras_weights(backbone, weights)
    features.trainable = False
    return features


def is_torchvision(weights):
    """Whether these weights are a file in PyTorch's format, by its ending."""
    return pathlib.Path(weights).suffix in (".pth", ".pt")


def _load_keras_weights(backbone, path):
    try:
        backbone.load_weights(path)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(
            f"{path} holds no Keras weights of VGG19 without top: {error}"
        ) from error


def _assign_torchvision(features, path):
    state = read_torch_file(path)
    convolutions = [
        layer
        for layer in features.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    for number, layer in zip(_TORCHVISION_NUMBERS, convolutions, strict=True):
        arrays = []
        for kind, variable in zip(
            ("weight", "bias"), layer.weights, strict=True
        ):
            name = f"features.{number}.{kind}"
            array = state.get(name) if isinstance(state, dict) else None
            if getattr(array, "ndim", 0) == 4:
                array = array.transpose(2, 3, 1, 0)
            if getattr(array, "shape", None) != variable.shape:
                raise ValueError(
                    f"{path} holds no torchvision weights of VGG19: {name} is "
                    "missing or of another shape."
                )
            arrays.append(array)
        layer.set_weights(arrays)


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
        weights: as of `vgg19_features`.
        inputs: what the weights are given. `"raw"`: the RGB image in [-1, 1] as
            it is, as the published code gives it to torchvision's weights.
            `"caffe"`: BGR, 0..255 minus the ImageNet means, as Keras' own
            weights expect; the features, which are then some 127.5 times
            larger, are divided by 127.5. None is `"raw"` for a file of
            torchvision's, which with a weight of 10 is the published loss, and
            `"caffe"` for Keras'.
        reduction: as in `keras.losses.Loss`.

    Call arguments:
        y_true: photos, `(batch, height, width, 3)` in [-1, 1]; sides >= 16.
        y_pred: fakes, the same.

    Raises:
        ValueError: if `inputs` is unknown or the weights are no file of VGG19.

    Example:
        >>> loss = hdgan.layers.PerceptualLoss("imagenet")
        >>> loss.build()
        >>> value = loss(photo, fake)
    """

    def __init__(
        self,
        weights="imagenet",
        inputs=None,
        reduction="sum_over_batch_size",
        name="perceptual_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if inputs is None:
            inputs = "raw" if is_torchvision(weights) else "caffe"
        if inputs not in INPUTS:
            raise ValueError(
                f"`inputs` must be one of {INPUTS}, or None for what goes with "
                f"the weights. Received: {inputs!r}"
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
        taps = keras.remat(self._taps) if is_checkpointing() else self._taps
        fake_taps = taps(self._to_vgg(y_pred))
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
