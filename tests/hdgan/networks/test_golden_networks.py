"""The networks compute what the original PyTorch code computes."""

import golden_weights
import numpy as np
import pytest
import tensorflow as tf

from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator

TOLERANCE = 1e-4


def assert_close(received, expected):
    """Asserts a relative L2 distance within the tolerance."""
    received = np.asarray(received)
    assert received.shape == expected.shape
    distance = np.linalg.norm(received - expected)
    assert distance <= TOLERANCE * np.linalg.norm(expected)


def generator_of(config):
    enhancers = config.get("n_local_enhancers", 0)
    generator = GlobalGenerator(
        config["input_nc"],
        base_width=config["ngf"] * 2**enhancers,
        num_downsamplings=config["n_downsample_global"],
        num_blocks=config["n_blocks_global"],
        output_channels=config["output_nc"],
    )
    if not enhancers:
        return generator
    return LocalEnhancer(
        generator,
        num_enhancers=enhancers,
        num_blocks=config["n_blocks_local"],
    )


@pytest.mark.parametrize("name", ["global", "local1", "local2"])
def test_generator_output_and_weight_gradients(name):
    golden = golden_weights.load(name)
    generator = generator_of(golden["config"])
    convolutions = golden_weights.assign(generator, golden)
    kernels = {
        key.removeprefix("g/").removesuffix(".weight"): gradient
        for key, gradient in golden.items()
        if key.startswith("g/")
    }
    assert set(kernels) == set(convolutions)
    with tf.GradientTape() as tape:
        output = generator(golden["input"], training=True)
        value = tf.reduce_sum(output * golden["cotangent"])
    assert_close(output, golden["output"])
    gradients = tape.gradient(
        value, [convolutions[key].kernel.value for key in kernels]
    )
    for gradient, expected in zip(gradients, kernels.values(), strict=True):
        assert_close(gradient, golden_weights.to_keras(expected))


def test_encoder_before_and_after_pooling():
    golden = golden_weights.load("encoder")
    encoder = InstanceEncoder(
        base_width=golden["config"]["ngf"],
        num_downsamplings=golden["config"]["n_downsample_global"],
        style_channels=golden["config"]["output_nc"],
    )
    golden_weights.assign(encoder, golden)
    instance = golden["instance"][..., 0].astype("int32")
    assert_close(encoder([golden["input"], instance]), golden["output"])
    # Pooling over instances of one pixel each changes nothing.
    pixels = np.arange(instance.size, dtype="int32").reshape(instance.shape)
    assert_close(encoder([golden["input"], pixels]), golden["raw"])


def test_discriminator_outputs_of_every_scale_and_layer():
    golden = golden_weights.load("discriminator")
    config = golden["config"]
    discriminator = MultiscaleDiscriminator(
        config["input_nc"],
        base_width=config["ndf"],
        num_layers=config["n_layers_D"],
        num_scales=config["num_D"],
    )
    golden_weights.assign(discriminator, golden)
    outputs = discriminator(golden["input"])
    assert len(outputs) == config["num_D"]
    for index, scale in enumerate(outputs):
        assert len(scale) == config["n_layers_D"] + 2
        for layer, received in enumerate(scale):
            assert_close(received, golden[f"out/{index}/{layer}"])
