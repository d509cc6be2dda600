"""Multiscale discriminator of pix2pixHD."""

import keras

from hdgan.checks import check_integers
from hdgan.layers import Multiscale, PatchDiscriminator
from hdgan.layers.initialization import xavier_initializer
from hdgan.networks.network import Network, resolve_dtype

_INITIALIZERS = {
    "normal": {},
    "xavier": {
        "kernel_initializer": xavier_initializer(),
        "bias_initializer": "zeros",
    },
}


@keras.saving.register_keras_serializable(package="hdgan")
class MultiscaleDiscriminator(Network):
    """PatchGANs of equal shape and separate weights on an image pyramid.

    Wang et al., 2018, section 3.2 and appendix: three scales. The original
    PyTorch code has two at 1024x512.

    Args:
        input_channels: int >= 1, channels of condition and image together.
        base_width: int >= 1, channels of the first convolution. Defaults to
            `64`.
        num_layers: int >= 1, convolutions at stride 2. Defaults to `3`.
        num_scales: int >= 1. Defaults to `2`.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        spectral_norm: `False`, `True` or `"inner"`, which kernels are divided
            by their largest singular value: see
            `hdgan.layers.PatchDiscriminator`. Defaults to `False`.
        initialization: `"normal"`, kernels from N(0, 0.02) and biases uniform
            within ±1 / sqrt(fan_in), or `"xavier"`, kernels from N(0, 0.02 *
            sqrt(2 / (fan_in + fan_out))) and biases zero, as in Park et al.,
            2019. Defaults to `"normal"`.
        dtype: dtype policy of the layers, or its name. Defaults to `None`,
            which means the global one.
        **kwargs: `name` and `trainable` of the model.

    Input shape:
        `(batch, height, width, input_channels)`.

    Output shape:
        A list over scales, full resolution first, of lists of `num_layers + 2`
        tensors: the activations after each LeakyReLU, then the logits.

    Raises:
        ValueError: if a number is not an integer >= 1, or `norm`,
            `spectral_norm` or `initialization` is unknown.

    Example:
        >>> discriminator = hdgan.MultiscaleDiscriminator(input_channels=39)
        >>> outputs = discriminator(keras.random.normal((1, 512, 1024, 39)))
        >>> logits = [scale[-1] for scale in outputs]
    """

    def __init__(
        self,
        input_channels,
        base_width=64,
        num_layers=3,
        num_scales=2,
        norm="instance",
        spectral_norm=False,
        initialization="normal",
        dtype=None,
        **kwargs,
    ):
        check_integers(
            input_channels=input_channels,
            base_width=base_width,
            num_layers=num_layers,
            num_scales=num_scales,
        )
        if initialization not in _INITIALIZERS:
            raise ValueError(
                f"`initialization` must be one of {tuple(_INITIALIZERS)}. "
                f"Received: {initialization!r}"
            )
        dtype = resolve_dtype(dtype)

        # === Layers ===
        patch_discriminator = PatchDiscriminator(
            base_width,
            num_layers,
            norm,
            spectral_norm,
            **_INITIALIZERS[initialization],
            dtype=dtype,
            name="patch_discriminator",
        )
        multiscale = Multiscale(
            patch_discriminator, num_scales, dtype=dtype, name="multiscale"
        )

        # === Functional Model ===
        inputs = keras.Input(
            (None, None, input_channels), dtype="float32", name="pair"
        )
        super().__init__(inputs, multiscale(inputs), dtype, **kwargs)

        # === Config ===
        self.input_channels = input_channels
        self.base_width = base_width
        self.num_layers = num_layers
        self.num_scales = num_scales
        self.norm = norm
        self.spectral_norm = spectral_norm
        self.initialization = initialization

    def call(self, inputs, training=None, mask=None):
        outputs = super().call(inputs, training=training, mask=mask)
        # A functional model unpacks a list with one element.
        return [outputs] if self.num_scales == 1 else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "input_channels": self.input_channels,
            "base_width": self.base_width,
            "num_layers": self.num_layers,
            "num_scales": self.num_scales,
            "norm": self.norm,
            "spectral_norm": self.spectral_norm,
            "initialization": self.initialization,
        }
