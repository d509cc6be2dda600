"""Encoder E of pix2pixHD, which finds the style of each instance."""

import keras

from hdgan.checks import check_integers
from hdgan.layers import (
    ConvolutionBlock,
    DownsampleBlock,
    InstanceAveragePooling,
    UpsampleBlock,
)
from hdgan.networks.global_generator import image_output
from hdgan.networks.network import Network, resolve_dtype

REGIONS = ("instances", "labels")


@keras.saving.register_keras_serializable(package="hdgan")
class InstanceEncoder(Network):
    """Encodes a photo as one style vector per instance.

    c7s1-16, four downsamplings, four upsamplings, a 7x7 convolution with tanh,
    then the mean over each instance: Wang et al., 2018, section 3.4 and
    appendix. With the label map instead of the instance map it is the mean over
    each class.

    Args:
        base_width: int >= 1, channels at full resolution. Defaults to `16`.
        num_downsamplings: int >= 1, halvings of the size. Defaults to `4`.
        style_channels: int >= 1, length of a style vector. Defaults to `3`.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        regions: `"instances"` or `"labels"`, the map that a model passes as
            `region_map`. Defaults to `"instances"`.
        dtype: dtype policy of the layers, or its name. Defaults to `None`,
            which means the global one.
        **kwargs: `name` and `trainable` of the model.

    Input shape:
        `[photo, region_map]`: `(batch, height, width, 3)` in [-1, 1], both
        sides multiples of `2 ** num_downsamplings`, and `(batch, height,
        width)`, int32: the instance map or the label map.

    Output shape:
        `(batch, height, width, style_channels)`, float32 in [-1, 1], constant
        over each region.

    Raises:
        ValueError: if a number is not an integer >= 1, or `norm` or `regions`
            is unknown.

    Example:
        >>> encoder = hdgan.InstanceEncoder()
        >>> style_map = encoder([photo, instance_map])
    """

    def __init__(
        self,
        base_width=16,
        num_downsamplings=4,
        style_channels=3,
        norm="instance",
        regions="instances",
        dtype=None,
        **kwargs,
    ):
        check_integers(
            base_width=base_width,
            num_downsamplings=num_downsamplings,
            style_channels=style_channels,
        )
        if regions not in REGIONS:
            raise ValueError(
                f"`regions` must be one of {REGIONS}. Received: {regions!r}"
            )
        dtype = resolve_dtype(dtype)
        options = {"norm": norm, "dtype": dtype}

        # === Layers ===
        stem = ConvolutionBlock(base_width, 7, name="stem", **options)
        downs = [
            DownsampleBlock(base_width * 2**k, name=f"down_{k}", **options)
            for k in range(1, num_downsamplings + 1)
        ]
        ups = [
            UpsampleBlock(base_width * 2 ** (k - 1), name=f"up_{k}", **options)
            for k in range(num_downsamplings, 0, -1)
        ]
        pool = InstanceAveragePooling(dtype="float32", name="pool")

        # === Functional Model ===
        photo = keras.Input((None, None, 3), dtype="float32", name="photo")
        region_map = keras.Input((None, None), dtype="int32", name="region_map")
        x = stem(photo)
        for layer in [*downs, *ups]:
            x = layer(x)
        x = image_output(x, style_channels, dtype)
        style_map = pool(x, region_map)
        super().__init__([photo, region_map], style_map, dtype, **kwargs)

        # === Config ===
        self.base_width = base_width
        self.num_downsamplings = num_downsamplings
        self.style_channels = style_channels
        self.norm = norm
        self.regions = regions

    def get_config(self):
        return {
            **super().get_config(),
            "base_width": self.base_width,
            "num_downsamplings": self.num_downsamplings,
            "style_channels": self.style_channels,
            "norm": self.norm,
            "regions": self.regions,
        }

    @classmethod
    def from_config(cls, config):
        # Files saved earlier have it under its former name.
        if "feature_channels" in config:
            config = {**config, "style_channels": config["feature_channels"]}
            del config["feature_channels"]
        return super().from_config(config)
