"""Exports in another engine, OpenVINO."""

import exported_models
import numpy as np
import pytest

openvino = pytest.importorskip("openvino")


def _compile(directory):
    """Compiles `serving_default` as in deploy/README.md."""
    core = openvino.Core()
    model = core.read_model(directory)
    # With a free batch size, the normalization chooses its computation at run
    # time, and OpenVINO 2026.4 then reads memory that it has freed.
    model.reshape({x: [1, *x.partial_shape[1:]] for x in model.inputs})
    return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


# OpenVINO cannot read constants in bfloat16.
@pytest.mark.journey
@pytest.mark.parametrize(
    "name", [name for name in exported_models.NAMES if name != "bfloat16"]
)
def test_photographs_are_those_of_synthesize(
    name, tmp_path_factory, two_replicas
):
    model, export = exported_models.make_exported(
        name, tmp_path_factory, two_replicas
    )
    compiled = _compile(export)
    for size in exported_models.SIZES:
        inputs, expected = exported_models.make_request(model, size)
        keys = [x.any_name for x in compiled.inputs]
        (photo,) = compiled({key: inputs[key] for key in keys}).values()
        assert (photo.dtype, photo.shape) == (np.uint8, expected.shape)
        difference = np.abs(photo.astype(int) - expected).max()
        assert difference <= exported_models.tolerance(name, 2), size
