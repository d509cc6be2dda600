"""Networks give the same with fast paths as with plain `keras.ops`."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_operations import count_operations

from hdgan import layers
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.networks.unet_generator import UNetGenerator


def make_global(dtype, **kwargs):
    options = {"base_width": 8, "num_downsamplings": 1, "num_blocks": 1}
    return GlobalGenerator(5, **{**options, **kwargs}, dtype=dtype)


NETWORKS = {
    "global": make_global,
    # Wide enough for matrix products, folding and Winograd's convolution.
    "global_wide": lambda dtype: make_global(dtype, base_width=128),
    "local": lambda dtype: LocalEnhancer(make_global(dtype), num_blocks=1),
    "unet": lambda dtype: UNetGenerator(
        5, base_width=4, num_downsamplings=3, dropout_rate=0.0, dtype=dtype
    ),
    "discriminator": lambda dtype: MultiscaleDiscriminator(
        5, base_width=8, num_layers=2, dtype=dtype
    ),
    "discriminator_spade": lambda dtype: MultiscaleDiscriminator(
        5, base_width=8, num_layers=2, spectral_norm="inner", dtype=dtype
    ),
    "encoder": lambda dtype: InstanceEncoder(
        base_width=8, num_downsamplings=1, dtype=dtype
    ),
}
# Relative L2 errors. In bfloat16, which has 8 bits, a gradient passes through
# two dozen roundings in another order.
TOLERANCES = {"float32": (1e-4, 1e-3), "mixed_bfloat16": (0.05, 0.3)}


def _inputs(name, batch):
    draw = np.random.default_rng(5)
    channels = 3 if name == "encoder" else 5
    image = draw.standard_normal((batch, 16, 24, channels), "float32")
    if name != "encoder":
        return image
    ids = draw.integers(0, 4, (batch, 16, 24)).astype("int32") + 26000
    return [image, ids]


def _run(network, inputs, is_plain):
    """Returns outputs, and gradients by path of the weight."""

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            outputs = keras.tree.flatten(network(inputs, training=True))
            value = 0.0
            for output in outputs:
                output = tf.cast(output, tf.float32)
                wave = tf.sin(tf.range(tf.size(output), dtype=tf.float32))
                value += tf.reduce_mean(
                    output * tf.reshape(wave, tf.shape(output))
                )
        variables = [weight.value for weight in network.trainable_variables]
        return outputs, tape.gradient(value, variables)

    with layers.plain_kernels(is_plain):
        outputs, gradients = step()
    paths = [weight.path for weight in network.trainable_variables]
    return (
        [tf.cast(output, tf.float32).numpy() for output in outputs],
        dict(zip(paths, gradients, strict=True)),
    )


def _error(received, expected):
    return np.linalg.norm(received - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("policy", TOLERANCES)
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_are_those_of_the_plain_twins(
    name, policy, batch
):
    network = NETWORKS[name](policy)
    inputs = _inputs(name, batch)
    # A training call moves the vectors of a spectral norm.
    weights = network.get_weights()
    fast, fast_gradients = _run(network, inputs, is_plain=False)
    network.set_weights(weights)
    plain, plain_gradients = _run(network, inputs, is_plain=True)
    output_tolerance, gradient_tolerance = TOLERANCES[policy]
    for received, expected in zip(fast, plain, strict=True):
        assert _error(received, expected) < output_tolerance
    for path, expected in plain_gradients.items():
        # A bias before a norm has no gradient, only rounding noise.
        if not path.endswith("bias"):
            error = _error(fast_gradients[path], expected)
            assert error < gradient_tolerance, path


def test_the_switch_removes_every_fast_path():
    """Else the test above would compare the fast paths with themselves."""
    network = make_global("float32", base_width=128)
    inputs = _inputs("global", 1)

    def count(is_plain):
        @tf.function
        def step():
            with tf.GradientTape() as tape:
                value = tf.reduce_sum(network(inputs))
            variables = [weight.value for weight in network.weights]
            return tape.gradient(value, variables)

        with layers.plain_kernels(is_plain):
            graph = step.get_concrete_function().graph
        return count_operations(graph)

    fast, plain = count(False), count(True)
    # Winograd's convolution, and the fused norm.
    assert fast["BatchMatMulV2"] > 0
    assert fast["FusedBatchNormV3"] > 0
    for kind in ("BatchMatMulV2", "FusedBatchNormV3", "MatMul"):
        assert plain[kind] == 0
    # Nothing is recomputed.
    assert plain["Relu"] == 4 < fast["Relu"]
    assert count(False) == fast


def test_the_environment_variable_turns_fast_paths_off():
    code = (
        "import hdgan; from hdgan.layers.kernels.backend import "
        "has_fast_paths; print(has_fast_paths())"
    )
    for value, expected in (("1", "False"), ("0", "True")):
        environment = {**os.environ, "HDGAN_PLAIN_KERNELS": value}
        process = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert process.stdout.strip() == expected
