"""DiffAugment: the discriminator sees transformed photos and fakes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes

from hdgan.layers import plain_kernels
from hdgan.training.diff_augment import TRANSFORMATIONS, DiffAugment

FLAT = {"num_downsamplings": 1, "num_scales": 1}
HEIGHT, WIDTH = 16, 24


def _augment(*transformations):
    return DiffAugment(transformations, keras.random.SeedGenerator(5))


def _images(count):
    draw = np.random.default_rng(0)
    return draw.uniform(-1, 1, (count, HEIGHT, WIDTH, 3)).astype("float32")


def _draws(**values):
    """Returns draws of one example, all in the middle but those given."""
    names = ("brightness", "saturation", "contrast")
    names += ("down", "right", "row", "column")
    return tf.constant([[values.get(name, 0.5) for name in names]])


# === Transformations ===


def test_colors_by_hand():
    draws = _draws(brightness=0.75, saturation=0.25, contrast=0.9)
    (image,) = _images(1)
    brighter = image + 0.25
    gray = brighter.mean(axis=-1, keepdims=True)
    paler = gray + 0.5 * (brighter - gray)
    expected = paler.mean() + 1.4 * (paler - paler.mean())
    received = _augment("color").transform_image(image[None], draws)
    np.testing.assert_allclose(received[0], expected, atol=1e-6)


def test_a_translation_moves_image_and_condition_alike():
    augment = _augment("translation")
    # From -2 to 2 of 16 rows, and from -3 to 3 of 24 columns.
    draws = _draws(down=0.99, right=0.0)
    (image,) = _images(1)
    expected = np.zeros_like(image)
    expected[2:, :-3] = image[:-2, 3:]
    for transform in (augment.transform_image, augment.transform_condition):
        np.testing.assert_array_equal(
            transform(image[None], draws)[0], expected
        )
    weights = _images(2)[1]
    source = tf.constant(image[None])
    with tf.GradientTape() as tape:
        tape.watch(source)
        value = tf.reduce_sum(augment.transform_image(source, draws) * weights)
    expected = np.zeros_like(image)
    expected[:-2, 3:] = weights[2:, :-3]
    np.testing.assert_array_equal(tape.gradient(value, source)[0], expected)


def test_a_cutout_is_half_as_high_and_wide():
    augment = _augment("cutout")
    image = tf.constant(_images(1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        cut = augment.transform_image(image, _draws())
    expected = np.array(image)
    expected[:, 4:12, 6:18] = 0
    np.testing.assert_array_equal(cut, expected)
    np.testing.assert_array_equal(tape.gradient(cut, image), expected != 0)
    corner = augment.transform_image(image, _draws(row=0.0, column=0.0))
    expected = np.array(image)
    expected[:, :4, :6] = 0
    np.testing.assert_array_equal(corner, expected)
    # The condition stays whole.
    assert augment.transform_condition(image, _draws()) is image


def test_every_shift_is_drawn_and_examples_differ():
    augment = _augment("translation")
    image = np.zeros((400, HEIGHT, WIDTH, 3), "float32")
    image[:, 8, 12] = 1
    moved = augment.transform_image(image, augment.draw(400))
    _, rows, columns, _ = np.nonzero(moved)
    assert set(rows) == set(range(8 - 2, 8 + 3))
    assert set(columns) == set(range(12 - 3, 12 + 4))


@pytest.mark.parametrize("value", ["color", ["blur"], None])
def test_other_transformations_are_named(value):
    with pytest.raises(ValueError, match=r"`diffaugment` must be.*Received"):
        make_model(**FLAT).compile(diffaugment=value)


# === Train steps ===


def _compile(model, **options):
    model.compile(
        *(keras.optimizers.SGD(0.05) for _ in range(2)),
        **{"diffaugment": TRANSFORMATIONS, **options},
    )
    return model


def _see(model, monkeypatch):
    """Returns a list of what the discriminator sees: condition and image."""
    seen = []
    discriminate = model.discriminate

    def record(scene, image, training):
        seen.append((scene.condition.numpy(), image.numpy()))
        return discriminate(scene, image, training)

    monkeypatch.setattr(model, "discriminate", record)
    return seen


def test_photo_fake_and_pooled_fake_share_a_transformation(monkeypatch):
    model = make_model(**FLAT)
    # Without feature matching, the generator learns through the discriminator
    # and the L1 loss alone.
    losses = {"feature_matching": 0.0, "l1": 1.0}
    _compile(model, losses=losses, pool_size=1, run_eagerly=True)
    state = model.augmentation.seed_generator.state
    expected = DiffAugment(
        TRANSFORMATIONS, keras.random.SeedGenerator(int(state[0]))
    )
    scenes = make_scenes(1, HEIGHT, WIDTH)
    scene = model.preprocess(scenes)
    fake = model.generator(scene.condition)
    before = model.generator.get_weights()
    seen = _see(model, monkeypatch)
    logs = model.train_on_batch(scenes, return_dict=True)

    draws = expected.draw(1)
    condition = expected.transform_condition(scene.condition, draws)
    images = [
        expected.transform_image(image, draws)
        # The pool is empty, and returns the new fake.
        for image in (scene.photo, fake, fake)
    ]
    assert len(seen) == 3
    for (seen_condition, seen_image), image in zip(seen, images, strict=True):
        np.testing.assert_array_equal(seen_condition, condition)
        np.testing.assert_allclose(seen_image, image, atol=1e-6)
    assert np.abs(images[0] - scene.photo).max() > 0.1
    # The other losses see the fake itself.
    assert logs["l1"] == pytest.approx(np.abs(fake - scene.photo).mean(), 1e-4)
    moved = [
        np.abs(one - other).max()
        for one, other in zip(
            model.generator.get_weights(), before, strict=True
        )
    ]
    assert max(moved) > 1e-5


def test_the_generator_learns_through_the_transformations():
    model = make_model(**FLAT)
    scene = model.preprocess(make_scenes(1, HEIGHT, WIDTH))
    augment = _augment(*TRANSFORMATIONS)
    draws = augment.draw(1)
    with tf.GradientTape() as tape:
        fake = model.generator(scene.condition)
        value = tf.reduce_sum(augment.transform_image(fake, draws) ** 2)
    gradients = tape.gradient(value, model.generator.trainable_variables)
    assert max(np.abs(gradient).max() for gradient in gradients) > 1e-3


def test_evaluation_sees_photos_and_fakes_as_they_are(monkeypatch):
    model = _compile(make_model(**FLAT), run_eagerly=True)
    state = model.augmentation.seed_generator.state.numpy()
    scenes = make_scenes(1, HEIGHT, WIDTH)
    seen = _see(model, monkeypatch)
    model.evaluate(scenes, verbose=0)
    np.testing.assert_array_equal(seen[0][1], model.preprocess(scenes).photo)
    after = model.augmentation.seed_generator.state.numpy()
    np.testing.assert_array_equal(after, state)


def test_each_update_of_the_alternating_order_draws_anew(monkeypatch):
    model = _compile(
        make_model(**FLAT), update_order="alternating", run_eagerly=True
    )
    seen = _see(model, monkeypatch)
    model.train_on_batch(make_scenes(1, HEIGHT, WIDTH))
    (first, _), (same, _), (second, _), _ = seen
    np.testing.assert_array_equal(first, same)
    assert np.any(first != second)


def _train(model, num_steps=2, first=0):
    for seed in range(first, first + num_steps):
        model.train_on_batch(make_scenes(2, HEIGHT, WIDTH, seed=seed))


def _assert_equal(model, expected, tolerance=0.0):
    for weight, other in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_allclose(
            weight.numpy(),
            other.numpy(),
            rtol=0,
            atol=tolerance,
            err_msg=weight.path,
        )


@pytest.fixture(scope="module")
def trained():
    """A model after two steps."""
    keras.utils.set_random_seed(7)
    model = _compile(make_model(**FLAT), run_eagerly=True)
    _train(model)
    return model


def test_a_loaded_model_continues_the_draws(trained, tmp_path):
    model = _compile(make_model(**FLAT), run_eagerly=True)
    _train(model, 1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config()["diffaugment"] == list(TRANSFORMATIONS)
    # As a resumed run compiles it.
    _compile(loaded, run_eagerly=True)
    _train(loaded, 1, first=1)
    _assert_equal(loaded, trained)
    # Without an optimizer there is nothing to continue.
    keras.models.load_model(tmp_path / "model.keras", compile=False)


def test_recomputation_gives_the_same_weights(trained):
    with plain_kernels():
        plain = _compile(make_model(**FLAT), run_eagerly=True)
        _train(plain)
    _assert_equal(plain, trained, tolerance=1e-5)


def test_two_replicas_train_like_one(trained, two_replicas):
    with two_replicas.scope():
        model = _compile(make_model(**FLAT), remat=True)
    for seed in range(2):
        scenes = make_scenes(2, HEIGHT, WIDTH, seed=seed)
        model.fit(scenes, batch_size=2, shuffle=False, verbose=0)
    _assert_equal(model, trained, tolerance=1e-5)
    states = model.augmentation.seed_generator.state.value.values
    np.testing.assert_array_equal(*(np.array(state) for state in states))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_and_accumulation(dtype):
    model = make_model(**FLAT, dtype=dtype)
    _compile(model, gradient_accumulation_steps=2, run_eagerly=True)
    _train(model)
    assert model.step == 1
    assert int(model.augmentation.seed_generator.state[1]) == 2
    for weight in model.weights:
        assert np.isfinite(weight.numpy()).all()
