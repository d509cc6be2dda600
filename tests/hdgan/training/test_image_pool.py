"""`ImagePool`: the discriminator sees fakes from earlier steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes

from hdgan.training.image_pool import ImagePool

FLAT = {"num_downsamplings": 1, "num_scales": 1}


def _numbered(numbers):
    """Returns a batch of label maps and fakes that hold their number."""
    numbers = np.asarray(numbers)
    return {
        "label_map": tf.constant(numbers[:, None, None] * np.ones((1, 2, 3))),
        "fake": tf.constant(-numbers[:, None, None, None] * np.ones((2, 3, 1))),
    }


def _numbers(pairs):
    """Returns the numbers in a batch, and asserts that pairs stay together."""
    label_maps, fakes = pairs["label_map"], pairs["fake"]
    np.testing.assert_array_equal(label_maps, -fakes[..., 0])
    return [int(array[0, 0]) for array in label_maps]


def test_the_pool_returns_every_fake_until_it_is_full():
    pool = ImagePool(6)
    for start in (0, 3):
        numbers = [start, start + 1, start + 2]
        assert _numbers(pool(_numbered(numbers))) == numbers


def test_a_full_pool_returns_stored_fakes_half_of_the_time():
    pool = ImagePool(10, seed=1)
    returned = []
    for number in range(1000):
        returned += _numbers(pool(_numbered([number])))
    assert returned[:10] == list(range(10))
    is_old = [number < step for step, number in enumerate(returned)][10:]
    assert 0.45 < np.mean(is_old) < 0.55
    # The pool forgets a fake that it has returned, and does not store one that
    # it returns at once.
    later = returned[10:]
    assert len(set(later)) == len(later)
    kept = set(range(1000)) - set(later)
    assert len(kept) == 10


def test_the_same_seed_makes_the_same_choices():
    def run(seed):
        pool = ImagePool(3, seed)
        return [_numbers(pool(_numbered([k])))[0] for k in range(40)]

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_sizes_may_differ_and_a_batch_may_be_empty():
    pool = ImagePool(1)
    sizes = set()
    for number in range(12):
        image = tf.ones((1, 4 + number % 2, 6, 3))
        sizes.add(tuple(pool({"fake": image})["fake"].shape))
    assert sizes == {(1, 4, 6, 3), (1, 5, 6, 3)}
    assert pool({"fake": tf.ones((0, 4, 6, 3))})["fake"].shape[0] == 0


@pytest.mark.parametrize("is_rgb", [False, True], ids=["labels", "rgb"])
def test_the_discriminator_sees_old_fakes_with_their_own_maps(is_rgb):
    """At a learning rate of 0, the loss identifies the fake."""
    options = dict(FLAT)
    if is_rgb:
        options.update(labels=None, use_instances=False)
    scenes = make_scenes(12, 16, 24, is_rgb=is_rgb)
    examples = [
        {key: array[k : k + 1] for key, array in scenes.items()}
        for k in range(12)
    ]

    def train(pool_size):
        model = make_model(**options)
        optimizers = [keras.optimizers.SGD(0.0) for _ in range(2)]
        model.compile(*optimizers, pool_size=pool_size)
        logs = []
        for example in examples:
            model.reset_metrics()
            logs.append(model.train_on_batch(example, return_dict=True))
        return logs

    without, with_pool = train(0), train(2)
    losses = np.array([step["discriminator_fake"] for step in without])
    assert len(set(losses.round(7))) == 12
    seen = []
    for step in with_pool:
        distance = np.abs(losses - step["discriminator_fake"])
        assert distance.min() < 1e-6
        seen.append(int(distance.argmin()))
    is_old = [number < step for step, number in enumerate(seen)]
    assert any(is_old)
    assert not all(is_old)
    assert not any(number > step for step, number in enumerate(seen))
    for plain, pooled in zip(without, with_pool, strict=True):
        for name in ("generator_loss", "discriminator_real"):
            assert pooled[name] == pytest.approx(plain[name], rel=1e-5)


def test_a_pool_that_is_not_full_does_not_change_the_step():
    plain, pooled = make_model(**FLAT), make_model(**FLAT)
    scenes = make_scenes(2, 16, 24)
    for model, pool_size in ((plain, 0), (pooled, 5)):
        optimizers = [keras.optimizers.SGD(0.1) for _ in range(2)]
        model.compile(*optimizers, pool_size=pool_size)
        model.train_on_batch(scenes)
    for one, other in zip(plain.weights, pooled.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=one.path)


def test_each_replica_has_its_own_pool(two_replicas):
    with two_replicas.scope():
        model = make_model(**FLAT)
        model.compile(pool_size=1)
    dataset = tf.data.Dataset.from_tensor_slices(make_scenes(8, 16, 24))
    model.fit(dataset.batch(2), epochs=2, shuffle=False, verbose=0)
    kept = model.image_pool._kept
    assert sorted(kept) == [0, 1]
    assert [len(examples) for examples in kept.values()] == [1, 1]


def test_a_file_keeps_the_pool_size(tmp_path):
    model = make_model(**FLAT)
    model.compile(pool_size=7)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config()["pool_size"] == 7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pool_size": -1}, "pool_size.*>= 0.*-1"),
        ({"pool_size": 2.5}, r"pool_size.*>= 0.*2\.5"),
        ({"pool_size": 2, "jit_compile": True}, "XLA.*pool_size=0"),
    ],
    ids=str,
)
def test_bad_sizes_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        make_model(**FLAT).compile(**options)
