"""The initial weights are those of the original PyTorch code."""

import keras
import numpy as np
import pytest

from hdgan import layers

# Layer, its input's channels, and fan_in of its convolution.
BLOCKS = {
    "convolution": (layers.ConvolutionBlock(64, 5), 32, 25 * 32),
    "downsample": (layers.DownsampleBlock(128), 32, 9 * 32),
    "upsample": (layers.UpsampleBlock(128), 32, 9 * 128),
    "resize": (layers.UpsampleBlock(128, upsampling="resize"), 32, 9 * 32),
    "residual": (layers.ResidualBlock(), 96, 9 * 96),
    "discriminator": (
        layers.PatchDiscriminator(64, num_layers=1),
        32,
        16 * 32,
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_kernels_are_normal_and_biases_uniform(name):
    layer, channels, fan_in = BLOCKS[name]
    layer = layer.from_config(layer.get_config())
    layer.build((1, 16, 16, channels))
    kernel, bias = (np.array(weight) for weight in layer.weights[:2])
    assert kernel.size > 30_000
    assert abs(kernel.mean()) < 5e-4
    assert kernel.std() == pytest.approx(0.02, rel=0.03)
    # Normal, not truncated: some lie beyond three deviations.
    assert 0.0005 < np.mean(np.abs(kernel) > 0.06) < 0.006
    bound = fan_in**-0.5
    assert 0.8 * bound < np.abs(bias).max() <= bound
    assert bias.min() < 0 < bias.max()


def test_kernels_of_one_shape_are_drawn_apart():
    layer = layers.ResidualBlock()
    layer.build((1, 8, 8, 4))
    first, second = (w for w in layer.get_weights() if w.ndim == 4)
    assert np.any(first != second)


@pytest.mark.parametrize("name", BLOCKS)
def test_given_initializers_and_regularizers_are_used(name):
    layer, channels, _ = BLOCKS[name]
    layer = layer.from_config(
        {
            **layer.get_config(),
            "kernel_initializer": "orthogonal",
            "bias_initializer": keras.initializers.Constant(2.0),
            "kernel_regularizer": keras.regularizers.L2(1.0),
            "bias_regularizer": keras.regularizers.L1(1.0),
        }
    )
    layer.build((1, 16, 16, channels))
    kernels = [w for w in layer.trainable_variables if w.name == "kernel"]
    biases = [w for w in layer.trainable_variables if w.name == "bias"]
    assert len(kernels) == len(biases) > 0
    for bias in biases:
        np.testing.assert_array_equal(bias, 2.0)
    matrix = np.reshape(kernels[0], (-1, kernels[0].shape[-1]))
    product = matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-4)
    penalty = sum(np.sum(np.square(kernel)) for kernel in kernels)
    penalty += sum(np.sum(np.abs(bias)) for bias in biases)
    assert float(sum(layer.losses)) == pytest.approx(penalty, rel=1e-4)


def test_a_config_without_initializers_has_the_defaults():
    """As files have it that were saved before these were arguments."""
    config = layers.DownsampleBlock(64).get_config()
    for name in tuple(config):
        if name.endswith(("initializer", "regularizer")):
            del config[name]
    layer = layers.DownsampleBlock.from_config(config)
    layer.build((1, 16, 16, 64))
    assert np.std(layer.weights[0]) == pytest.approx(0.02, rel=0.03)
    assert layer.losses == []


def test_scales_have_weights_of_their_own():
    layer = layers.Multiscale(
        layers.PatchDiscriminator(4, num_layers=1), num_scales=3
    )
    layer.build((1, 16, 16, 3))
    kernels = [w for w in layer.get_weights() if w.shape == (4, 4, 3, 4)]
    assert len(kernels) == 3
    assert np.any(kernels[0] != kernels[1])
    assert np.any(kernels[1] != kernels[2])
    count = layers.PatchDiscriminator(4, num_layers=1)
    count.build((1, 16, 16, 3))
    assert layer.count_params() == 3 * count.count_params()


def test_the_seed_decides_the_weights():
    def draw(seed):
        keras.utils.set_random_seed(seed)
        layer = layers.UpsampleBlock(3)
        layer.build((1, 4, 4, 2))
        return layer.get_weights()[0]

    np.testing.assert_array_equal(draw(1), draw(1))
    assert np.any(draw(1) != draw(2))
