"""Encoder of a photo's style."""

import keras
from keras import ops

from hdgan.checks import check_integers
from hdgan.layers import (
    InstanceNormalization,
    PaddedConv2D,
    SpectralNormalization,
)
from hdgan.layers.initialization import xavier_initializer
from hdgan.layers.kernels import leaky_relu
from hdgan.networks.network import Network, resolve_dtype

# The side that photos are resized to, in pixels.
_PHOTO_SIDE = 256


@keras.saving.register_keras_serializable(package="hdgan")
class StyleEncoder(Network):
    """Photo in, the normal distribution of its style vector out.

    The photo is resized to 256x256 pixels. Six 3x3 convolutions at stride 2
    follow, with spectral norm, instance norm and LeakyReLU, then two dense
    layers: Park et al., CVPR 2019, section 3.1 and appendix A, figure 17. With
    the generator it is a variational autoencoder: the style of a step is drawn
    as `style_mean + exp(0.5 * style_log_variance) * noise`.

    Args:
        base_width: int, channels of the first convolution, eight times as many
            at the end. Defaults to 64.
        style_channels: int, length of the style vector. Defaults to 256.
        **kwargs: `name`, `trainable`, and `dtype`, the policy of the layers.

    Input shape:
        `(batch, height, width, 3)`, in [-1, 1].

    Output shape:
        `[style_mean, style_log_variance]`, each float32 `(batch,
        style_channels)`.

    Raises:
        ValueError: if a number is not an integer >= 1.

    Example:
        >>> encoder = hdgan.StyleEncoder()
        >>> mean, log_variance = encoder(photo)
    """

    def __init__(self, base_width=64, style_channels=256, dtype=None, **kwargs):
        check_integers(base_width=base_width, style_channels=style_channels)
        dtype = resolve_dtype(dtype)

        # === Functional Model ===
        photo = keras.Input((None, None, 3), dtype="float32", name="photo")
        # Between the centres of pixels, without antialiasing, as in PyTorch.
        x = ops.image.resize(
            photo,
            (_PHOTO_SIDE, _PHOTO_SIDE),
            interpolation="bilinear",
            data_format="channels_last",
        )
        for number, factor in enumerate((1, 2, 4, 8, 8, 8), start=1):
            convolution = PaddedConv2D(
                factor * base_width,
                3,
                strides=2,
                pad_width=1,
                kernel_initializer=xavier_initializer(),
                use_bias=False,
                dtype=dtype,
                name="convolution",
            )
            x = SpectralNormalization(
                convolution,
                store_v=True,
                dtype=dtype,
                name=f"convolution_{number}",
            )(x)
            x = InstanceNormalization(dtype=dtype, name=f"norm_{number}")(x)
            x = keras.layers.Activation(
                leaky_relu, dtype=dtype, name=f"activation_{number}"
            )(x)
        x = keras.layers.Flatten("channels_last", dtype=dtype, name="flatten")(
            x
        )
        # In float32: the exponential of the variance follows.
        style_mean, style_log_variance = [
            keras.layers.Dense(
                style_channels,
                kernel_initializer=xavier_initializer(),
                dtype="float32",
                name=name,
            )(x)
            for name in ("style_mean", "style_log_variance")
        ]
        super().__init__(
            photo, [style_mean, style_log_variance], dtype, **kwargs
        )

        # === Config ===
        self.base_width = base_width
        self.style_channels = style_channels

    def get_config(self):
        return {
            **super().get_config(),
            "base_width": self.base_width,
            "style_channels": self.style_channels,
        }
