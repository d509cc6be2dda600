"""Average pooling that leaves padding out of its means."""

import numpy as np
import pytest

from hdgan import layers


def pool(x):
    return layers.AveragePooling2DExcludingPadding()(x).numpy()


@pytest.mark.parametrize(
    ("height", "width"), [(4, 4), (5, 5), (4, 5), (7, 6), (1, 1), (2, 1)]
)
def test_each_value_is_the_mean_of_the_real_pixels_around_it(height, width):
    x = np.random.default_rng(0).standard_normal((2, height, width, 3))
    rows, columns = (height + 1) // 2, (width + 1) // 2
    expected = np.empty((2, rows, columns, 3))
    for row in range(rows):
        for column in range(columns):
            top, left = max(2 * row - 1, 0), max(2 * column - 1, 0)
            window = x[:, top : 2 * row + 2, left : 2 * column + 2]
            expected[:, row, column] = window.mean(axis=(1, 2))
    received = pool(x.astype("float32"))
    np.testing.assert_allclose(received, expected, atol=1e-6)
    assert received.shape == expected.shape


def test_even_and_odd_borders_by_hand():
    even = np.array([1, 2, 3, 4], "float32").reshape(1, 1, 4, 1)
    assert pool(even).ravel().tolist() == [1.5, 3.0]
    odd = np.array([1, 2, 3, 4, 9], "float32").reshape(1, 5, 1, 1)
    assert pool(odd).ravel().tolist() == [1.5, 3.0, 6.5]


@pytest.mark.parametrize("size", [8, 9])
def test_a_constant_image_stays_constant(size):
    x = np.full((1, size, size + 3, 1), 0.75, "float32")
    np.testing.assert_allclose(pool(x), 0.75, rtol=1e-6)
