"""The train step agrees with a step computed by hand."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import (
    NUM_CLASSES,
    make_model,
    make_scenes,
    maps_of,
    scenes_for,
    sharpen,
)

from hdgan.training.loss_terms import Perceptual
from hdgan.training.torch_adam import TorchAdam

GENERATOR_RATE, DISCRIMINATOR_RATE = 0.1, 0.3
FEATURE_MATCHING_WEIGHT = 10.0


def _boundary(ids):
    """Returns the boundary map: both sides of every change of id."""
    edge = np.zeros(ids.shape, bool)
    rows = ids[:, 1:] != ids[:, :-1]
    columns = ids[:, :, 1:] != ids[:, :, :-1]
    edge[:, 1:] |= rows
    edge[:, :-1] |= rows
    edge[:, :, 1:] |= columns
    edge[:, :, :-1] |= columns
    return edge


def _preprocess(scenes):
    """Returns the condition and the photo in [-1, 1]."""
    one_hot = np.eye(NUM_CLASSES, dtype="float32")[scenes["label_map"]]
    edge = _boundary(scenes["instance_map"])[..., None]
    condition = np.concatenate([one_hot, edge.astype("float32")], axis=-1)
    return condition, scenes["photo"].astype("float32") / 127.5 - 1.0


def _losses(real, fake):
    """Returns both losses as the original PyTorch code computes them."""
    adversarial = matching = real_loss = fake_loss = 0.0
    for real_scale, fake_scale in zip(real, fake, strict=True):
        adversarial += tf.reduce_mean((fake_scale[-1] - 1.0) ** 2)
        real_loss += tf.reduce_mean((real_scale[-1] - 1.0) ** 2)
        fake_loss += tf.reduce_mean(fake_scale[-1] ** 2)
        for a, b in zip(real_scale[:-1], fake_scale[:-1], strict=True):
            distance = tf.reduce_mean(tf.abs(tf.stop_gradient(a) - b))
            matching += distance * 4 / (len(real_scale) - 1) / len(real)
    generator_loss = adversarial + FEATURE_MATCHING_WEIGHT * matching
    return generator_loss, 0.5 * (real_loss + fake_loss)


def _generator_variables(model):
    variables = list(model.generator.trainable_variables)
    if model.encoder is not None:
        variables += model.encoder.trainable_variables
    return variables


def _style_map(model, scenes, photo):
    if model.encoder is None:
        return scenes["style_map"].astype("float32") / 127.5 - 1.0
    regions = f"{model.encoder.regions.removesuffix('s')}_map"
    return model.encoder([photo, scenes[regions]])


def _step_by_hand(model, scenes):
    """Returns the weights of G, E and D after a step of gradient descent."""
    condition, photo = _preprocess(scenes)
    generator_weights = _generator_variables(model)
    discriminator_weights = model.discriminator.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        style_map = _style_map(model, scenes, photo)
        fake = model.generator(tf.concat([condition, style_map], -1))
        real_features = model.discriminator(tf.concat([condition, photo], -1))
        fake_features = model.discriminator(tf.concat([condition, fake], -1))
        generator_loss, discriminator_loss = _losses(
            real_features, fake_features
        )
    return [
        weight.numpy() - rate * gradient.numpy()
        for loss, weights, rate in (
            (generator_loss, generator_weights, GENERATOR_RATE),
            (discriminator_loss, discriminator_weights, DISCRIMINATOR_RATE),
        )
        for weight, gradient in zip(
            weights, tape.gradient(loss, weights), strict=True
        )
    ]


@pytest.mark.parametrize("styles", ["instances", "labels", "loaded"])
def test_both_gradients_come_from_the_weights_before_either_update(styles):
    # The update of Adam hides a constant factor, such as the 0.5 in D's loss;
    # SGD's does not. G's optimizer trains E too.
    model = make_model(styles=styles)
    model.compile(
        keras.optimizers.SGD(GENERATOR_RATE),
        keras.optimizers.SGD(DISCRIMINATOR_RATE),
        run_eagerly=True,
    )
    scenes = scenes_for(model, 2, 16, 24)
    scenes["label_map"] = scenes["label_map"].astype("int32")
    weights = (
        _generator_variables(model) + model.discriminator.trainable_variables
    )
    # A loaded style map has no weights, so these are all.
    assert {id(w) for w in weights} == {id(w) for w in model.trainable_weights}
    start = [weight.numpy() for weight in weights]
    expected = _step_by_hand(model, scenes)
    model.train_on_batch(scenes)
    for weight, before, after in zip(weights, start, expected, strict=True):
        if len(weight.shape) == 4:
            assert np.abs(after - before).max() > 1e-5, weight.path
        np.testing.assert_allclose(
            weight.numpy(), after, atol=1e-6, err_msg=weight.path
        )


def test_the_average_follows_the_generator_and_synthesizes():
    decay = 0.25
    model = sharpen(
        make_model(ema_decay=decay, num_downsamplings=1, num_scales=1)
    )
    model.average_generator.set_weights(model.generator.get_weights())
    model.compile(
        keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05), run_eagerly=True
    )
    scenes = make_scenes(1, 16, 16)
    expected = model.generator.get_weights()
    for step in (1, 2, 3):
        model.train_on_batch(scenes)
        share = min(decay, (1 + step) / (10 + step))
        expected = [
            share * average + (1 - share) * weight
            for average, weight in zip(
                expected, model.generator.get_weights(), strict=True
            )
        ]
    averages = model.average_generator.get_weights()
    for average, value in zip(averages, expected, strict=True):
        np.testing.assert_allclose(average, value, atol=1e-6)

    maps = maps_of(scenes)
    photos = model.synthesize(**maps)
    model.generator.set_weights([0 * w for w in averages])
    np.testing.assert_array_equal(model.synthesize(**maps), photos)
    model.generator.set_weights(averages)
    condition, _ = _preprocess(scenes)
    image = model.generator(condition).numpy()
    np.testing.assert_allclose(photos, (image + 1) * 127.5, atol=0.51)


def test_the_average_is_not_trainable():
    model = make_model(ema_decay=0.9, num_downsamplings=1, num_scales=1)
    trained = {weight.path for weight in model.trainable_variables}
    assert trained == {
        weight.path
        for network in (model.generator, model.discriminator)
        for weight in network.trainable_variables
    }


def test_torch_adam_is_the_default():
    model = make_model(num_downsamplings=1)
    model.compile()
    optimizers = model.generator_optimizer, model.discriminator_optimizer
    assert optimizers[0] is not optimizers[1]
    for optimizer in optimizers:
        assert type(optimizer) is TorchAdam
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert optimizer.beta_1 == 0.5
        assert optimizer.beta_2 == 0.999
        assert optimizer.epsilon == 1e-8


def test_generator_loss_includes_perceptual_and_l1_terms():
    model = make_model(num_downsamplings=1, num_scales=1)
    model.compile(
        losses={
            "perceptual": Perceptual(3.0, _MeanDistance()),
            "generator_adversarial": {"kind": "hinge"},
            "l1": 7.0,
        },
        run_eagerly=True,
    )
    scenes = make_scenes(2, 16, 16)
    logs = model.evaluate(scenes, verbose=0, return_dict=True)
    condition, photo = _preprocess(scenes)
    fake = model.generator(condition).numpy()
    distance = np.abs(fake - photo).mean()
    assert logs["l1"] == pytest.approx(7.0 * distance, rel=1e-4)
    assert logs["perceptual"] == pytest.approx(3.0 * distance**2, rel=1e-4)
    parts = ("generator_adversarial", "feature_matching", "l1", "perceptual")
    assert logs["generator_loss"] == pytest.approx(
        sum(logs[part] for part in parts), rel=1e-5
    )
    (features,) = model.discriminator(tf.concat([condition, fake], -1))
    assert logs["generator_adversarial"] == pytest.approx(
        -np.mean(features[-1]), rel=1e-3, abs=1e-6
    )


class _MeanDistance:
    """A test double for `PerceptualLoss`, which asserts that it is built."""

    is_built = False

    def build(self):
        self.is_built = True

    def call(self, photo, fake):
        assert self.is_built
        distance = tf.reduce_mean(tf.abs(photo - fake))
        return tf.fill([tf.shape(photo)[0]], distance**2)


def test_a_step_computes_no_convolution_twice():
    model = make_model()
    model.compile()
    specs = {
        name: tf.TensorSpec(array.shape, array.dtype)
        for name, array in make_scenes(1).items()
    }
    step = tf.function(model.train_step).get_concrete_function(specs)
    counts = collections.Counter(
        operation.type for operation in _operations_that_run(step)
    )
    kernels = [
        weight.path
        for weight in model.generator.weights
        if len(weight.shape) == 4
    ]
    transposed = sum(path.startswith("up_") for path in kernels)
    convolutions = len(kernels) - transposed
    num_layers, num_scales = 3, 2
    patches = num_layers * num_scales
    # Forward: G once, D for the photo and for the fake. The gradient of a
    # transposed convolution is a convolution.
    assert counts["Conv2D"] == convolutions + 2 * patches + transposed
    # Kernel gradients: G once, D for the photo and for the fake.
    assert counts["Conv2DBackpropFilter"] == len(kernels) + 2 * patches
    # Input gradients of G: every layer but the first. Input gradients of D:
    # for its own loss every layer but the first, for the photo and for the
    # fake; for G's loss every layer, for the fake.
    assert counts["Conv2DBackpropInput"] == (
        transposed
        + (convolutions - 1)
        + 2 * (num_layers - 1) * num_scales
        + patches
    )


def test_spectral_norm_iterates_once_in_a_step():
    """D must be the same function for the photo and for the fake."""
    model = make_model(spectral_norm=True, num_scales=1, num_downsamplings=1)
    model.compile(run_eagerly=True)
    (discriminator,) = model.discriminator.get_layer("multiscale").scales
    normalizations = [stage.sequence[0] for stage in discriminator.stages]
    assert len(normalizations) == 3
    expected = []
    for layer in normalizations:
        kernel = layer.layer.kernel.numpy()
        matrix = kernel.reshape(-1, kernel.shape[-1])
        v = layer.u.numpy() @ matrix.T
        u = v / np.linalg.norm(v) @ matrix
        expected.append(u / np.linalg.norm(u))
    model.train_on_batch(make_scenes(1, 16, 16))
    for layer, u in zip(normalizations, expected, strict=True):
        np.testing.assert_allclose(layer.u, u, atol=1e-5)


def _operations_that_run(function):
    """Returns the operations that outputs or assignments depend on.

    Grappler removes the others.
    """
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


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("remat", [False, True], ids=["kept", "remat"])
@pytest.mark.parametrize("preset", ["tiny", "pix2pixhd_1024p", "pix2pix_256"])
def test_grappler_does_not_fail(preset, remat, dtype, capfd):
    """TensorFlow only logs such a failure, and leaves the graph slower."""
    model = make_model(preset, dtype=dtype)
    model.compile(remat=remat)
    scenes = make_scenes(1, 32, 32)
    model.train_on_batch(scenes)
    model.synthesize(scenes["label_map"], scenes["instance_map"])
    assert "failed: INVALID_ARGUMENT" not in capfd.readouterr().err
