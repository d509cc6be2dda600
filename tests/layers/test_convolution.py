"""Convolution, held to TensorFlow's own where it takes another way."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers

# Inputs, outputs, the kernel's side: below what is large, in one way or more.
SHAPES = [(8, 6, 3), (256, 512, 4), (512, 512, 3), (1024, 1024, 3)]


def _run(layer, x, cotangent):
    """Returns output and gradients, traced with unknown sizes."""

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, None, x.shape[3]))]
    )
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cast(layer(x), tf.float32)
            value = tf.reduce_sum(y * cotangent)
        return y, tape.gradient(value, [x, *layer.trainable_weights])

    y, gradients = run(x)
    return [y.numpy(), *(gradient.numpy() for gradient in gradients)]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_outputs_and_gradients_are_those_of_keras(shape, dtype):
    inputs, outputs, side = shape
    draw = np.random.default_rng(0)
    x = draw.standard_normal((2, 7, 9, inputs), "float32")
    options = {"kernel_size": side, "dtype": dtype}
    ours = layers.PaddedConv2D(outputs, zero_padding=1, **options)
    theirs = keras.Sequential(
        [
            keras.layers.ZeroPadding2D(1, dtype=dtype),
            keras.layers.Conv2D(outputs, **options),
        ]
    )
    ours.build(x.shape)
    theirs.build(x.shape)
    bias = draw.standard_normal(outputs)
    ours.set_weights([ours.kernel.numpy(), bias])
    theirs.set_weights(ours.get_weights())
    size = ours.compute_output_shape(x.shape)
    assert size == theirs(x).shape
    cotangent = draw.standard_normal(size, "float32")
    tolerance = 1e-5 if dtype == "float32" else 1e-2
    for one, other in zip(
        _run(ours, x, cotangent), _run(theirs, x, cotangent), strict=True
    ):
        error = np.linalg.norm(one - other) / np.linalg.norm(other)
        assert error < tolerance


def test_large_kernels_take_the_other_way():
    """Else the test above would hold TensorFlow to itself."""

    def operations(inputs, outputs, dtype="float32"):
        layer = layers.PaddedConv2D(outputs, 3, dtype=dtype)
        layer.build((None, None, None, inputs))

        @tf.function
        def gradients(x):
            with tf.GradientTape() as tape:
                y = layer(x)
            return y, tape.gradient(y, layer.kernel.value)

        graph = gradients.get_concrete_function(
            tf.TensorSpec((1, 6, 6, inputs), layer.compute_dtype)
        ).graph
        return [operation.type for operation in graph.get_operations()]

    assert "MatMul" not in operations(8, 6)
    assert operations(512, 512).count("MatMul") == 3
    assert "Conv2D" not in operations(512, 512)
    assert operations(1024, 1024).count("MatMul") == 3 + 9
    assert operations(1024, 1024, "bfloat16").count("MatMul") == 9
    assert "Conv2D" in operations(1024, 1024, "bfloat16")


def test_known_sizes_stay_known():
    layer = layers.PaddedConv2D(512, 3, zero_padding=1)
    x = keras.Input((8, 12, 256), batch_size=1)
    assert layer(x).shape == (1, 8, 12, 512)


@pytest.mark.parametrize("padding", [-1, 1.5, "same"])
def test_bad_paddings_are_refused(padding):
    with pytest.raises(ValueError, match=r"`zero_padding`.*>= 0.*Received"):
        layers.PaddedConv2D(4, 3, zero_padding=padding)
