"""Maps between convolutions are made again for the gradient, not kept."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers
from hdgan.layers.kernels.convolution import _Padding


def _chain(size=(1, 12, 16, 4)):
    block = layers.ConvolutionBlock(6, 3)
    convolution = layers.PaddedConv2D(5, 3, pad_width=1)
    block.build(size)
    convolution.build((*size[:3], 6))
    return block, convolution


def test_what_a_kernels_gradient_takes_is_not_the_forward_map():
    block, convolution = _chain()

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            between = block(x)
            y = convolution(between)
        return between, tape.gradient(
            y, [convolution.kernel.value, *block.weights]
        )

    graph = step.get_concrete_function(
        tf.TensorSpec((1, 12, 16, 4), tf.float32)
    ).graph
    operations = graph.get_operations()
    counts = collections.Counter(op.type for op in operations)
    # Once forward and once for the gradient; convolutions are not run again.
    assert counts["FusedBatchNormV3"] == counts["Relu"] == 2
    assert counts["Conv2D"] == 2
    forward, backward = (
        {_source(op) for op in operations if op.type == kind}
        for kind in ("Conv2D", "Conv2DBackpropFilter")
    )
    relus = {op for op in operations if op.type == "Relu"}
    assert len(forward & relus) == len(backward & relus) == 1
    assert forward & relus != backward & relus


def _source(operation):
    """Returns what a convolution's input is padded or copied from."""
    operation = operation.inputs[0].op
    while operation.type in ("Pad", "MirrorPad", "Identity", "IdentityN"):
        operation = operation.inputs[0].op
    return operation


@pytest.mark.parametrize("is_eager", [False, True], ids=["graph", "eager"])
def test_two_gradients_pass_through_one_map(is_eager):
    block, convolution = _chain()
    x = tf.constant(
        np.random.default_rng(0).standard_normal((1, 12, 16, 4), "float32")
    )

    def step(x):
        with tf.GradientTape() as one, tf.GradientTape() as other:
            one.watch(x)
            other.watch(x)
            y = convolution(block(x))
            first, second = tf.reduce_sum(y**2), tf.reduce_sum(tf.sin(y))
        return one.gradient(first, x), other.gradient(second, x)

    def separate(x):
        gradients = []
        for function in (tf.square, tf.sin):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = tf.reduce_sum(function(convolution(block(x))))
            gradients.append(tape.gradient(value, x))
        return gradients

    if not is_eager:
        step, separate = tf.function(step), tf.function(separate)
    for one, other in zip(step(x), separate(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("height", "width", "margin"),
    [(4, 9, 3), (8, 5, 3), (2, 2, 1), (5, 7, 1), (20, 30, 3)],
)
def test_reflections_gradient(height, width, margin):
    """Held to TensorFlow's own, where mirrored margins overlap as well."""
    draw = np.random.default_rng(0)
    gradient = tf.constant(
        draw.integers(0, 9, (2, height + 2 * margin, width + 2 * margin, 3)),
        tf.float32,
    )
    expected = tf.raw_ops.MirrorPadGrad(
        input=gradient,
        paddings=((0, 0), (margin, margin), (margin, margin), (0, 0)),
        mode="REFLECT",
    )
    padding = _Padding(margin, "reflect")
    np.testing.assert_array_equal(padding.gradient(gradient), expected)
    # Of a size that is known only when it runs.
    free = tf.function(
        padding.gradient,
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
    )
    np.testing.assert_array_equal(free(gradient), expected)


def test_a_frozen_layer_behind_a_remade_map():
    """Its gradient is made without that of what is before it."""
    block, convolution = _chain()
    block.trainable = False
    x = tf.random.normal((1, 12, 16, 4))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(convolution(block(x)) ** 2)
    gradients = tape.gradient(value, convolution.trainable_weights)
    between = keras.ops.convert_to_tensor(block(x).numpy())
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(convolution(between) ** 2)
    expected = tape.gradient(value, convolution.trainable_weights)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
