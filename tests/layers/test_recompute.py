"""Maps between convolutions are recomputed for the gradient, not kept."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_operations import count_operations

from hdgan import layers
from hdgan.layers.kernels.padding import Padding


def _chain(size=(1, 12, 16, 4)):
    block = layers.ConvolutionBlock(6, 3)
    convolution = layers.PaddedConv2D(5, 3, pad_width=1)
    block.build(size)
    convolution.build((*size[:3], 6))
    return block, convolution


def test_a_kernels_gradient_does_not_use_the_forward_map():
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
    counts = count_operations(graph)
    # Once forward and once for the gradient; convolutions run only once.
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
    """Returns the operation whose result a convolution's input pads."""
    operation = operation.inputs[0].op
    while operation.type in ("Pad", "MirrorPad", "Identity", "IdentityN"):
        operation = operation.inputs[0].op
    return operation


def test_a_condition_is_recomputed_from_the_ids():
    """The networks' inputs are never among what the backward pass keeps."""
    encode = layers.SemanticChannels(7)
    convolution = layers.PaddedConv2D(5, 3, pad_width=1)
    convolution.build((1, 8, 12, 11))

    @tf.function
    def step(label_map, instance_map, image):
        with tf.GradientTape() as tape:
            condition = encode(label_map, instance_map)
            pair = layers.join_channels([condition, image])
            value = tf.reduce_sum(convolution(pair) ** 2)
        return tape.gradient(value, convolution.kernel.value)

    ids = tf.TensorSpec((1, 8, 12), tf.int32)
    image = tf.TensorSpec((1, 8, 12, 3), tf.float32)
    graph = step.get_concrete_function(ids, ids, image).graph
    counts = count_operations(graph)
    # Classes and boundary, then condition and image: twice each.
    assert counts["OneHot"] == 2
    assert counts["ConcatV2"] == 4
    forward, backward = (
        {_source(op) for op in graph.get_operations() if op.type == kind}
        for kind in ("Conv2D", "Conv2DBackpropFilter")
    )
    assert {op.type for op in forward | backward} == {"ConcatV2"}
    assert not forward & backward
    # Down to the arguments, the two share no map.
    shared = _ancestors(forward.pop()) & _ancestors(backward.pop())
    floating = [op for op in shared if op.outputs[0].dtype.is_floating]
    assert {op.type for op in floating} <= {"Placeholder", "Const"}


def _ancestors(operation):
    """Returns all operations that a result is computed from."""
    found, pending = set(), [operation]
    while pending:
        for tensor in pending.pop().inputs:
            if tensor.op not in found:
                found.add(tensor.op)
                pending.append(tensor.op)
    return found


def test_joined_channels_have_the_dtype_of_the_first():
    first = tf.ones((1, 2, 3, 4), tf.bfloat16)
    second = tf.fill((1, 2, 3, 2), 3.0)
    joined = layers.join_channels([first, second])
    assert joined.dtype == tf.bfloat16
    expected = np.concatenate([np.ones((1, 2, 3, 4)), second], -1)
    np.testing.assert_array_equal(tf.cast(joined, tf.float32), expected)


def test_the_gradient_of_joined_channels_reaches_each():
    parts = [tf.random.normal((1, 2, 3, channels)) for channels in (4, 2)]
    with tf.GradientTape() as tape:
        tape.watch(parts)
        value = tf.reduce_sum(layers.join_channels(parts) ** 2)
    for gradient, part in zip(tape.gradient(value, parts), parts, strict=True):
        np.testing.assert_allclose(gradient, 2 * part)


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
    """Compared with TensorFlow's, also where mirrored margins overlap."""
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
    padding = Padding(margin, "reflect")
    np.testing.assert_array_equal(padding.gradient(gradient), expected)
    # A size that is unknown while tracing.
    free = tf.function(
        padding.gradient,
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
    )
    np.testing.assert_array_equal(free(gradient), expected)


def test_a_frozen_layer_before_a_recomputed_map():
    """The gradient behind it is computed without the frozen layer's."""
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
