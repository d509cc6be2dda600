"""Requirements of every public layer, whatever it computes."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_table import CASES

from hdgan import layers


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def flat(outputs):
    """Returns a layer's outputs as a list of NumPy arrays."""
    return [
        keras.ops.convert_to_numpy(output)
        for output in keras.tree.flatten(outputs)
    ]


def assert_equal_outputs(received, expected, tolerance=1e-5, floor=0.0):
    received, expected = flat(received), flat(expected)
    assert len(received) == len(expected)
    for left, right in zip(received, expected, strict=True):
        absolute = tolerance * np.abs(right).max(initial=floor)
        np.testing.assert_allclose(left, right, 0, absolute, strict=True)


def functional_model(layer, examples, unknown_size=False):
    """Returns a model with one layer, and its argument."""
    inputs = [
        keras.Input(
            (None, None, *x.shape[3:]) if unknown_size else x.shape[1:],
            dtype=str(x.dtype),
        )
        for x in examples
    ]
    return keras.Model(single(inputs), layer(*inputs)), single(examples)


def single(values):
    """Returns a list's only value, or the list if it has more."""
    return values[0] if len(values) == 1 else list(values)


def outputs_and_gradients(layer, examples, training):
    """Returns outputs, and gradients to weights and to floating inputs.

    Each output is weighted by itself and by a wave over its pixels, because a
    plain sum has no gradient before an instance norm.
    """
    inputs = [tf.convert_to_tensor(x) for x in examples]
    floating = [x for x in inputs if x.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floating)
        outputs = keras.tree.flatten(layer(*inputs, training=training))
        value = 0.0
        for output in outputs:
            wave = tf.sin(tf.range(tf.size(output[0]), dtype=tf.float32))
            value += tf.reduce_sum(
                tf.cast(output, tf.float32)
                * tf.reshape(wave, tf.shape(output[0]))
            )
    weights = [weight.value for weight in layer.trainable_variables]
    gradients = tape.gradient(value, [*weights, *floating])
    return outputs, gradients


def test_every_public_layer_is_in_the_table():
    public = {
        value
        for value in (getattr(layers, name) for name in layers.__all__)
        if inspect.isclass(value) and issubclass(value, keras.layers.Layer)
    }
    # Random in all that it computes: test_gaussian_sampling.py.
    public.remove(layers.GaussianSampling)
    assert public == {case.layer for case in CASES.values()}


def test_config_is_the_arguments_and_makes_the_layer_again(case):
    layer = case.make()
    config = layer.get_config()
    parameters = set(inspect.signature(case.layer.__init__).parameters)
    parameters -= {"self", "kwargs"}
    assert set(config) == parameters | {"name", "trainable", "dtype"}
    for name, value in case.arguments().items():
        if not isinstance(value, keras.layers.Layer):
            assert config[name] == _serialized(value)
    # A copy: `from_config` of Keras wrappers takes the layer out of it.
    assert case.layer.from_config({**config}).get_config() == config


def _serialized(value):
    """Returns an argument as `get_config` has it."""
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value


def test_a_wrong_rank_or_number_of_channels_is_named(case):
    layer = case.make()
    examples = case.examples()
    layer(*examples)
    first, *others = examples
    if first.dtype.kind == "i":
        with pytest.raises(ValueError, match=r"(?s)(Received|found|shape)"):
            layer(np.stack([first, first], 3)[..., None], *others)
        return
    if not layer.input_spec:
        assert case.layer in (
            layers.NoiseDropout,
            layers.SpectralNormalization,
        )
        return
    with pytest.raises(ValueError, match=r"expected .*ndim=.*\(2, 8\)"):
        layer(first[:, :, 0, 0], *others)
    if layer.weights and case.layer is not layers.Multiscale:
        with pytest.raises(ValueError, match=r"value 4.*\(2, 8, 12, 3\)"):
            layer(first[..., :3], *others)


def test_saved_model_gives_the_same_when_loaded(case, tmp_path):
    model, argument = functional_model(case.make(), case.examples())
    model.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(8)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_equal_outputs(loaded(argument), model(argument), tolerance=0)


def test_outputs_do_not_depend_on_keras_json(case, odd_keras_settings):
    examples = case.examples()
    layer = case.make()
    expected = layer(*examples)
    with odd_keras_settings():
        other = case.make()
        other.build(*[example.shape for example in examples])
        other.set_weights(layer.get_weights())
        assert_equal_outputs(other(*examples), expected, tolerance=0)
        with layers.plain_kernels():
            assert_equal_outputs(other(*examples), expected)


def test_every_weight_and_input_gets_a_gradient(case):
    layer = case.make()
    examples = case.examples()
    layer(*examples)
    _, gradients = outputs_and_gradients(layer, examples, not case.random)
    if all(example.dtype.kind == "i" for example in examples):
        assert gradients == []
        return
    variables = layer.trainable_variables
    for index, gradient in enumerate(gradients):
        of_weight = index < len(variables)
        name = variables[index].path if of_weight else "input"
        assert gradient is not None, name
        size = np.abs(gradient.numpy()).max()
        assert np.isfinite(size), name
        if not (name.endswith("bias") and case.norm != "none"):
            assert size > 1e-4, name


