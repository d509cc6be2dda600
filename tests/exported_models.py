"""The models whose exports every engine is tested with, and their requests."""

import pathlib

import keras
import numpy as np
from programs import run_inside
from shared_folders import make_once
from tiny_models import inputs_for, make_model, make_scenes, sharpen, synthesize

from hdgan.models.precision import with_precision
from hdgan.serving import ServingOptions

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
# Height and width that an export has a signature for; one of `SIZES`.
FIXED_SIZE = 17, 33
_GOLDEN = pathlib.Path(__file__).parent / "golden"


def make_exported(name, tmp_path_factory, strategy):
    """Returns one of the models, and the path of its export.

    Its photographs differ between scenes.

    Args:
        name: str, one of `NAMES`.
        tmp_path_factory: pytest's fixture.
        strategy: `tf.distribute.Strategy` of two replicas.
    """

    def fill(folder):
        _make(name, folder, strategy)
        model = keras.models.load_model(folder / "model.keras")
        options = ServingOptions(fixed_sizes=(FIXED_SIZE[::-1],))
        model.export(folder / "1", options)

    folder = make_once(tmp_path_factory, f"exported {name}", fill)
    return keras.models.load_model(folder / "model.keras"), folder / "1"


def _make(name, folder, strategy):
    """Writes one of the models to `model.keras` in a folder."""
    path = folder / "model.keras"
    if name == CONVERTED:
        result = run_inside(
            "tools.convert_checkpoint",
            f"--generator={_GOLDEN / 'local1.pth'}",
            "--label_nc=5",
            f"--output={path}",
        )
        assert result.code == 0, result.err
        return
    if name == TWO_REPLICAS:
        with strategy.scope():
            model = make_model(num_downsamplings=1, ema_decay=0.5)
            model.compile()
        model.fit(make_scenes(2, 16, 32), batch_size=2, verbose=0)
    else:
        options = _OPTIONS.get(name, {})
        model = sharpen(make_model(num_downsamplings=1, **options))
        if name in _PRECISIONS:
            model = with_precision(model, f"mixed_{name}")
    model.save(path)


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
