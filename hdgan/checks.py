"""Checks of arguments and arrays, for code that runs on the host.

This module imports no part of hdgan, so that every department can use it.
`hdgan.layers` has checks of its own, as it knows nothing of hdgan.
"""

import numpy as np


def check_integers(minimum=1, **arguments):
    """Checks that arguments are integers of at least a minimum.

    NumPy's integers pass; booleans don't.

    Args:
        minimum: int, the smallest value allowed. Defaults to 1.
        **arguments: values by the name that the error shows.

    Raises:
        ValueError: for the first argument that isn't an int >= `minimum`.

    Example:
        >>> check_integers(batch_size=batch_size, num_scales=num_scales)
    """
    for name, value in arguments.items():
        is_integer = isinstance(value, (int, np.integer))
        is_integer = is_integer and not isinstance(value, bool)
        if not is_integer or value < minimum:
            raise ValueError(
                f"`{name}` must be an integer >= {minimum}. Received: {value!r}"
            )


def check_integer_array(name, array):
    """Checks that an array holds integers.

    Args:
        name: str, file or argument, for the error.
        array: NumPy array.

    Raises:
        ValueError: if the dtype is not an integer one.
    """
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be of integers. Received: {array.dtype}")


def check_range(name, array, highest, kind="values", advice=None):
    """Checks that an array holds integers in `0..highest`.

    Args:
        name: str, file or argument, for the error.
        array: NumPy array with one element or more.
        highest: int, the largest value allowed.
        kind: str, the plural that the error calls the values by, such as
            `"label ids"`.
        advice: str, how to fix it, appended to the error. Defaults to None.

    Raises:
        ValueError: if the dtype is not an integer one, or a value is outside
            of the range.

    Example:
        >>> check_range("`label_map`", label_map, num_classes - 1, "label ids")
    """
    check_integer_array(name, array)
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > highest:
        message = f"{name} holds {kind} {low}..{high}. Expected 0..{highest}."
        raise ValueError(f"{message} {advice}" if advice else message)
