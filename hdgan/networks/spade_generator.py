"""SPADE generator."""

import keras

from hdgan.checks import check_integers
from hdgan.layers import (
    NearestDownsampling,
    PaddedConv2D,
    SpadeResidualBlock,
)
from hdgan.layers.initialization import xavier_initializer
from hdgan.layers.kernels import leaky_relu
from hdgan.networks.network import Network, resolve_dtype

# The widths of the residual blocks after upsampling, in units of the base
# width, by the number of upsamplings.
_WIDTHS = {
    5: (8, 4, 2, 1),
    6: (8, 4, 2, 1),
    7: (8, 4, 2, 1, 0.5),
}


@keras.saving.register_keras_serializable(package="hdgan")
class SpadeGenerator(Network):
    """Grows an image from a small map; the semantics modulate every block.

    The smallest map is a convolution of the downsampled semantics or, with a
    style, a dense layer of it. SPADE residual blocks follow, 16-16-16-8-4-2-1
    times `base_width`, with nearest upsampling between them, then LeakyReLU, a
    3x3 convolution and tanh. Park et al., CVPR 2019, section 3.1 and appendix
    A, figures 15 and 16. With 36 input channels and six upsamplings that is
    93.0 million parameters.

    Args:
        input_channels: int, channels of the semantics map: classes and
            boundary map.
        base_width: int, channels of the last block: with seven upsamplings of
            the one before it. Defaults to 64.
        num_upsamplings: 5, 6 or 7, doublings of the size; `normal`, `more` and
            `most` in the original PyTorch code. Defaults to 5.
        hidden_channels: int, of `hdgan.layers.SpadeNormalization`. Defaults to
            128.
        norm: `"batch"` or `"instance"`, of `SpadeNormalization`. Defaults to
            `"batch"`.
        style_channels: int >= 0, length of the style vector; 0 for a generator
            without one. Defaults to 0.
        image_size: `(height, width)` in pixels, multiples of `size_multiple`:
            the only size of a generator with a style, since its dense layer
            has that of the smallest map. None without a style.
        output_channels: int, channels of the image. Defaults to 3.
        **kwargs: `name`, `trainable`, and `dtype`, the policy of the layers.

    Input shape:
        `(batch, height, width, input_channels)`; both sides multiples of
        `size_multiple`. With a style a list of it and `(batch,
        style_channels)`.

    Output shape:
        `(batch, height, width, output_channels)`, float32 in [-1, 1].

    Raises:
        ValueError: if a number is not an integer >= 1, `num_upsamplings` is not
            5, 6 or 7, `base_width` is odd with seven, or `image_size` does not
            fit `style_channels` or `size_multiple`.

    Example:
        >>> generator = hdgan.SpadeGenerator(input_channels=36)
        >>> photo = generator(keras.random.normal((1, 256, 512, 36)))
    """

    # There is no dropout.
    dropout_rate = 0.0

    def __init__(
        self,
        input_channels,
        base_width=64,
        num_upsamplings=5,
        hidden_channels=128,
        norm="batch",
        style_channels=0,
        image_size=None,
        output_channels=3,
        dtype=None,
        **kwargs,
    ):
        check_integers(
            input_channels=input_channels,
            base_width=base_width,
            hidden_channels=hidden_channels,
            output_channels=output_channels,
        )
        _check_upsamplings(num_upsamplings, base_width)
        image_size = _check_image_size(
            image_size, style_channels, 2**num_upsamplings
        )
        dtype = resolve_dtype(dtype)

        # === Layers ===
        def block(width, name):
            return SpadeResidualBlock(
                int(width * base_width),
                hidden_channels,
                norm=norm,
                dtype=dtype,
                name=name,
            )

        # Each with whether an upsampling comes before it.
        blocks = [
            (block(16, "head_0"), False),
            (block(16, "middle_0"), True),
            (block(16, "middle_1"), num_upsamplings > 5),
        ]
        blocks += [
            (block(width, f"up_{k}"), True)
            for k, width in enumerate(_WIDTHS[num_upsamplings])
        ]
        output = PaddedConv2D(
            output_channels,
            3,
            pad_width=1,
            kernel_initializer=xavier_initializer(),
            dtype=dtype,
            name="output",
        )

        # === Functional Model ===
        height, width = image_size or (None, None)
        condition = keras.Input(
            (height, width, input_channels), dtype="float32", name="condition"
        )
        inputs = condition
        # One map for all layers of a resolution.
        level = num_upsamplings
        semantics = _downsample(condition, level, dtype)
        if style_channels:
            style = keras.Input(
                (style_channels,), dtype="float32", name="style"
            )
            inputs = [condition, style]
            x = _start_from_style(style, base_width, semantics.shape, dtype)
        else:
            x = _start_from_semantics(semantics, base_width, dtype)
        for residual_block, is_larger in blocks:
            if is_larger:
                level -= 1
                semantics = _downsample(condition, level, dtype)
                x = keras.layers.UpSampling2D(
                    data_format="channels_last",
                    dtype=dtype,
                    name=f"upsample_{level}",
                )(x)
            x = residual_block(x, semantics)
        x = keras.layers.Activation(
            leaky_relu, dtype=dtype, name="output_activation"
        )(x)
        x = output(x)
        # In float32: an image in bfloat16 would have bands.
        x = keras.layers.Activation("tanh", dtype="float32", name="image")(x)
        super().__init__(inputs, x, dtype, **kwargs)

        # === Config ===
        self.input_channels = input_channels
        self.base_width = base_width
        self.num_upsamplings = num_upsamplings
        self.hidden_channels = hidden_channels
        self.norm = norm
        self.style_channels = style_channels
        self.image_size = image_size
        self.output_channels = output_channels

    @property
    def size_multiple(self):
        """Each side of the input is a multiple of this, in pixels."""
        return 2**self.num_upsamplings

    @property
    def size_minimum(self):
        """Each side of the input has at least this many pixels.

        The smallest map then has four: the batch norm of a single one would
        have nothing to normalize with.
        """
        return 2 * self.size_multiple

    def get_config(self):
        return {
            **super().get_config(),
            "input_channels": self.input_channels,
            "base_width": self.base_width,
            "num_upsamplings": self.num_upsamplings,
            "hidden_channels": self.hidden_channels,
            "norm": self.norm,
            "style_channels": self.style_channels,
            "image_size": self.image_size,
            "output_channels": self.output_channels,
        }


