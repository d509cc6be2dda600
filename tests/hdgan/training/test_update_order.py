"""The alternating step: G first, then D on a fake of the updated G."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes

RATES = (0.1, 0.3)
SHALLOW = {"num_downsamplings": 1, "num_scales": 1}


def _compile(model, **options):
    model.compile(
        *(keras.optimizers.SGD(rate) for rate in RATES),
        losses={"feature_matching": 2.0},
        **options,
    )
    return model


def _logits(model, condition, image):
    pair = tf.concat([condition, image], -1)
    return model.discriminator(pair)


def _alternate_by_hand(model, scenes):
    """Returns the weights after a step of gradient descent."""
    scene = model.preprocess(scenes)
    condition, photo = scene.condition, scene.photo
    generator = model.generator.trainable_variables
    discriminator = model.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        fake = model.generator(condition)
        (real_outputs,) = _logits(model, condition, photo)
        (fake_outputs,) = _logits(model, condition, fake)
        distances = [
            tf.reduce_mean(tf.abs(tf.stop_gradient(real) - fake))
            for real, fake in zip(
                real_outputs[:-1], fake_outputs[:-1], strict=True
            )
        ]
        loss = tf.reduce_mean((fake_outputs[-1] - 1.0) ** 2)
        loss += 2.0 * 4.0 * tf.reduce_mean(distances)
    for weight, gradient in zip(
        generator, tape.gradient(loss, generator), strict=True
    ):
        weight.assign(weight - RATES[0] * gradient)
    fake = model.generator(condition)
    with tf.GradientTape() as tape:
        (real_outputs,) = _logits(model, condition, photo)
        (fake_outputs,) = _logits(model, condition, fake)
        loss = 0.5 * tf.reduce_mean((real_outputs[-1] - 1.0) ** 2)
        loss += 0.5 * tf.reduce_mean(fake_outputs[-1] ** 2)
    for weight, gradient in zip(
        discriminator, tape.gradient(loss, discriminator), strict=True
    ):
        weight.assign(weight - RATES[1] * gradient)
    return [weight.numpy() for weight in [*generator, *discriminator]]


def _trained_weights(model):
    return [
        weight.numpy()
        for network in (model.generator, model.discriminator)
        for weight in network.trainable_variables
    ]


def test_the_discriminator_sees_a_fake_of_the_updated_generator():
    scenes = make_scenes(2, 16, 24)
    expected = _alternate_by_hand(make_model(**SHALLOW), scenes)
    models = {}
    for order in ("alternating", "simultaneous"):
        models[order] = _compile(make_model(**SHALLOW), update_order=order)
        models[order].train_on_batch(scenes)
    for ours, theirs in zip(
        _trained_weights(models["alternating"]), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # The generator's update is the same in either order, the other's is not.
    count = len(models["alternating"].generator.trainable_variables)
    for index, (one, other) in enumerate(
        zip(*(_trained_weights(m) for m in models.values()), strict=True)
    ):
        if index < count:
            np.testing.assert_allclose(one, other, atol=1e-6)
    kernels = [
        np.abs(one.numpy() - other.numpy()).max()
        for one, other in zip(
            *(m.discriminator.trainable_variables for m in models.values()),
            strict=True,
        )
        if len(one.shape) == 4
    ]
    assert max(kernels) > 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "mixed_float16", "ema_decay": 0.5},
        {"spectral_norm": True, "remat": True},
        {"pool_size": 4, "gradient_accumulation_steps": 2},
    ],
    ids=["float16", "remat", "pool"],
)
def test_two_replicas_take_the_step_of_one(two_replicas, options):
    options = dict(options)
    compile_names = ("remat", "pool_size", "gradient_accumulation_steps")
    compiled = {k: options.pop(k) for k in compile_names if k in options}
    scenes = make_scenes(4, 16, 24)
    dataset = tf.data.Dataset.from_tensor_slices(scenes).batch(2)
    models = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = make_model(**SHALLOW, **options)
            _compile(model, update_order="alternating", **compiled)
        before = _trained_weights(model)
        model.fit(dataset, shuffle=False, verbose=0)
        models.append(model)
    one, two = map(_trained_weights, models)
    assert models[0].step == models[1].step > 0
    tolerance = 5e-3 if "dtype" in options else 1e-5
    for weight, other, start in zip(one, two, before, strict=True):
        np.testing.assert_allclose(weight, other, atol=tolerance)
        if weight.ndim == 4:
            assert np.abs(weight - start).max() > 1e-5


def test_a_file_remembers_the_order(tmp_path):
    model = _compile(make_model(**SHALLOW), update_order="alternating")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.update_order == "alternating"
