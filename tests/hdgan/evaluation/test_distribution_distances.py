"""Fréchet and kernel distances, compared with SciPy and with double sums."""

import keras
import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from hdgan.evaluation import FrechetDistance, KernelDistance
from hdgan.evaluation.distribution_distances import kernel_distance


def _draw(count, size=6, shift=0.0, seed=0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(size, size))
    vectors = random.normal(size=(count, size)) @ mixing + shift
    return vectors.astype("float32")


@pytest.fixture(params=[FrechetDistance, KernelDistance])
def metric(request):
    return request.param(6)


def test_frechet_distance_is_that_of_the_matrix_root():
    real, generated = _draw(50), _draw(70, shift=0.5, seed=1)
    distance = FrechetDistance(6)
    distance.update_state(real, generated)
    first, second = (
        np.cov(x.astype("float64"), rowvar=False) for x in (real, generated)
    )
    root = scipy.linalg.sqrtm(first @ second).real
    difference = real.mean(0, "float64") - generated.mean(0, "float64")
    expected = difference @ difference + np.trace(first + second - 2 * root)
    assert distance.result() == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_with_fewer_vectors_than_features():
    """The covariance is singular, which breaks a plain matrix root."""
    real = _draw(4)
    distance = FrechetDistance(6)
    distance.update_state(real, real)
    assert distance.result() == pytest.approx(0, abs=1e-4)


def test_kernel_distance_is_the_double_sum():
    real, generated = _draw(9), _draw(7, shift=0.5, seed=1)
    distance = KernelDistance(6)
    distance.update_state(real, generated)

    def kernel(x, y):
        return (float(x @ y) / 6 + 1) ** 3

    def mean_within(vectors):
        count = len(vectors)
        total = sum(
            kernel(vectors[i], vectors[j])
            for i in range(count)
            for j in range(count)
            if i != j
        )
        return total / (count * (count - 1))

    across = np.mean([[kernel(x, y) for y in generated] for x in real])
    expected = mean_within(real) + mean_within(generated) - 2 * across
    assert distance.result() == pytest.approx(expected, rel=1e-5)


def test_standard_error_is_that_of_leaving_out_each_vector():
    real, generated = _draw(6), _draw(5, shift=0.5, seed=1)
    variance = 0.0
    for left in (real, generated):
        values = [
            kernel_distance(
                *(
                    np.delete(v, i, 0) if v is left else v
                    for v in (real, generated)
                )
            )[0]
            for i in range(len(left))
        ]
        variance += (len(values) - 1) * np.var(values)
    error = kernel_distance(real, generated)[1]
    assert error == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_interval_of_two_halves_of_one_set_holds_zero():
    """Nearly all 95 % intervals do; with another set hardly any."""
    covered = found = 0
    for seed in range(20):
        vectors = _draw(120, seed=seed)
        value, error = kernel_distance(vectors[::2], vectors[1::2])
        covered += abs(value) <= 1.96 * error
        value, error = kernel_distance(vectors[::2], vectors[1::2] + 2.0)
        found += value > 1.96 * error
    assert covered >= 17
    assert found >= 17


def test_batches_equal_one_pass(metric):
    real, generated = _draw(20), _draw(17, shift=0.5, seed=1)
    metric.update_state(real, generated)
    once = metric.result()
    metric.reset_state()
    assert np.isnan(metric.result())
    for start in range(0, 20, 7):
        metric.update_state(real[start : start + 7], None)
    for start in range(0, 17, 4):
        metric.update_state(None, generated[start : start + 4])
    assert metric.result() == pytest.approx(once, rel=1e-9)


@pytest.mark.parametrize("kind", [FrechetDistance, KernelDistance])
def test_replicas_add_up(kind, two_replicas):
    real, generated = _draw(12), _draw(12, shift=0.5, seed=1)
    with two_replicas.scope():
        metric = kind(6)
    dataset = tf.data.Dataset.from_tensor_slices((real, generated)).batch(4)
    dataset = two_replicas.experimental_distribute_dataset(dataset)

    @tf.function
    def step(batch):
        two_replicas.run(metric.update_state, batch)

    for batch in dataset:
        step(batch)
    alone = kind(6)
    alone.update_state(real, generated)
    assert metric.result() == pytest.approx(alone.result(), rel=1e-6)


def test_kept_vectors_are_bounded_and_do_not_depend_on_batches():
    vectors = _draw(50)
    metrics = [KernelDistance(6, capacity=10) for _ in range(2)]
    metrics[0].update_state(vectors, None)
    for start in range(0, 50, 3):
        metrics[1].update_state(vectors[start : start + 3], None)
    kept = [metric._real.read() for metric in metrics]
    assert kept[0].shape == (10, 6)
    np.testing.assert_array_equal(*kept)
    # From the whole set, not just its first or last vectors.
    positions = [np.flatnonzero((vectors == v).all(1))[0] for v in kept[0]]
    assert len(set(positions)) == 10
    assert min(positions) < 20
    assert max(positions) >= 30


def test_few_vectors_give_nan(metric):
    metric.update_state(_draw(1), _draw(5))
    assert np.isnan(metric.result())


def test_configuration_and_bad_arguments(metric):
    config = keras.saving.serialize_keras_object(metric)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == metric.get_config()
    with pytest.raises(ValueError, match="`num_features` must be an integer"):
        type(metric)(0)
    with pytest.raises(ValueError, match="takes no `sample_weight`"):
        metric.update_state(_draw(2), _draw(2), sample_weight=1.0)