def _check_upsamplings(num_upsamplings, base_width):
    if num_upsamplings not in _WIDTHS:
        raise ValueError(
            f"`num_upsamplings` must be one of {tuple(_WIDTHS)}. "
            f"Received: {num_upsamplings!r}"
        )
    if num_upsamplings == 7 and base_width % 2:
        raise ValueError(
            "`base_width` must be even with seven upsamplings, the last of "
            f"which halves it. Received: {base_width}"
        )


def _check_image_size(image_size, style_channels, multiple):
    """Returns the size as a tuple of int, or None."""
    if not isinstance(style_channels, int) or style_channels < 0:
        raise ValueError(
            "`style_channels` must be an integer >= 0. "
            f"Received: {style_channels!r}"
        )
    if not style_channels:
        if image_size is not None:
            raise ValueError(
                "A generator without a style works at any size: leave out "
                f"`image_size`, or give `style_channels`. Received: "
                f"{image_size}"
            )
        return None
    sides = tuple(image_size or ())
    if len(sides) != 2 or any(
        not isinstance(side, int) or side < multiple or side % multiple
        for side in sides
    ):
        raise ValueError(
            "A generator with a style needs `image_size`, (height, width), "
            f"two multiples of {multiple}. Received: {image_size}"
        )
    return sides


def _downsample(condition, level, dtype):
    """Returns the semantics divided by `2 ** level`."""
    if not level:
        return condition
    return NearestDownsampling(
        2**level, dtype=dtype, name=f"semantics_{level}"
    )(condition)


def _start_from_semantics(semantics, base_width, dtype):
    return PaddedConv2D(
        16 * base_width,
        3,
        pad_width=1,
        kernel_initializer=xavier_initializer(),
        dtype=dtype,
        name="start",
    )(semantics)


def _start_from_style(style, base_width, semantics_shape, dtype):
    size = (*semantics_shape[1:3], 16 * base_width)
    x = keras.layers.Dense(
        size[0] * size[1] * size[2],
        kernel_initializer=xavier_initializer(),
        dtype=dtype,
        name="start",
    )(style)
    return keras.layers.Reshape(size, dtype=dtype, name="start_map")(x)
