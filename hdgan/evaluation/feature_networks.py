"""Networks whose features of photographs are compared."""

import pathlib

import keras
import tensorflow as tf
from absl import logging

from hdgan.data.files import hash_file
from hdgan.data.printable import printable
from hdgan.evaluation.keras_file import load_keras_network
from hdgan.networks.efficientnet_lite0 import (
    find_package_weights,
    make_efficientnet_lite0,
)

NAMES = ("auto", "inception_v3", "efficientnet_lite0")
_HEAD = 1280


class FeatureNetwork:
    """Maps photographs to one feature vector each.

    Args:
        name: str, for reports.
        model: Keras model from float images `(batch, height, width, 3)` to
            features `(batch, num_features)`, or to activations `(batch,
            height, width, num_features)`, whose mean over pixels is taken.
        size: `(height, width)` in pixels that photographs are resized to,
            bilinearly with antialiasing; None for their own size.
        low, high: floats, what 0 and 255 of a photograph become.
        weights: str, where the weights come from, for reports.

    Call arguments:
        photos: uint8 `(batch, height, width, 3)`.

    Returns:
        Float32 `(batch, num_features)`.

    Raises:
        ValueError: if the model gives neither vectors nor activations.
    """

    def __init__(self, name, model, size, low, high, weights):
        self.name = name
        self.size = size
        self.weights = weights
        self._model = model
        self._low, self._high = low, high
        rank = len(model.output_shape)
        self.num_features = model.output_shape[-1]
        if rank not in (2, 4) or self.num_features is None:
            raise ValueError(
                f"The feature network {name} gives the shape "
                f"{model.output_shape}. Expected (batch, features) or (batch, "
                "height, width, features)."
            )
        self._compute = tf.function(
            self._run,
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
        )

    def __call__(self, photos):
        return self._compute(photos)

    def _run(self, photos):
        images = tf.cast(photos, tf.float32)
        if self.size is not None:
            images = tf.image.resize(images, self.size, antialias=True)
        images = images / 255 * (self._high - self._low) + self._low
        features = self._model(images, training=False)
        if len(features.shape) == 4:
            features = tf.reduce_mean(features, axis=(1, 2))
        return tf.cast(features, tf.float32)

    def describe(self):
        """Returns what a report says of the network, as a dict."""
        resizing = "none"
        if self.size is not None:
            height, width = self.size
            resizing = f"{width}x{height}, bilinear, antialiased"
        return {
            "name": self.name,
            "weights": self.weights,
            "num_features": self.num_features,
            "resizing": resizing,
        }


def make_feature_network(name="auto", weights=None):
    """Makes the feature network of Fréchet and kernel distances.

    None of them is the network of the published FID, whose weights are other
    ones than Keras': the distances have the values of their own network, and
    can be compared with others of the same network only.

    Args:
        name: `"inception_v3"`, Keras' InceptionV3, 2,048 features at 299x299;
            `"efficientnet_lite0"`, 1,280 features at the photographs' own
            size, whose weights come in a package; `"auto"`, the first if
            `weights` is given or Keras can load its weights, or else the
            second; or the path of a `.keras` file, a model from RGB 0..255 to
            features or activations. Defaults to `"auto"`.
        weights: path of Keras' weights of InceptionV3 without top (`.h5`).
            Defaults to None: Keras downloads them.

    Returns:
        `FeatureNetwork`.

    Raises:
        ValueError: if there is no such network or file, or weights can't be
            had.

    Example:
        >>> network = make_feature_network("efficientnet_lite0")
        >>> features = network(photos)
    """
    if weights is not None and name not in ("auto", "inception_v3"):
        raise ValueError(
            f"`weights` was given with the feature network {name!r}, which "
            "has weights of its own. Leave one of them out."
        )
    if name == "efficientnet_lite0":
        return _make_efficientnet()
    if name == "inception_v3" or weights is not None:
        return _make_inception(weights)
    if name == "auto":
        try:
            return _make_inception(None)
        except ValueError as error:
            logging.info("%s", error)
            return _make_efficientnet()
    if pathlib.Path(name).is_file():
        return _load(name)
    raise ValueError(
        f"There is no feature network {name!r}. Expected one of "
        f"{', '.join(NAMES)}, or the path of a .keras file."
    )


def _make_efficientnet():
    model = make_efficientnet_lite0(top=False, dtype="float32")
    return FeatureNetwork(
        "efficientnet_lite0",
        model,
        None,
        -1,
        1,
        f"ImageNet, sha256 {hash_file(find_package_weights())}",
    )


def _make_inception(weights):
    if weights is not None and not pathlib.Path(weights).is_file():
        raise ValueError(
            f"There is no file {weights!r} of InceptionV3's weights."
        )
    try:
        model = keras.applications.InceptionV3(
            include_top=False,
            weights="imagenet" if weights is None else weights,
            input_shape=(299, 299, 3),
            pooling="avg",
        )
    except Exception as error:  # Keras raises a bare one for a download.
        if weights is None:
            raise ValueError(
                "Keras can't download the weights of InceptionV3 "
                f"({printable(error)}). Give their file "
                "(inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5), "
                "or choose the feature network efficientnet_lite0."
            ) from error
        raise ValueError(
            f"{weights} does not hold Keras' weights of InceptionV3 without "
            f"top: {printable(error)}"
        ) from error
    source = (
        "Keras, ImageNet"
        if weights is None
        else f"{pathlib.Path(weights).name}, sha256 {hash_file(weights)}"
    )
    return FeatureNetwork("inception_v3", model, (299, 299), -1, 1, source)


def _load(path):
    model = load_keras_network(path)
    size = tuple(model.input_shape[1:3])
    return FeatureNetwork(
        pathlib.Path(path).name,
        model,
        None if None in size else size,
        0,
        255,
        f"sha256 {hash_file(path)}",
    )
