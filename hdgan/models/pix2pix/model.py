"""The pix2pix model."""

import keras

from hdgan.models.pix2pix.presets import PRESETS
from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.networks.unet_generator import UNetGenerator


@keras.saving.register_keras_serializable(package="hdgan")
class Pix2Pix(Pix2PixHD):
    """Photographs from label maps by a U-Net: Isola et al., CVPR 2017.

    The baseline that pix2pixHD is compared with. It differs from `Pix2PixHD`
    in its generator and its presets; arguments and methods are the same.
    """

    PRESETS = PRESETS
    WEIGHTS_TO_TRAIN = ("all",)

    @classmethod
    def make_generator(cls, config, input_channels, dtype=None):
        return UNetGenerator(
            input_channels,
            config["base_width"],
            config["num_downsamplings"],
            norm=config["norm"],
            dropout_rate=config["dropout_rate"],
            dtype=dtype,
            name="generator",
        )
