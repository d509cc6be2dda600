"""Functions of which all layers share one graph."""

import tensorflow as tf
from graph_operations import count_operations

from hdgan import layers
from hdgan.layers.kernels import call_shared


def _double(x, summand):
    return 2 * x + summand


def test_each_call_is_one_operation():
    @tf.function
    def call(x):
        once = call_shared(_double, (x,), 1.0, shape=x.shape)
        return call_shared(_double, (once,), 1.0, shape=x.shape)

    x = tf.constant([1.0, 2.0])
    graph = call.get_concrete_function(x).graph
    calls = [op for op in graph.get_operations() if op.type != "Identity"]
    assert [op.type for op in calls] == ["Placeholder"] + 2 * [
        "PartitionedCall"
    ]
    # Both calls run the same function, which knows no sizes.
    assert len(graph.as_graph_def().library.function) == 1
    assert calls[-1].outputs[0].shape == (2,)
    assert count_operations(graph)["Mul"] == 2
    assert call(x).numpy().tolist() == [7.0, 11.0]
    assert call_shared(_double, (x,), 1.0).numpy().tolist() == [3.0, 5.0]


def test_plain_kernels_call_the_function_itself():
    @tf.function
    def call(x):
        return call_shared(_double, (x,), 1.0)

    with layers.plain_kernels():
        graph = call.get_concrete_function(tf.constant([1.0])).graph
    assert not graph.as_graph_def().library.function
