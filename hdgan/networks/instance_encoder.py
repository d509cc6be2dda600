"""Instance feature encoder E."""

import keras

from hdgan.layers import (
    ConvolutionBlock,
    DownsampleBlock,
    InstanceAveragePooling,
    UpsampleBlock,
)
from hdgan.networks.global_generator import image_output
from hdgan.networks.network import Network, check_positive, resolve_dtype

REGIONS = ("instances", "labels")


@keras.saving.register_keras_serializable(package="hdgan")
class InstanceEncoder(Network):
    """Photo and instance map in, one feature vector per instance out.

    c7s1-16, four steps down, four up, a 7x7 convolution with tanh, then the
    mean over each instance: Wang et al., 2018, section 3.4 and appendix. With
    the label map in place of the instance map, the mean over each class.

    Args:
        base_width: int, channels at full resolution.
        num_downsamplings: int, halvings of the size.
        style_channels: int, length of an instance's feature vector.
        norm: `"instance"`, `"batch"` or `"none"`.
        regions: `"instances"` or `"labels"`, which map `Pix2PixHD` gives it.
        **kwargs: `name`, `trainable`, and `dtype`, the policy of the layers.

    Input shape:
        `[photo, region_map]`: `(batch, height, width, 3)` in [-1, 1], both
        sides multiples of `2 ** num_downsamplings`, and `(batch, height,
        width)`, int32: the instance map or the label map.

    Output shape:
        `(batch, height, width, style_channels)`, float32 in [-1, 1], constant
        over each region.

    Raises:
        ValueError: if a number is not an integer >= 1, or `regions` unknown.

    Example:
        >>> encoder = hdgan.InstanceEncoder()
        >>> features = encoder([photo, instance_map])
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
        check_positive(
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
        photo = keras.Input((None, None, 3), name="photo")
        region_map = keras.Input((None, None), dtype="int32", name="region_map")
        x = stem(photo)
        for layer in [*downs, *ups]:
            x = layer(x)
        x = image_output(x, style_channels, dtype)
        features = pool(x, region_map)
        super().__init__([photo, region_map], features, dtype, **kwargs)

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
