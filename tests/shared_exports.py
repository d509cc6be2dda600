"""Small exports that several test files share, each made once."""

import io
import types

import numpy as np
import tensorflow as tf
from PIL import Image
from shared_folders import make_once
from tiny_models import make_model, sharpen

from hdgan import StyleClusters
from hdgan.data.image_files import encode_png
from hdgan.serving import ServingOptions

OPTIONS = ServingOptions(
    fixed_sizes=((32, 16),),
    warmup_sizes=((32, 16), (17, 33)),
    max_pixels=2000,
)
MODELS = {
    "labels": {},
    "local": {"preset": "pix2pixhd_1024p"},
    "no instances": {"use_instances": False},
    "encoder": {"styles": "instances"},
    "encoder of labels": {"styles": "labels"},
    "loaded": {"styles": "loaded", "style_channels": 3},
    "rgb": {"labels": None, "use_instances": False},
    "rgb, loaded": {
        "labels": None,
        "styles": "loaded",
        "style_channels": 1,
    },
}
CLUSTERS = {
    "encoder": {1: [[0.9, -0.9, 0.5], [-0.9, 0.9, -0.5]]},
    "loaded": {
        1: [[0.9, -0.9, 0.5], [-0.9, 0.9, -0.5]],
        2: [[0.2, 0.3, 0.4]],
    },
}


class Exports:
    """The exports of `MODELS` by name, each made when it is first used.

    Args:
        tmp_path_factory: pytest's fixture.
    """

    def __init__(self, tmp_path_factory):
        self._tmp_path_factory = tmp_path_factory
        self._made = {}

    def __getitem__(self, name):
        """Returns `model`, `directory`, `signatures` and `loaded`."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name):
        model = sharpen(make_model(num_downsamplings=1, **MODELS[name]))
        if name in CLUSTERS:
            model.style_clusters = StyleClusters(
                {k: np.float32(v) for k, v in CLUSTERS[name].items()}
            )
        folder = make_once(
            self._tmp_path_factory,
            f"export of {name}",
            lambda folder: model.export(folder / "1", OPTIONS),
        )
        directory = folder / "1"
        loaded = tf.saved_model.load(directory)
        return types.SimpleNamespace(
            model=model,
            directory=directory,
            signatures=loaded.signatures,
            # Without this object, the signatures lose their weights.
            loaded=loaded,
        )


def to_files(scenes, index=0):
    """Returns the files of a scene in a batch, by the names of the inputs."""
    files = {
        f"{name.removesuffix('_map')}_bytes": encode_png(name, array[index])
        for name, array in scenes.items()
    }
    files.setdefault("instance_bytes", b"")
    return files


def ask(signature, **files):
    """Calls a signature with the files of one scene."""
    return signature(**{k: tf.constant([v]) for k, v in files.items()})


def read_image(answer):
    """Returns the one image that a signature answered with, in NumPy."""
    (contents,) = answer["image_bytes"].numpy()
    return np.asarray(Image.open(io.BytesIO(contents)))


def assert_near(photo, expected):
    """Asserts that photos are equal up to a rounding."""
    assert photo.shape == expected.shape
    assert np.abs(photo.astype(int) - expected).max() <= 1
