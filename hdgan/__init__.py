"""Photographs from label maps: GANs for Keras 3 and TensorFlow.

`hdgan.layers` and the networks of its perceptual loss run on every backend of
Keras; the rest needs TensorFlow.
"""

import os
import pathlib
import platform
import sys

from hdgan.lazy_exports import lazy_exports
from hdgan.models.presets import list_families

# pyproject.toml reads it.
__version__ = "0.1.0"

_FOLDER = pathlib.Path(__file__).parent
if not (_FOLDER / "layers").is_dir():
    raise ImportError(
        f"{_FOLDER / 'layers'} is not a folder. In the repository it is a "
        "link, and Git for Windows checks links out as text files unless told "
        "otherwise. Use WSL2, or turn on Windows' developer mode and clone "
        "again with: git clone -c core.symlinks=true URL"
    )

# Before TensorFlow is imported. On processors without AVX-512 or the like it
# turns oneDNN's convolutions off, although training is at least one and a half
# times as fast with them there. 0 in the environment still turns them off.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_EXPORTS = {
    "EfficientNetLite0Features": "hdgan.networks.efficientnet_lite0",
    "GlobalGenerator": "hdgan.networks.global_generator",
    "InstanceEncoder": "hdgan.networks.instance_encoder",
    "LabelSet": "hdgan.preprocessing.label_set",
    "LabelToPhotoModel": "hdgan.models.label_to_photo",
    "LinearDecay": "hdgan.training.linear_decay",
    "LocalEnhancer": "hdgan.networks.local_enhancer",
    "MultiscaleDiscriminator": "hdgan.networks.multiscale_discriminator",
    "PRESETS": "hdgan.models.presets",
    "SpadeGenerator": "hdgan.networks.spade_generator",
    "StyleClusters": "hdgan.preprocessing.style_clusters",
    "StyleEncoder": "hdgan.networks.style_encoder",
    "UNetGenerator": "hdgan.networks.unet_generator",
    "VGG19Features": "hdgan.networks.vgg19",
    "data": "hdgan.data",
    "layers": "hdgan.layers",
    "load_model": "hdgan.models.model_file",
    "make_segmenter": "hdgan.networks.segmenter",
    "runs": "hdgan.runs",
    # The model class of each family.
    **{
        presets.MODEL: f"hdgan.models.{family}.model"
        for family, presets in list_families().items()
    },
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)


def import_all():
    """Imports every export, and so registers every class with Keras.

    On another backend of Keras than TensorFlow, those that run on it.
    """
    import keras

    is_tensorflow = keras.backend.backend() == "tensorflow"
    portable = ["EfficientNetLite0Features", "VGG19Features", "layers"]
    for name in __all__ if is_tensorflow else portable:
        __getattr__(name)


def _starts_program():
    """Whether Python was started by the command `hdgan` or as `python -m`."""
    # "-m" stands there only until the module is found, which needs the package.
    if sys.argv[:1] != ["-m"] or "-m" not in sys.orig_argv:
        return pathlib.PurePath(*sys.argv[:1]).stem == "hdgan"
    module = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    return module == "hdgan" or module.startswith(
        ("hdgan.recipes.", "hdgan.tools.")
    )


# `keras.models.load_model` finds registered classes only, so `import hdgan`
# has to import them. Programs parse their flags first, so that `--help` does
# not wait for TensorFlow: see `hdgan.command_line.program`.
if not _starts_program():
    import_all()
