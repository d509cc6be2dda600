"""Global generator G1."""

import keras

from hdgan.layers import (
    ConvolutionBlock,
    DownsampleBlock,
    ResidualBlock,
    UpsampleBlock,
)
from hdgan.networks.network import Network, check_positive, resolve_dtype


@keras.saving.register_keras_serializable(package="hdgan")
class GlobalGenerator(Network):
    """Coarse generator: down, residual blocks at the bottom, up again.

    c7s1-64, d128, d256, d512, d1024, 9 x R1024, u512, u256, u128, u64 and a
    7x7 convolution to the image, in the notation of Wang et al., 2018,
    appendix. With 36 input channels that is 182.5 million parameters.

    Args:
        input_channels: int, channels of the coded label map.
        base_width: int, channels at full resolution; doubled at each halving.
        num_downsamplings: int, halvings of the size.
        num_blocks: int, residual blocks.
        norm: `"instance"`, `"batch"` or `"none"`.
        dropout_rate: float in [0, 1), inside the residual blocks.
        output_channels: int, channels of the image.
        **kwargs: `name`, `trainable`, and `dtype`, the policy of the layers.

    Input shape:
        `(batch, height, width, input_channels)`; both sides multiples of
        `size_multiple` and at least `size_minimum`.

    Output shape:
        `(batch, height, width, output_channels)`, float32 in [-1, 1].

    Raises:
        ValueError: if a number is not an integer >= 1, or `norm` or
            `dropout_rate` is not one that the blocks know.

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
        dtype=None,
        **kwargs,
    ):
        check_positive(
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
            UpsampleBlock(base_width * 2 ** (k - 1), name=f"up_{k}", **options)
            for k in range(num_downsamplings, 0, -1)
        ]

        # === Functional Model ===
        inputs = keras.Input((None, None, input_channels), name="condition")
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

    @property
    def size_multiple(self):
        """Each side of the input is a multiple of this, in pixels."""
        return 2**self.num_downsamplings

    @property
    def size_minimum(self):
        """Each side of the input has at least this many pixels.

        At the bottom two remain: one could not be padded by reflection.
        """
        return 2 * self.size_multiple

    def features(self):
        """Returns this generator without its output layer, sharing weights.

        Its output, `(batch, height, width, base_width)`, is what a local
        enhancer adds to its own features.
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
        }


def image_output(x, channels, dtype):
    """Applies the last step of a generator: 7x7 convolution and tanh.

    The tanh is taken in float32: an image in bfloat16 would have bands.
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
