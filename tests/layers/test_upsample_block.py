"""The two ways in which a block doubles the size."""

import numpy as np

from hdgan import layers


def _make(upsampling, channels):
    block = layers.UpsampleBlock(1, norm="none", upsampling=upsampling)
    block.build((1, None, None, channels))
    return block


def test_resize_by_hand():
    """Each pixel twice, mirrored borders, 3x3 convolution, ReLU."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((1, 3, 4, 2)).astype("float32")
    block = _make("resize", 2)
    kernel, bias = block.get_weights()
    large = x[0].repeat(2, axis=0).repeat(2, axis=1)
    padded = np.pad(large, ((1, 1), (1, 1), (0, 0)), "reflect")
    expected = np.zeros((6, 8))
    for row in range(6):
        for column in range(8):
            patch = padded[row : row + 3, column : column + 3]
            expected[row, column] = np.sum(patch * kernel[..., 0])
    expected = np.maximum(expected + bias, 0)
    assert expected.max() > 0
    np.testing.assert_allclose(block(x)[0, ..., 0], expected, atol=1e-6)


def test_only_a_transposed_convolution_paints_a_checkerboard():
    flat = np.ones((1, 4, 6, 3), "float32")
    spreads = {}
    for upsampling in ("resize", "transposed"):
        block = _make(upsampling, 3)
        kernel, bias = block.get_weights()
        block.set_weights([np.abs(kernel), np.abs(bias)])
        spreads[upsampling] = np.ptp(block(flat)[0, 1:-1, 1:-1])
    assert spreads["resize"] < 1e-6
    assert spreads["transposed"] > 0.01
