"""The layers give the same numbers without TensorFlow."""

import keras
import numpy as np
import pytest
from backend_process import run_script
from layer_table import CASES

from hdgan.layers import kernels

NAMES = list(CASES)


@pytest.fixture(scope="module")
def tensorflow_results():
    """Weights and outputs of every layer, by name and index."""
    weights, outputs = {}, {}
    for name in NAMES:
        case = CASES[name]
        layer = case.make()
        examples = case.examples()
        values = keras.tree.flatten(layer(*examples))
        outputs |= {f"{name}/{k}": np.array(v) for k, v in enumerate(values)}
        weights |= {
            f"{name}/{k}": weight
            for k, weight in enumerate(layer.get_weights())
        }
    return weights, outputs


@pytest.fixture(scope="module")
def numpy_outputs(tensorflow_results, tmp_path_factory):
    """Outputs of a process without TensorFlow, from the same weights."""
    folder = tmp_path_factory.mktemp("numpy_backend")
    weights, _ = tensorflow_results
    np.savez(folder / "weights.npz", cases=NAMES, **weights)
    files = [folder / "weights.npz", folder / "outputs.npz"]
    run_script("numpy_outputs.py", "numpy", *files)
    return np.load(folder / "outputs.npz")


@pytest.mark.parametrize("name", NAMES)
def test_numpy_backend_gives_the_same_numbers(
    name, numpy_outputs, tensorflow_results
):
    assert numpy_outputs["backend"] == "numpy"
    _, expected = tensorflow_results
    keys = [key for key in expected if key.startswith(f"{name}/")]
    assert keys
    for key in keys:
        right = expected[key]
        absolute = 1e-5 * np.abs(right).max()
        np.testing.assert_allclose(
            numpy_outputs[key], right, 0, absolute, strict=True
        )


def test_plain_mean_per_instance_equals_tensorflows():
    random = np.random.default_rng(1)
    features = random.standard_normal((3, 5, 7, 2), "float32")
    ids = random.choice([-4, 0, 9, 26001, 26002, 2**31 - 1], (3, 5, 7))
    ids = ids.astype("int32")
    expected = kernels.mean_per_instance(features, ids)
    with kernels.plain_kernels():
        plain = kernels.mean_per_instance(features, ids)
    np.testing.assert_allclose(plain, expected, atol=1e-6)
    by_hand = np.empty_like(features)
    for example in range(3):
        for name in np.unique(ids[example]):
            here = ids[example] == name
            by_hand[example][here] = features[example][here].mean(axis=0)
    np.testing.assert_allclose(plain, by_hand, atol=1e-6)


def test_plain_instance_normalize_equals_tensorflows():
    x = np.random.default_rng(1).standard_normal((1, 5, 7, 3), "float32")
    x = keras.ops.cast(3.0 * x + 2.0, "bfloat16")
    fused = kernels.instance_normalize(x, 1e-5)
    with kernels.plain_kernels():
        plain = kernels.instance_normalize(x, 1e-5)
    assert plain.dtype == fused.dtype
    np.testing.assert_allclose(
        keras.ops.cast(plain, "float32"),
        keras.ops.cast(fused, "float32"),
        rtol=2**-7,
        atol=1e-3,
    )
