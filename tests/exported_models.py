"""The models whose exports every engine is tested with, and their requests."""

import pathlib

import keras
import numpy as np
from programs import run_inside
from tiny_models import inputs_for, make_model, make_scenes, sharpen, synthesize

from hdgan.models.precision import with_precision

SIZES = ((1, 1), (17, 33), (513, 1025))
# Compute precisions other than float32.
_PRECISIONS = ("bfloat16", "float16")
_OPTIONS = {
    "global": {},
    "local": {"preset": "pix2pixhd_1024p"},
    "no instances": {"use_instances": False},
    "local, no instances": {
        "preset": "pix2pixhd_1024p",
        "use_instances": False,
    },
    "encoder": {"styles": "instances"},
    "rgb": {"labels": None, "use_instances": False},
}
TWO_REPLICAS = "trained by two replicas"
CONVERTED = "converted from a PyTorch checkpoint"
NAMES = (*_OPTIONS, *_PRECISIONS, TWO_REPLICAS, CONVERTED)
_GOLDEN = pathlib.Path(__file__).parent / "golden"


def make_exported(name, folder, strategy):
    """Makes one of the models, with photographs that differ between scenes.

    Args:
        name: str, one of `NAMES`.
        folder: path of a folder for the model's files.
        strategy: `tf.distribute.Strategy` of two replicas.
    """
    if name in _OPTIONS:
        return sharpen(make_model(num_downsamplings=1, **_OPTIONS[name]))
    if name in _PRECISIONS:
        model = sharpen(make_model(num_downsamplings=1))
        return with_precision(model, f"mixed_{name}")
    path = folder / "model.keras"
    if name == TWO_REPLICAS:
        with strategy.scope():
            model = make_model(num_downsamplings=1, ema_decay=0.5)
            model.compile()
        model.fit(make_scenes(2, 16, 32), batch_size=2, verbose=0)
        model.save(path)
    else:
        result = run_inside(
            "tools.convert_checkpoint",
            f"--generator={_GOLDEN / 'local1.pth'}",
            "--label_nc=5",
            f"--output={path}",
        )
        assert result.code == 0, result.err
    return keras.models.load_model(path)


def make_request(model, size):
    """Returns the inputs of `serving_default` for a scene, and its photo."""
    inputs = inputs_for(model, 1, *size)
    inputs["label_map"] = inputs["label_map"].astype("uint8")
    inputs.setdefault("instance_map", np.zeros((1, *size), "int32"))
    return inputs, synthesize(model, inputs)


def tolerance(name, limit):
    """Returns how much a photo may differ from that of `synthesize`, of 255.

    Args:
        name: str, one of `NAMES`.
        limit: int, the tolerance in float32. It is larger in half precision,
            which rounds to 8 or 11 bits: engines round at different places.
    """
    return {"bfloat16": 12, "float16": 3}.get(name, limit)
