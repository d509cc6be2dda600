"""Distances between a generated photograph and the real one of its scene."""

import math

import tensorflow as tf

from hdgan.layers import PerceptualLoss
from hdgan.networks.efficientnet_lite0 import (
    EfficientNetLite0Features,
    find_package_weights,
)

# Each is reported with a mean over scenes; True where larger is better.
PAIRED_DISTANCES = {
    "psnr": True,
    "ssim": True,
    "ms_ssim": True,
    "perceptual": False,
}
# Side of the window of SSIM, and the halvings of MS-SSIM's five scales.
_WINDOW = 11
_HALVINGS = 4


class PairedDistances:
    """PSNR, SSIM, MS-SSIM and perceptual distance of two photographs.

    The first three are those of `tf.image`, with its defaults, on RGB. The
    perceptual distance is `hdgan.layers.PerceptualLoss` on EfficientNet-Lite0,
    about 1 for unlike photographs.

    Call arguments:
        photo: uint8 `(height, width, 3)`, the real photograph.
        generated: uint8 of the same shape.

    Returns:
        Dict from the keys of `PAIRED_DISTANCES` to floats: PSNR in decibels,
        capped at 100; SSIM and MS-SSIM up to 1; the perceptual distance from
        0. None where one can't be computed: SSIM needs 11 pixels in each
        direction, MS-SSIM 161, and the perceptual distance its network.
    """

    def __init__(self):
        self.perceptual_reason = None
        self._perceptual = None
        try:
            find_package_weights()
        except ValueError as error:
            self.perceptual_reason = str(error)
        else:
            self._perceptual = PerceptualLoss(
                EfficientNetLite0Features(), reduction=None
            )
            self._perceptual.build()
        image = tf.TensorSpec((None, None, 3), tf.uint8)
        self._graphs = {
            name: tf.function(function, input_signature=[image, image])
            for name, function in {
                "psnr": _psnr,
                "ssim": lambda a, b: tf.image.ssim(a, b, 255),
                "ms_ssim": _ms_ssim,
                "perceptual": self.perceptual,
            }.items()
        }

    def __call__(self, photo, generated):
        side = min(photo.shape[:2])
        is_possible = {
            "psnr": True,
            "ssim": side >= _WINDOW,
            "ms_ssim": side > (_WINDOW - 1) * 2**_HALVINGS,
            "perceptual": self._perceptual is not None,
        }
        return {
            name: _to_float(graph(photo, generated))
            if is_possible[name]
            else None
            for name, graph in self._graphs.items()
        }

    def perceptual(self, photo, generated):
        """Returns the perceptual distance alone, a float32 scalar tensor."""
        photo, generated = (
            tf.cast(image, tf.float32)[None] / 127.5 - 1.0
            for image in (photo, generated)
        )
        return self._perceptual(photo, generated)[0]

    def diversity(self, photos):
        """Returns the mean perceptual distance of all pairs of photographs.

        Args:
            photos: list of uint8 `(height, width, 3)`, of one label map.

        Returns:
            Float, or None with fewer than two photographs or without the
            network.
        """
        if len(photos) < 2 or self._perceptual is None:
            return None
        distances = [
            float(self._graphs["perceptual"](photos[i], photos[j]))
            for j in range(len(photos))
            for i in range(j)
        ]
        return math.fsum(distances) / len(distances)


def _psnr(photo, generated):
    # Equal photographs have an infinite one, which no mean could hold.
    return tf.minimum(tf.image.psnr(photo, generated, 255), 100.0)


def _ms_ssim(photo, generated):
    return tf.image.ssim_multiscale(photo, generated, 255)


def _to_float(value):
    value = float(value)
    return value if math.isfinite(value) else None
