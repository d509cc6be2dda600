"""U-Net generator of pix2pix."""

import keras

from hdgan.checks import check_integers
from hdgan.layers.initialization import (
    default_bias_initializer,
    default_kernel_initializer,
)
from hdgan.layers.noise_dropout import NoiseDropout
from hdgan.layers.normalization import make_norm
from hdgan.networks.network import Network, resolve_dtype


@keras.saving.register_keras_serializable(package="hdgan")
class UNetGenerator(Network):
    """Encoder and decoder with a skip connection at every resolution.

    4x4 convolutions at stride 2, C64-C128-C256-C512-... down to one pixel of a
    256x256 image, and back. The decoder's steps from 512 to 512 channels have
    dropout, except the innermost: three at the default depth. Up to five
    downsamplings the original PyTorch code has no such step; here the three
    steps after the innermost have dropout then. Isola et al., 2017, section
    6.1.1. The authors train with batches of one, where batch norm equals
    instance norm: that is the default.

    Args:
        input_channels: int >= 1, channels of the condition.
        base_width: int >= 1, channels after the first step; each step doubles
            them, up to eight times. Defaults to `64`.
        num_downsamplings: int >= 2, halvings of the size. Defaults to `8`.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        dropout_rate: float in [0, 1). Defaults to `0.5`.
        output_channels: int >= 1, channels of the image. Defaults to `3`.
        dtype: dtype policy of the layers, or its name. Defaults to `None`,
            which means the global one.
        **kwargs: `name` and `trainable` of the model.

    Input shape:
        `(batch, height, width, input_channels)`; both sides multiples of
        `size_multiple`.

    Output shape:
        `(batch, height, width, output_channels)`, float32 in [-1, 1].

    Raises:
        ValueError: if a number is not an integer >= 1, there is only one
            downsampling, or `norm` is unknown.

    Example:
        >>> generator = hdgan.UNetGenerator(input_channels=36)
        >>> photo = generator(keras.random.normal((1, 256, 256, 36)))
    """

    def __init__(
        self,
        input_channels,
        base_width=64,
        num_downsamplings=8,
        norm="instance",
        dropout_rate=0.5,
        output_channels=3,
        dtype=None,
        **kwargs,
    ):
        check_integers(
            input_channels=input_channels,
            base_width=base_width,
            num_downsamplings=num_downsamplings,
            output_channels=output_channels,
        )
        if num_downsamplings < 2:
            raise ValueError(
                "`num_downsamplings` must be an integer >= 2. "
                f"Received: {num_downsamplings}"
            )
        dtype = resolve_dtype(dtype)
        widths = [base_width * min(2**k, 8) for k in range(num_downsamplings)]

        # === Functional Model ===
        inputs = keras.Input(
            (None, None, input_channels), dtype="float32", name="condition"
        )
        x = inputs
        skips = []
        for k, filters in enumerate(widths):
            x = _down(
                x,
                filters,
                f"down_{k + 1}",
                # The first has no norm, nor has the innermost: an instance
                # norm of a single pixel is 0.
                norm="none" if k in (0, num_downsamplings - 1) else norm,
                activate=k > 0,
                dtype=dtype,
            )
            skips.append(x)
        skips.pop()
        # The step from 512 to 512 channels at the largest size.
        last_dropout = 4 if num_downsamplings > 5 else num_downsamplings - 4
        for k in range(num_downsamplings - 1, 0, -1):
            has_dropout = last_dropout <= k < num_downsamplings - 1
            x = _up(
                x,
                widths[k - 1],
                f"up_{k + 1}",
                norm=norm,
                dropout_rate=dropout_rate if has_dropout else 0.0,
                dtype=dtype,
            )
            x = keras.layers.Concatenate(dtype=dtype, name=f"skip_{k}")(
                [skips.pop(), x]
            )
        x = _up(
            x,
            output_channels,
            "output",
            norm="none",
            dropout_rate=0.0,
            dtype=dtype,
        )
        x = keras.layers.Activation("tanh", dtype="float32", name="image")(x)
        super().__init__(inputs, x, dtype, **kwargs)

        # === Config ===
        self.input_channels = input_channels
        self.base_width = base_width
        self.num_downsamplings = num_downsamplings
        self.norm = norm
        self.dropout_rate = dropout_rate
        self.output_channels = output_channels

    @property
    def size_multiple(self):
        """int, each side of the input is a multiple of it, in pixels."""
        return 2**self.num_downsamplings

    @property
    def size_minimum(self):
        """int, the smallest side of the input, in pixels.

        One pixel remains at the lowest resolution. The first norm follows the
        first upsampling and has two.
        """
        return self.size_multiple

    def get_config(self):
        return {
            **super().get_config(),
            "input_channels": self.input_channels,
            "base_width": self.base_width,
            "num_downsamplings": self.num_downsamplings,
            "norm": self.norm,
            "dropout_rate": self.dropout_rate,
            "output_channels": self.output_channels,
        }


def _leaky_relu(x):
    """Returns `x` where it is positive, and `0.2 * x` elsewhere.

    This is not TensorFlow's `LeakyRelu`: the skip connection reads the first
    convolution as well, where TensorFlow's graph optimizer fails and leaves the
    whole graph without fused kernels.
    """
    return keras.ops.where(x > 0, x, 0.2 * x)


def _down(x, filters, name, *, norm, activate, dtype):
    """Applies LeakyReLU, a convolution at stride 2 and a norm."""
    if activate:
        x = keras.layers.Activation(
            _leaky_relu, dtype=dtype, name=f"{name}_relu"
        )(x)
    x = keras.layers.Conv2D(
        filters,
        4,
        strides=2,
        padding="same",
        data_format="channels_last",
        kernel_initializer=default_kernel_initializer(),
        bias_initializer=default_bias_initializer(16 * x.shape[-1]),
        dtype=dtype,
        name=f"{name}_convolution",
    )(x)
    return make_norm(norm, dtype=dtype, name=f"{name}_norm")(x)


def _up(x, filters, name, *, norm, dropout_rate, dtype):
    """Applies ReLU, a transposed convolution at stride 2, norm, dropout."""
    x = keras.layers.ReLU(dtype=dtype, name=f"{name}_relu")(x)
    x = keras.layers.Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        data_format="channels_last",
        kernel_initializer=default_kernel_initializer(),
        bias_initializer=default_bias_initializer(16 * filters),
        dtype=dtype,
        name=f"{name}_convolution",
    )(x)
    x = make_norm(norm, dtype=dtype, name=f"{name}_norm")(x)
    if dropout_rate:
        x = NoiseDropout(dropout_rate, dtype=dtype, name=f"{name}_dropout")(x)
    return x
