"""`with_precision`: copies a model to another compute precision."""

import numpy as np
import pytest
from tiny_models import inputs_for, make_model, sharpen, synthesize

from hdgan.models.precision import with_precision


@pytest.mark.parametrize(
    "options",
    [
        {"ema_decay": 0.9},
        {"styles": "instances"},
        {"preset": "pix2pixhd_1024p", "num_enhancers": 2},
        {"preset": "pix2pix_256"},
        {"labels": None, "use_instances": False},
    ],
    ids=["average", "encoder", "local", "u-net", "rgb"],
)
def test_bfloat16_changes_photographs_little_and_float32_restores(options):
    model = sharpen(make_model(**options))
    scenes = inputs_for(model, 1, 32, 64)
    photo = synthesize(model, scenes)
    half = with_precision(model, "mixed_bfloat16")
    for network in (half.generator, half.discriminator, half.encoder):
        if network is not None:
            assert any(x.compute_dtype == "bfloat16" for x in network.layers)
    difference = np.abs(photo.astype(int) - synthesize(half, scenes))
    assert 0 < difference.mean() < 8
    # The original is unchanged, and the way back loses nothing.
    restored = with_precision(half, "float32")
    np.testing.assert_array_equal(synthesize(model, scenes), photo)
    np.testing.assert_array_equal(synthesize(restored, scenes), photo)
