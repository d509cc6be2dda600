"""Checks of arguments and arrays."""

import numpy as np
import pytest

from hdgan.checks import check_integer_array, check_integers, check_range


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True])
def test_integers(value):
    check_integers(batch_size=1, num_scales=np.int64(2))
    check_integers(minimum=0, seed=0)
    with pytest.raises(ValueError, match=r"`num_scales` .*>= 1") as e:
        check_integers(batch_size=1, num_scales=value)
    assert repr(value) in str(e.value)


def test_integer_arrays():
    check_integer_array("map.png", np.zeros(1, "uint8"))
    with pytest.raises(ValueError, match=r"map\.png .*integers.*float32"):
        check_integer_array("map.png", np.zeros(1, "float32"))


@pytest.mark.parametrize("values", [[0, 5], [-1, 4]])
def test_ranges(values):
    check_range("map.png", np.array([0, 4]), 4)
    with pytest.raises(ValueError, match="Expected") as error:
        check_range("map.png", np.array(values), 4, "label ids", "Fix it.")
    assert str(error.value) == (
        f"map.png holds label ids {values[0]}..{values[1]}. "
        "Expected 0..4. Fix it."
    )
    with pytest.raises(ValueError, match="integers"):
        check_range("map.png", np.array([0.0]), 4)
