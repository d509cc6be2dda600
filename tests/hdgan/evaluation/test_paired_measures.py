"""Distances between two photographs, edges of instances, intervals."""

import numpy as np
import pytest

from hdgan.evaluation.bootstrap import draw_counts, interval, mean_of_draws
from hdgan.evaluation.instance_edges import measure_instance_edges
from hdgan.evaluation.paired_distances import PairedDistances


@pytest.fixture(scope="module")
def distances():
    return PairedDistances()


def _photo(height, width, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, 3)).astype("uint8")


def test_equal_photographs(distances):
    photo = _photo(176, 180)
    assert distances(photo, photo) == {
        "psnr": 100.0,
        "ssim": pytest.approx(1.0),
        "ms_ssim": pytest.approx(1.0),
        "perceptual": 0.0,
    }


def test_psnr_by_hand_and_order_of_unlike_photographs(distances):
    photo = np.full((32, 32, 3), 100, "uint8")
    near, far = distances(photo, photo + 5), distances(photo, _photo(32, 32))
    assert near["psnr"] == pytest.approx(10 * np.log10(255**2 / 25), rel=1e-5)
    assert near["ssim"] > far["ssim"]
    assert 0 < near["perceptual"] < far["perceptual"]


def test_small_photographs_have_no_structural_similarity(distances):
    small = distances(_photo(10, 40), _photo(10, 40, 1))
    assert small["ssim"] is None
    assert small["psnr"] is not None
    middle = distances(_photo(160, 200), _photo(160, 200, 1))
    assert middle["ssim"] is not None
    assert middle["ms_ssim"] is None


def test_diversity_is_the_mean_over_pairs(distances):
    photos = [_photo(32, 32, seed) for seed in range(3)]
    pairs = [
        distances(photos[i], photos[j])["perceptual"]
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    assert distances.diversity(photos) == pytest.approx(np.mean(pairs))
    assert distances.diversity(photos[:1]) is None


def test_edges_of_instances_by_hand():
    # Two cars side by side, then a road: the last step is between classes.
    label_map = np.array([[1, 1, 1, 1, 0, 0]])
    instance_map = np.array([[7, 7, 8, 8, 0, 0]])
    brightness = np.array([[10, 12, 50, 51, 200, 90]], "uint8")
    photo = np.repeat(brightness[..., None], 3, -1)
    assert measure_instance_edges(photo, label_map, instance_map) == (
        pytest.approx((38, 1, 2 + 1, 2))
    )


def test_edges_count_both_directions():
    instance_map = np.array([[1, 1], [2, 2]])
    label_map = np.zeros((2, 2), int)
    photo = np.zeros((2, 2, 3), "uint8")
    photo[1] = 60
    result = measure_instance_edges(photo, label_map, instance_map)
    assert result == pytest.approx((120, 2, 0, 2))


def test_interval_of_a_mean_has_the_textbook_width():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = interval(mean_of_draws(draw_counts(400), values))
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 2.0 / 20, rel=0.15)


def test_scenes_without_a_value_are_left_out():
    counts = draw_counts(3)
    means = mean_of_draws(counts, [1.0, np.nan, 1.0])
    assert set(means[np.isfinite(means)]) == {1.0}
    assert interval([np.nan]) is None
