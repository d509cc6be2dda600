"""Global generator G1 of pix2pixHD."""

import keras

from hdgan.checks import check_integers
from hdgan.layers import (
    ConvolutionBlock,
    DownsampleBlock,
    ResidualBlock,
    UpsampleBlock,
)
from hdgan.networks.network import Network, resolve_dtype


@keras.saving.register_keras_serializable(package="hdgan")
class GlobalGenerator(Network):
    """Coarse generator: downsampling, residual blocks, upsampling.

    c7s1-64, d128, d256, d512, d1024, 9 x R1024, u512, u256, u128, u64 and a
    7x7 convolution to the image, in the notation of Wang et al., 2018,
    appendix. With 36 input channels it has 182.5 million parameters.

    Args:
        input_channels: int >= 1, channels of the condition.
        base_width: int >= 1, channels at full resolution; each downsampling
            doubles them. Defaults to `64`.
        num_downsamplings: int >= 1, halvings of the size. Defaults to `4`.
        num_blocks: int >= 1, residual blocks. Defaults to `9`.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        dropout_rate: float in [0, 1), dropout in the residual blocks. Defaults
            to `0.0`.
        output_channels: int >= 1, channels of the image. Defaults to `3`.
        upsampling: `"transposed"` or `"resize"`, how each `u` doubles the size:
            see `hdgan.layers.UpsampleBlock`. Defaults to `"transposed"`, as in
            the paper.
        dtype: dtype policy of the layers, or its name. Defaults to `None`,
            which means the global one.
        **kwargs: `name` and `trainable` of the model.

    Input shape:
        `(batch, height, width, input_channels)`; both sides multiples of
        `size_multiple` and at least `size_minimum`.

    Output shape:
        `(batch, height, width, output_channels)`, float32 in [-1, 1].

    Raises:
        ValueError: if a number is not an integer >= 1, `norm` or `upsampling`
            is unknown, or `dropout_rate` is outside [0, 1).

    Example:
        >>> generator = hdgan.GlobalGenerator(input_channels=36)
        >>> photo = generator(keras.random.normal((1, 512, 1024, 36)))
    """

    def __init__(
        self,
        input_channels,
        base_width=64,
        num_downsamplings=4,
        num_blocks=9,
        norm="instance",
        dropout_rate=0.0,
        output_channels=3,
        upsampling="transposed",
        dtype=None,
        **kwargs,
    ):
        check_integers(
            input_channels=input_channels,
            base_width=base_width,
            num_downsamplings=num_downsamplings,
            num_blocks=num_blocks,
            output_channels=output_channels,
        )
        dtype = resolve_dtype(dtype)
        options = {"norm": norm, "dtype": dtype}

        # === Layers ===
        stem = ConvolutionBlock(base_width, 7, name="stem", **options)
        downs = [
            DownsampleBlock(base_width * 2**k, name=f"down_{k}", **options)
            for k in range(1, num_downsamplings + 1)
        ]
        blocks = [
            ResidualBlock(
                dropout_rate=dropout_rate, name=f"block_{k}", **options
            )
            for k in range(1, num_blocks + 1)
        ]
        ups = [
            UpsampleBlock(
                base_width * 2 ** (k - 1),
                upsampling=upsampling,
                name=f"up_{k}",
                **options,
            )
            for k in range(num_downsamplings, 0, -1)
        ]

        # === Functional Model ===
        inputs = keras.Input(
            (None, None, input_channels), dtype="float32", name="condition"
        )
        x = stem(inputs)
        for layer in [*downs, *blocks, *ups]:
            x = layer(x)
        x = image_output(x, output_channels, dtype)
        super().__init__(inputs, x, dtype, **kwargs)

        # === Config ===
        self.input_channels = input_channels
        self.base_width = base_width
        self.num_downsamplings = num_downsamplings
        self.num_blocks = num_blocks
        self.norm = norm
        self.dropout_rate = dropout_rate
        self.output_channels = output_channels
        self.upsampling = upsampling

    @property
    def size_multiple(self):
        """int, each side of the input is a multiple of it, in pixels."""
        return 2**self.num_downsamplings

    @property
    def size_minimum(self):
        """int, the smallest side of the input, in pixels.

        Two pixels remain at the lowest resolution: a single one can't be padded
        by reflection.
        """
        return 2 * self.size_multiple

    def features(self):
        """Returns this generator without its output layer, sharing weights.

        A local enhancer adds its output, `(batch, height, width, base_width)`,
        to its own activations.
        """
        return keras.Model(
            self.input,
            self.get_layer("output").input,
            name="global_features",
        )

    def get_config(self):
        return {
            **super().get_config(),
            "input_channels": self.input_channels,
            "base_width": self.base_width,
            "num_downsamplings": self.num_downsamplings,
            "num_blocks": self.num_blocks,
            "norm": self.norm,
            "dropout_rate": self.dropout_rate,
            "output_channels": self.output_channels,
            "upsampling": self.upsampling,
        }


def image_output(x, channels, dtype):
    """Applies the last step of a generator: 7x7 convolution and tanh.

    The tanh is computed in float32, because bfloat16 images show bands.
    """
    x = ConvolutionBlock(
        channels,
        7,
        norm="none",
        activation="linear",
        dtype=dtype,
        name="output",
    )(x)
    return keras.layers.Activation("tanh", dtype="float32", name="image")(x)