def test_unknown_height_and_width_give_the_same_as_known(case):
    layer = case.make()
    examples = case.examples()
    model, argument = functional_model(layer, examples, unknown_size=True)
    specs = [
        tf.TensorSpec((None, None, None, *x.shape[3:]), x.dtype)
        for x in examples
    ]
    graph = tf.function(
        lambda *inputs: model(single(inputs)), input_signature=specs
    )
    known, _ = functional_model(layer, examples)
    assert_equal_outputs(graph(*examples), known(argument))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("shrink", [0, 1])
def test_symbolic_shape_and_dtype_are_the_real_ones(case, policy, shrink):
    keras.config.set_dtype_policy(policy)
    layer = case.make()
    examples = [x[:, shrink:, shrink:] for x in case.examples()]
    specs = [keras.KerasTensor(x.shape, str(x.dtype)) for x in examples]
    unknown = [
        keras.KerasTensor((None, None, None, *x.shape[3:]), str(x.dtype))
        for x in examples
    ]
    symbolic = keras.tree.flatten(layer(*specs))
    vague = keras.tree.flatten(layer(*unknown))
    real = keras.tree.flatten(layer(*examples))
    for guess, vague_guess, output in zip(symbolic, vague, real, strict=True):
        assert tuple(guess.shape) == tuple(output.shape)
        assert guess.dtype == keras.backend.standardize_dtype(output.dtype)
        assert vague_guess.shape[1:3] == (None, None)
        assert vague_guess.shape[3:] == tuple(output.shape[3:])


def test_mixed_bfloat16_is_close_to_float32(case):
    examples = case.examples()
    layer = case.make()
    expected = flat(layer(*examples))
    keras.config.set_dtype_policy("mixed_bfloat16")
    half = case.make()
    half(*examples)
    half.set_weights(layer.get_weights())
    outputs = keras.tree.flatten(half(*examples))
    dtype = str(examples[0].dtype) if case.keeps_dtype else "bfloat16"
    assert len(outputs) == len(expected)
    for output, wide in zip(outputs, expected, strict=True):
        assert keras.backend.standardize_dtype(output.dtype) == dtype
        error = np.linalg.norm(tf.cast(output, "float32").numpy() - wide)
        assert error <= 0.03 * np.linalg.norm(wide)


def test_two_replicas_equal_one(case, two_replicas):
    examples = case.examples()
    training = not case.random
    alone = case.make()
    alone(*examples)
    weights = alone.get_weights()
    with two_replicas.scope():
        layer = case.make()
        if weights:
            layer.build(*[example.shape for example in examples])
            layer.set_weights(weights)
    expected, expected_gradients = outputs_and_gradients(
        alone, examples, training
    )

    @tf.function
    def step(*inputs):
        return two_replicas.run(
            lambda *x: outputs_and_gradients(layer, x, training), inputs
        )

    halves = [
        two_replicas.experimental_distribute_values_from_function(
            lambda context, x=x: tf.convert_to_tensor(
                x[context.replica_id_in_sync_group][None]
            )
        )
        for x in examples
    ]
    outputs, gradients = step(*halves)
    split = two_replicas.experimental_local_results
    assert_equal_outputs([tf.concat(split(x), 0) for x in outputs], expected)
    num_weights = len(layer.trainable_variables)
    received = [
        tf.add_n(split(gradient))
        if index < num_weights
        else tf.concat(split(gradient), 0)
        for index, gradient in enumerate(gradients)
    ]
    # The floor: gradients that an instance norm cancels are rounding noise.
    assert_equal_outputs(received, expected_gradients, 1e-4, floor=10.0)
    assert_equal_outputs(layer.get_weights(), alone.get_weights())


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_large_ids_stay_apart(policy):
    keras.config.set_dtype_policy(policy)
    ids = np.array([[[20000, 20001, 20001, 26001, 26002, 26002]]], "int32")
    boundary = layers.BoundaryMap()(ids)
    assert flat(boundary)[0].ravel().tolist() == [1, 1, 1, 1, 1, 0]
    features = np.array([1, 2, 4, 8, 16, 32], "float32").reshape(1, 1, 6, 1)
    means = layers.InstanceAveragePooling()(features, ids)
    assert flat(means)[0].ravel().tolist() == [1, 3, 3, 8, 24, 24]
    padded = layers.EdgePadding(4)(ids)
    assert padded.dtype == tf.int32
    assert padded.numpy()[0, 3].tolist() == [*ids[0, 0].tolist(), 26002, 26002]
    model_input = keras.Input((None, None), dtype="int32")
    model = keras.Model(model_input, layers.BoundaryMap()(model_input))
    assert flat(model(ids))[0].ravel().tolist() == [1, 1, 1, 1, 1, 0]
