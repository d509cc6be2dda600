"""pix2pixHD for Keras 3 and TensorFlow: photographs from label maps.

`hdgan.layers` and `hdgan.VGG19Features` run on every backend of Keras; the rest
needs TensorFlow.
"""

import os
import platform

# Before TensorFlow is imported. On processors without AVX-512 or the like it
# turns oneDNN's convolutions off, although training is at least one and a half
# times as fast with them there. 0 in the environment still turns them off.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras

from hdgan import layers
from hdgan.networks.vgg19 import VGG19Features

__all__ = ["VGG19Features", "layers"]

if keras.backend.backend() == "tensorflow":
    from hdgan.models.model_file import load_model
    from hdgan.models.pix2pixhd.model import Pix2PixHD
    from hdgan.models.pix2pixhd.presets import PRESETS
    from hdgan.networks.global_generator import GlobalGenerator
    from hdgan.networks.instance_encoder import InstanceEncoder
    from hdgan.networks.local_enhancer import LocalEnhancer
    from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
    from hdgan.networks.unet_generator import UNetGenerator
    from hdgan.preprocessing.label_set import LabelSet
    from hdgan.preprocessing.style_clusters import StyleClusters
    from hdgan.training.linear_decay import LinearDecay

    __all__ += [
        "PRESETS",
        "GlobalGenerator",
        "InstanceEncoder",
        "LabelSet",
        "LinearDecay",
        "LocalEnhancer",
        "MultiscaleDiscriminator",
        "Pix2PixHD",
        "StyleClusters",
        "UNetGenerator",
        "load_model",
    ]
