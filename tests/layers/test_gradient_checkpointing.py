"""Recomputed activations give the gradients of kept ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers

BLOCKS = {
    "residual": lambda: layers.ResidualBlock(),
    "dropout": lambda: layers.ResidualBlock(dropout_rate=0.5),
    "convolution": lambda: layers.ConvolutionBlock(5, 3),
    "down": lambda: layers.DownsampleBlock(5),
    "up": lambda: layers.UpsampleBlock(5),
    "resize": lambda: layers.UpsampleBlock(5, upsampling="resize"),
    "discriminator": lambda: layers.PatchDiscriminator(4, 2),
    "spectral": lambda: layers.PatchDiscriminator(4, 2, spectral_norm=True),
}


def _gradients(make, is_on, is_eager):
    """Returns outputs, gradients and state after a step from fixed weights."""
    keras.utils.set_random_seed(3)
    layer = make()
    x = np.random.default_rng(0).standard_normal((2, 12, 16, 4), "float32")
    layer.build(x.shape)

    def step(x):
        with layers.gradient_checkpointing(is_on), tf.GradientTape() as tape:
            tape.watch(x)
            outputs = tf.nest.flatten(layer(x, training=True))
            value = sum(tf.reduce_sum(tf.sin(y)) for y in outputs)
        return outputs, tape.gradient(value, [x, *layer.trainable_weights])

    if not is_eager:
        step = tf.function(step)
    outputs, gradients = step(tf.constant(x))
    # State comes last: the forward pass has changed it by then.
    return [*outputs, *gradients, *layer.non_trainable_variables]


@pytest.mark.parametrize("is_eager", [False, True], ids=["graph", "eager"])
@pytest.mark.parametrize("name", BLOCKS)
def test_gradients_are_those_of_kept_activations(name, is_eager):
    kept = _gradients(BLOCKS[name], False, is_eager)
    recomputed = _gradients(BLOCKS[name], True, is_eager)
    for one, other in zip(recomputed, kept, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        error = np.linalg.norm(one - other)
        # The gradient of a bias before a norm is rounding noise.
        assert error <= 1e-4 * np.linalg.norm(other) + 1e-3


def test_convolutions_run_twice_for_it():
    """Else the test above would compare kept activations with themselves."""

    def count(is_on):
        layer = layers.ResidualBlock()
        layer.build((1, 8, 8, 4))

        @tf.function
        def step(x):
            with (
                layers.gradient_checkpointing(is_on),
                tf.GradientTape() as tape,
            ):
                y = layer(x)
            return tape.gradient(y, layer.trainable_weights)

        graph = step.get_concrete_function(
            tf.TensorSpec((1, 8, 8, 4), tf.float32)
        ).graph
        types = [operation.type for operation in graph.get_operations()]
        return types.count("Conv2D")

    assert (count(False), count(True)) == (2, 4)


def test_it_has_no_effect_outside():
    with layers.gradient_checkpointing():
        pass
    layer = layers.ResidualBlock(dropout_rate=0.5)
    x = tf.random.normal((1, 8, 8, 4))
    first = layer(x, training=True)
    assert (first != layer(x, training=True)).numpy().any()
