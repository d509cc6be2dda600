"""Counted FLOPs, compared with the graphs that run."""

import math
import operator

import keras
import pytest
import tensorflow as tf
from tiny_models import make_model, scenes_for

from hdgan.profiling.flops import (
    count_synthesis_flops,
    count_train_step_flops,
)
from hdgan.profiling.shape_trace import padded_size, trace_generator

SIZE = 32, 48
MODELS = {
    "global": {},
    "rgb": {"labels": None, "use_instances": False},
    "encoder": {"styles": "instances"},
    "class encoder": {"styles": "labels"},
    "loaded style maps": {"styles": "loaded"},
    "local enhancer": {"preset": "pix2pixhd_1024p"},
    "two enhancers": {
        "preset": "pix2pixhd_1024p",
        "num_enhancers": 2,
        "styles": "instances",
    },
    "resize": {"preset": "pix2pixhd_1024p", "upsampling": "resize"},
    "u-net": {"preset": "pix2pix_256"},
    "u-net with encoder": {"preset": "pix2pix_256", "styles": "instances"},
    "one scale": {"num_scales": 1, "num_discriminator_layers": 1},
    "three scales": {"num_scales": 3, "num_discriminator_layers": 2},
    "spectral norm": {"spectral_norm": True},
    "spade": {"preset": "spade_256", "image_size": None},
    "batch norm": {"norm": "batch"},
    "half precision": {"dtype": "mixed_bfloat16"},
    "moving average": {"ema_decay": 0.9},
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    model = make_model(**MODELS[request.param])
    model.compile()
    return model


def test_a_train_step_runs_what_is_counted(model):
    _check_train_step(model, 2, *SIZE)


def test_synthesis_runs_what_is_counted(model):
    scenes = scenes_for(model, 2, *SIZE)
    ran = _count_graph_flops(model._synthesizer._graph, scenes)
    count = count_synthesis_flops(model, 2, *SIZE)
    assert count.total == count.forward == sum(ran.values()) > 0


@pytest.mark.parametrize("styles", [None, "instances"])
def test_the_outermost_enhancer_alone(styles):
    model = make_model("pix2pixhd_1024p", styles=styles)
    model.compile()
    whole = count_train_step_flops(model, 1, *SIZE)
    model.compile(weights_to_train="outermost_enhancer")
    part = _check_train_step(model, 1, *SIZE)
    assert part.forward == whole.forward
    assert part.kernel_gradients < whole.kernel_gradients


def test_wide_layers_compute_no_product_twice():
    """Their matrix products: Winograd's, and those of kernel gradients."""
    model = make_model(
        base_width=64, num_downsamplings=2, num_blocks=1, discriminator_width=4
    )
    model.compile()
    scenes = scenes_for(model, 1, 16, 32)
    specs = {
        name: tf.TensorSpec(array.shape, array.dtype)
        for name, array in scenes.items()
    }
    step = tf.function(model.train_step).get_concrete_function(specs)
    products = [
        operation
        for operation in _operations_that_run(step)
        if operation.type in ("MatMul", "BatchMatMulV2")
    ]
    shapes = [op.outputs[0].shape.as_list() for op in products]
    # Two convolutions, forward and both gradients: 4x8 pixels are 8 tiles.
    winograd = [shape for shape in shapes if len(shape) == 3]
    assert sorted(winograd) == [[16, 8, 256]] * 4 + [[16, 256, 256]] * 2
    # Two downsamplings with kernels of 3x3, and two upsamplings.
    pixels = [
        shape
        for op, shape in zip(products, shapes, strict=True)
        if len(shape) == 2 and op.get_attr("transpose_a")
    ]
    assert sorted(pixels) == [[64, 128]] * 18 + [[128, 256]] * 18


def test_an_image_pool_adds_a_forward_pass():
    model = make_model()
    model.compile()
    without = count_train_step_flops(model, 1, *SIZE)
    model.compile(pool_size=2)
    # The real pool leaves the graph, so that shapes are unknown after it.
    model.image_pool = lambda scene: {
        name: tf.stop_gradient(tensor) for name, tensor in scene.items()
    }
    count = _check_train_step(model, 1, *SIZE)
    assert count.forward > without.forward
    assert count.kernel_gradients == without.kernel_gradients


def test_sizes_count_as_padded():
    model = make_model()
    model.compile()
    assert padded_size(model, 29, 46) == SIZE
    assert padded_size(model, 3, 3) == (8, 8)
    for count in (count_train_step_flops, count_synthesis_flops):
        assert count(model, 1, 29, 46) == count(model, 1, *SIZE)


def test_by_hand():
    """One multiplication and one addition for each weight at each pixel."""
    model = make_model(num_downsamplings=1, base_width=2)
    pixels = 8 * 8
    kernels = [
        pixels * 49 * 6 * 2,  # Stem, of five classes and the boundary map.
        pixels // 4 * 9 * 2 * 4,
        2 * pixels // 4 * 9 * 4 * 4,
        pixels // 4 * 9 * 4 * 2,  # Transposed: from each pixel that is there.
        pixels * 49 * 2 * 3,
    ]
    assert count_synthesis_flops(model, 1, 8, 8).forward == 2 * sum(kernels)


def test_an_unknown_kernel_is_reported():
    model = make_model()
    x = keras.Input((None, None, 6))
    y = keras.layers.DepthwiseConv2D(3, padding="same", name="unknown")(x)
    y = keras.layers.Conv2D(3, 1)(keras.layers.LayerNormalization()(y))
    model.generator = keras.Model(x, y)
    count = count_synthesis_flops(model, 1, *SIZE)
    assert count.uncounted == ("unknown (DepthwiseConv2D)",)
    assert count.total == 2 * math.prod(SIZE) * 6 * 3


def test_several_inputs():
    """A map, and a vector of styles for a dense layer."""
    model = make_model(styles="instances")
    model.encoder.trainable = False
    maps = keras.Input((None, None, 6))
    vector = keras.Input((4,))
    dense = keras.layers.Dense(8, name="dense")
    styles = keras.layers.Reshape((1, 1, 8))(dense(vector))
    add_styles = _AddStyles(name="add_styles")
    y = keras.layers.Conv2D(3, 1)(add_styles(maps, styles=styles))
    model.generator = keras.Model([maps, vector], y)
    trace = trace_generator(model, dense.trainable_variables, 2, *SIZE)
    traced = {getattr(t.layer, "name", "add"): t for t in trace.layers}
    assert traced["dense"].inputs[0].shape == (2, 4)
    # The layer with `call_children` is traced through, not recorded itself.
    assert "add_styles" not in traced
    assert traced["projection"].outputs[0].shape == (2, 1, 1, 6)
    (maps_tensor, styles_tensor) = traced["add"].inputs
    assert maps_tensor.shape == traced["add"].outputs[0].shape == (2, *SIZE, 6)
    assert not maps_tensor.needs_gradient
    assert styles_tensor.needs_gradient
    count = count_synthesis_flops(model, 2, *SIZE)
    encoder_flops = _encoder_flops(model, 2)
    positions = 2 * math.prod(SIZE)
    assert count.forward - encoder_flops == (
        2 * 2 * 4 * 8 + 2 * 2 * 8 * 6 + 2 * positions * 6 * 3
    )


class _AddStyles(keras.layers.Layer):
    """A layer with two inputs and `call_children`."""

    def build(self, inputs_shape, styles_shape):
        self.projection = keras.layers.Conv2D(
            inputs_shape[-1], 1, use_bias=False, name="projection"
        )
        self.projection.build(styles_shape)

    def call(self, inputs, styles):
        return self.call_children(operator.call, inputs, styles)

    def call_children(self, call, inputs, styles):
        return call(keras.ops.add, inputs, call(self.projection, styles))

    def compute_output_shape(self, inputs_shape, styles_shape):
        return inputs_shape


def _encoder_flops(model, batch_size):
    generator = model.generator
    x = keras.Input((None, None, 6))
    model.generator = keras.Model(x, keras.layers.Identity()(x))
    count = count_synthesis_flops(model, batch_size, *SIZE)
    model.generator = generator
    return count.forward


def _check_train_step(model, batch_size, height, width):
    """Returns the count, after comparing it with the traced step."""
    scenes = scenes_for(model, batch_size, height, width)
    ran = _count_graph_flops(tf.function(model.train_step), scenes)
    count = count_train_step_flops(model, batch_size, height, width)
    assert count.kernel_gradients == ran["Conv2DBackpropFilter"] > 0
    # In alternating order, the generator's update needs the photo's activations
    # but not its logits, whose convolutions TensorFlow prunes.
    tolerance = 0.01 if model.update_order == "alternating" else 0
    assert count.total == pytest.approx(sum(ran.values()), tolerance)
    return count


def _count_graph_flops(function, scenes):
    """Returns the FLOPs of a graph by kind of convolution."""
    specs = {
        name: tf.TensorSpec(array.shape, array.dtype)
        for name, array in scenes.items()
    }
    sums = dict.fromkeys(
        ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"), 0
    )
    for operation in _operations_that_run(
        function.get_concrete_function(specs)
    ):
        if operation.type in sums:
            sums[operation.type] += _count(operation)
    return sums


def _count(operation):
    """Returns the FLOPs of a convolution or of one of its gradients.

    Each weight of the kernel meets each pixel of the convolution's output,
    which is an input of the gradients.
    """
    kernel, output = {
        "Conv2D": (operation.inputs[1], operation.outputs[0]),
        "Conv2DBackpropInput": (operation.inputs[1], operation.inputs[-1]),
        "Conv2DBackpropFilter": (operation.outputs[0], operation.inputs[-1]),
    }[operation.type]
    shapes = [*kernel.shape, *output.shape[:3]]
    return 2 * math.prod(shapes)


def _operations_that_run(function):
    """Returns the operations that outputs or assignments depend on."""
    found = set()
    waiting = [tensor.op for tensor in function.outputs]
    waiting += function.graph.control_outputs
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return found
