"""Local enhancers G2, G3, ... of pix2pixHD around a global generator."""

import keras

from hdgan.checks import check_integers
from hdgan.layers import (
    AveragePooling2DExcludingPadding,
    ConvolutionBlock,
    DownsampleBlock,
    ResidualBlock,
    UpsampleBlock,
)
from hdgan.networks.global_generator import GlobalGenerator, image_output
from hdgan.networks.network import Network


@keras.saving.register_keras_serializable(package="hdgan")
class LocalEnhancer(Network):
    """Global generator inside enhancers, each of which doubles the resolution.

    Enhancer k of n (1 is the coarsest) takes the input after n - k average
    poolings: c7s1-w, d2w, addition of the next coarser network's activations,
    residual blocks R2w, uw. Its width w is the global generator's divided by
    2^k. Only the last has an output layer. Wang et al., 2018, section 3.2 and
    appendix.

    Args:
        global_generator: `GlobalGenerator`, the coarsest network. The enhancers
            take over its input channels, width, norm, dropout, upsampling and
            dtype. Its weights, without those of its output layer, are shared,
            not copied.
        num_enhancers: int >= 1. Defaults to `1`.
        num_blocks: int >= 1, residual blocks of each enhancer. Defaults to `3`.
        **kwargs: `name` and `trainable` of the model.

    Input shape:
        `(batch, height, width, input_channels)`; both sides multiples of
        `size_multiple` and at least `size_minimum`.

    Output shape:
        `(batch, height, width, output_channels)`, float32 in [-1, 1].

    Raises:
        ValueError: if a number is not an integer >= 1, or the global
            generator's width is not a multiple of `2 ** num_enhancers`.

    Example:
        >>> coarse = hdgan.GlobalGenerator(input_channels=36, base_width=64)
        >>> generator = hdgan.LocalEnhancer(coarse)
        >>> photo = generator(keras.random.normal((1, 1024, 2048, 36)))
    """

    def __init__(
        self, global_generator, num_enhancers=1, num_blocks=3, **kwargs
    ):
        check_integers(num_enhancers=num_enhancers, num_blocks=num_blocks)
        base_width = global_generator.base_width
        if base_width % 2**num_enhancers:
            raise ValueError(
                f"{num_enhancers} enhancers need a global generator whose "
                f"`base_width` is a multiple of {2**num_enhancers}. "
                f"Received: base_width={base_width}"
            )
        kwargs.pop("dtype", None)
        dtype = global_generator.children_policy
        options = {"norm": global_generator.norm, "dtype": dtype}

        # === Layers ===
        pools = [
            AveragePooling2DExcludingPadding(dtype=dtype, name=f"pool_{k}")
            for k in range(1, num_enhancers + 1)
        ]

        # === Functional Model ===
        inputs = keras.Input(
            (None, None, global_generator.input_channels),
            dtype="float32",
            name="condition",
        )
        pyramid = [inputs]
        for pool in pools:
            pyramid.append(pool(pyramid[-1]))
        x = global_generator.features()(pyramid[-1])
        for k in range(1, num_enhancers + 1):
            x = _enhance(
                pyramid[num_enhancers - k],
                x,
                f"enhancer_{k}",
                width=base_width // 2**k,
                num_blocks=num_blocks,
                dropout_rate=global_generator.dropout_rate,
                upsampling=global_generator.upsampling,
                options=options,
            )
        x = image_output(x, global_generator.output_channels, dtype)
        super().__init__(inputs, x, dtype, **kwargs)

        # === Config ===
        # As a config: Keras would add the unused output layer of a model in an
        # attribute to the weights.
        self._global_config = keras.saving.serialize_keras_object(
            global_generator
        )
        self.num_enhancers = num_enhancers
        self.num_blocks = num_blocks
        self.norm = global_generator.norm
        self.dropout_rate = global_generator.dropout_rate
        self.upsampling = global_generator.upsampling
        self.size_multiple = global_generator.size_multiple * 2**num_enhancers
        self.size_minimum = global_generator.size_minimum * 2**num_enhancers

    def outermost_enhancer_variables(self):
        """Returns the trainable variables of the last enhancer and output."""
        prefix = f"enhancer_{self.num_enhancers}_"
        return [
            variable
            for layer in self.layers
            if layer.name.startswith(prefix) or layer.name == "output"
            for variable in layer.trainable_variables
        ]

    def get_config(self):
        config = super().get_config()
        del config["dtype"]
        return {
            **config,
            "global_generator": self._global_config,
            "num_enhancers": self.num_enhancers,
            "num_blocks": self.num_blocks,
        }

    @classmethod
    def from_config(cls, config):
        generator = config["global_generator"]
        if not isinstance(generator, GlobalGenerator):
            generator = keras.saving.deserialize_keras_object(generator)
        return cls(**{**config, "global_generator": generator})


def _enhance(
    image,
    inner,
    name,
    *,
    width,
    num_blocks,
    dropout_rate,
    upsampling,
    options,
):
    """Applies one enhancer.

    Args:
        image: the input at this enhancer's resolution.
        inner: activations at half of it, with `2 * width` channels.
        name: prefix of the layers' names.
        width: int, channels at this enhancer's resolution.
        num_blocks: int, residual blocks.
        dropout_rate: float in [0, 1), dropout in the residual blocks.
        upsampling: see `UpsampleBlock`.
        options: dict of the arguments that all blocks share.

    Returns:
        Activations at this enhancer's resolution, with `width` channels.
    """
    x = ConvolutionBlock(width, 7, name=f"{name}_stem", **options)(image)
    x = DownsampleBlock(2 * width, name=f"{name}_down", **options)(x)
    x = keras.layers.Add(dtype=options["dtype"], name=f"{name}_add")([x, inner])
    for k in range(1, num_blocks + 1):
        x = ResidualBlock(
            dropout_rate=dropout_rate, name=f"{name}_block_{k}", **options
        )(x)
    return UpsampleBlock(
        width, upsampling=upsampling, name=f"{name}_up", **options
    )(x)
