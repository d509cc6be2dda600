"""pix2pixHD for Keras 3 and TensorFlow: photographs from label maps.

What is named here is imported at first use, so that `import hdgan.layers`
needs no TensorFlow and a program's `--help` comes at once.
"""

import importlib

_HOMES = {
    "GlobalGenerator": "hdgan.networks.global_generator",
    "InstanceEncoder": "hdgan.networks.instance_encoder",
    "LabelSet": "hdgan.label_set",
    "LinearDecay": "hdgan.linear_decay",
    "LocalEnhancer": "hdgan.networks.local_enhancer",
    "MultiscaleDiscriminator": "hdgan.networks.multiscale_discriminator",
    "PRESETS": "hdgan.presets",
    "Pix2PixHD": "hdgan.pix2pixhd",
    "UNetGenerator": "hdgan.networks.unet_generator",
}
_MODULES = ("layers",)

__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"hdgan.{name}")
    raise AttributeError(f"module 'hdgan' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
