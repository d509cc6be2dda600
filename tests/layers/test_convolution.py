"""Convolutions, compared with TensorFlow's where they differ from them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_operations import count_operations

from hdgan import layers

# Inputs, outputs, the kernel's side, strides and padding of each path:
# TensorFlow's own kernels; Winograd's convolution at its smallest and at the
# generator's width; kernel gradients by matrix products, with and without
# strides; rows of the kernel folded into outputs.
CONVOLUTIONS = {
    "plain": (8, 6, 3, 1, 1, "constant"),
    "reflected": (8, 6, 7, 1, 3, "reflect"),
    "winograd": (256, 256, 3, 1, 1, "constant"),
    "winograd reflected": (1024, 256, 3, 1, 1, "reflect"),
    "winograd unpadded": (256, 512, 3, 1, 0, "constant"),
    "products": (256, 512, 4, 1, 2, "constant"),
    "products at stride 2": (64, 16, 3, 2, 1, "constant"),
    "products at odd stride": (64, 8, 4, 3, 2, "constant"),
    "folded": (64, 3, 7, 1, 3, "reflect"),
    "folded to one": (512, 1, 4, 1, 2, "constant"),
}
# The kernel's side, strides, cropping.
TRANSPOSED = {
    "plain": (8, 6, 3, 2, 1),
    "products": (32, 64, 3, 2, 1),
    "uncropped": (16, 128, 4, 2, 0),
}


def _run(layer, x, cotangent, known=False):
    """Returns outputs and gradients, traced with known or unknown sizes."""
    spec = tf.TensorSpec(x.shape if known else (None, None, None, x.shape[3]))

    @tf.function(input_signature=[spec])
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cast(layer(x), tf.float32)
            value = tf.reduce_sum(y * cotangent)
        return y, tape.gradient(value, [x, *layer.trainable_weights])

    y, gradients = run(x)
    return [y.numpy(), *(gradient.numpy() for gradient in gradients)]


def _make_pair(name, dtype):
    """Returns our layer and Keras' layer, with equal weights."""
    inputs, outputs, side, strides, width, mode = CONVOLUTIONS[name]
    options = {"kernel_size": side, "strides": strides, "dtype": dtype}
    ours = layers.PaddedConv2D(
        outputs, pad_width=width, pad_mode=mode, **options
    )
    widths = ((0, 0), (width, width), (width, width), (0, 0))
    theirs = keras.Sequential(
        [
            keras.layers.Lambda(
                lambda x: keras.ops.pad(x, widths, mode), dtype=dtype
            ),
            keras.layers.Conv2D(outputs, **options),
        ]
    )
    return _with_same_weights(ours, theirs, inputs)


def _with_same_weights(ours, theirs, inputs):
    for layer in (ours, theirs):
        layer.build((None, None, None, inputs))
    bias = np.random.default_rng(1).standard_normal(ours.filters)
    ours.set_weights([ours.kernel.numpy(), bias])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def _errors(expected, received):
    return [
        np.linalg.norm(one - other) / np.linalg.norm(one)
        for one, other in zip(expected, received, strict=True)
    ]


