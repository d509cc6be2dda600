"""Each private name of Keras still does what the package uses it for."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan.layers import keras_internals


class CountedBuilds(keras.Model):
    """A model that counts how often Keras would build it."""

    num_builds = 0

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.dense.build((None, 2))
        self.built = True

    def call(self, inputs):
        return self.dense(inputs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        self.num_builds += 1
        return super()._maybe_symbolic_build(iterator, data_batch)


def test_model_maybe_symbolic_build():
    """`fit` calls it with these arguments, so that the mixin overrides it."""
    override = keras_internals.BuiltBeforeFit._maybe_symbolic_build
    original = keras.Model._maybe_symbolic_build
    assert inspect.signature(override) == inspect.signature(original)
    model = CountedBuilds()
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    assert model.num_builds == 1


def test_a_model_with_the_mixin_is_not_called_on_the_raw_batch(two_replicas):
    class Model(keras_internals.BuiltBeforeFit, CountedBuilds):
        def train_step(self, data):
            # A batch that `call` would fail on.
            assert set(data) == {"x", "name"}
            loss = tf.reduce_mean(self(data["x"], training=True))
            return {"loss": tf.reshape(loss, (1,))}

    with two_replicas.scope():
        model = Model()
        model.compile()
    data = {"x": np.ones((4, 2), "float32"), "name": np.array(["a"] * 4)}
    model.fit(
        tf.data.Dataset.from_tensor_slices(data).batch(4),
        shuffle=False,
        verbose=0,
    )
    assert model.num_builds == 0


def test_function_run_through_graph():
    inputs = [keras.Input((2,), name="a"), keras.Input((2,), name="b")]
    joined = keras.layers.Concatenate(name="join")(inputs)
    outputs = [keras.layers.ReLU(name="relu")(joined), joined]
    model = keras.Model(inputs, outputs)

    def call_layer(layer):
        return lambda x: f"{layer.name}({', '.join(keras.tree.flatten(x))})"

    assert keras_internals.has_graph(model)
    assert not keras_internals.has_graph(CountedBuilds())
    assert not keras_internals.has_graph(keras.layers.ReLU())
    received = keras_internals.run_through_graph(model, ["a", "b"], call_layer)
    assert received == ["relu(join(a, b))", "join(a, b)"]


@pytest.mark.parametrize("index", [0, 1])
def test_adam_momentums_velocities_and_get_variable_index(index):
    variables = [
        keras.Variable([1.0, 2.0], name="one"),
        keras.Variable([[3.0]], name="other"),
    ]
    optimizer = keras.optimizers.Adam(beta_1=0.75, beta_2=0.5)
    optimizer.build(variables)
    gradients = [tf.constant([8.0, -4.0]), tf.constant([[16.0]])]
    optimizer.apply(gradients)
    mean, square = keras_internals.adam_moments(optimizer, variables[index])
    gradient = gradients[index].numpy()
    np.testing.assert_allclose(mean, 0.25 * gradient)
    np.testing.assert_allclose(square, 0.5 * gradient**2)


def test_get_stateless_scope():
    assert keras_internals.current_stateless_scope() is None
    with keras.StatelessScope() as outer:
        with keras.StatelessScope() as inner:
            assert keras_internals.current_stateless_scope() is inner
        assert keras_internals.current_stateless_scope() is outer
    assert keras_internals.current_stateless_scope() is None