def _check(make_pair, inputs, size, known):
    """Compares outputs and gradients with those of Keras.

    Half precision is compared by its error against float32. It may not exceed
    that of Keras by more than the bit or two that Winograd's transforms cost;
    it is two on processors without bfloat16.
    """
    draw = np.random.default_rng(0)
    x = draw.standard_normal((2, *size, inputs), "float32")
    ours, theirs = make_pair("float32")
    shape = ours.compute_output_shape(x.shape)
    cotangent = draw.standard_normal(shape, "float32")
    right = _run(theirs, x, cotangent)
    received = _run(ours, x, cotangent, known)
    assert received[0].shape == shape
    assert max(_errors(right, received)) < 1e-5
    weights = ours.get_weights()
    ours, theirs = make_pair("mixed_bfloat16")
    for layer in (ours, theirs):
        layer.set_weights(weights)
    for ours_is, theirs_is in zip(
        _errors(right, _run(ours, x, cotangent, known)),
        _errors(right, _run(theirs, x, cotangent)),
        strict=True,
    ):
        assert ours_is < 3 * theirs_is + 2e-3


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [(6, 8), (7, 9)], ids=["even", "odd"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_outputs_and_gradients_are_those_of_keras(name, size, known):
    inputs = CONVOLUTIONS[name][0]
    _check(lambda dtype: _make_pair(name, dtype), inputs, size, known)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_outputs_and_gradients_are_those_of_keras(name, known):
    inputs, outputs, side, strides, cropping = TRANSPOSED[name]

    def make_pair(dtype):
        options = {"kernel_size": side, "strides": strides, "dtype": dtype}
        ours = layers.CroppedConv2DTranspose(
            outputs, cropping=cropping, **options
        )
        cut = ((cropping, 0), (cropping, 0))
        theirs = keras.Sequential(
            [
                keras.layers.Conv2DTranspose(outputs, **options),
                keras.layers.Cropping2D(cut, dtype=dtype),
            ]
        )
        return _with_same_weights(ours, theirs, inputs)

    _check(make_pair, inputs, (5, 6), known)


def test_each_convolution_takes_its_path():
    """Else the tests above would compare TensorFlow with itself."""

    def count(name, kind, dtype="float32"):
        layer, _ = _make_pair(name, dtype)

        @tf.function
        def gradients(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
            return y, tape.gradient(y, [x, layer.kernel.value])

        spec = tf.TensorSpec((1, 6, 6, CONVOLUTIONS[name][0]))
        graph = gradients.get_concrete_function(spec).graph
        return count_operations(graph)[kind]

    for name in ("plain", "reflected", "folded"):
        assert count(name, "Conv2DBackpropFilter") == 1
        # The product of the bias gradient.
        assert count(name, "MatMul") <= 1
    for name in ("winograd", "winograd reflected", "winograd unpadded"):
        for dtype in ("float32", "mixed_bfloat16"):
            # Forward and both gradients.
            assert count(name, "BatchMatMulV2", dtype) == 3
            assert count(name, "Conv2D", dtype) == 0
        # Some processors have no matrix products in float16.
        assert count(name, "BatchMatMulV2", "mixed_float16") == 0
    for name in CONVOLUTIONS:
        if name.startswith("products"):
            assert count(name, "Conv2D") == 1
            assert count(name, "Conv2DBackpropFilter") == 0
        if name.startswith("folded"):
            assert count(name, "Conv2D") == 2


def test_known_sizes_stay_known():
    layer = layers.PaddedConv2D(512, 3, pad_width=1)
    x = keras.Input((8, 12, 256), batch_size=1)
    assert layer(x).shape == (1, 8, 12, 512)


def test_reflection_does_not_repeat_the_border_pixel():
    x = np.array([1, 2, 3], "float32").reshape(1, 1, 3, 1) * np.ones(
        (1, 3, 1, 1), "float32"
    )
    layer = layers.PaddedConv2D(
        1, 1, pad_width=2, pad_mode="reflect", kernel_initializer="ones"
    )
    received = layer(x)
    assert received.shape == (1, 7, 7, 1)
    assert received[0, 0, :, 0].numpy().tolist() == [3, 2, 1, 2, 3, 2, 1]


@pytest.mark.parametrize(
    ("shape", "side"), [((1, 3, 9, 2), "height"), ((1, 9, 3, 2), "width")]
)
def test_a_kernel_larger_than_the_padded_image_is_refused(shape, side):
    message = (
        rf"A {side} of 3 \+ 2 pixels.*kernel of big, 7 pixels.*{side} of at "
        "least 5.*larger image"
    )
    options = {"kernel_size": 7, "pad_width": 1, "name": "big"}
    x = np.ones(shape, "float32")
    with pytest.raises(ValueError, match=message):
        layers.PaddedConv2D(4, **options).build(shape)
    layer = layers.PaddedConv2D(4, **options)
    layer.build((None, None, None, 2))
    for call in (layer, tf.function(layer)):
        with pytest.raises(ValueError, match=message):
            call(x)
    with pytest.raises(ValueError, match=message):
        layer(keras.KerasTensor(shape))
    # The smallest image.
    assert layer(np.ones((1, 5, 5, 2), "float32")).shape == (1, 1, 1, 4)
