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


def check_integer_array(name, array, advice=None):
    """Checks that an array holds integers.

    Args:
        name: str, file or argument, for the error.
        array: NumPy array.
        advice: str, how to fix it, appended to the error. Defaults to None.

    Raises:
        ValueError: if the dtype is not an integer one.
    """
    if not np.issubdtype(array.dtype, np.integer):
        message = f"{name} must be of integers. Received: {array.dtype}"
        raise ValueError(f"{message}. {advice}" if advice else message)


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


def drop_channel(array):
    """Returns a map of ids without an axis of one channel.

    Args:
        array: NumPy array `(..., height, width)`, or with one channel
            `(..., height, width, 1)`, as `tf.io.decode_png` gives.

    Returns:
        The array `(..., height, width)`.
    """
    if array.ndim >= 3 and array.shape[-1] == 1:
        return array[..., 0]
    return array


def as_id_map(name, array):
    """Converts a map of ids to NumPy and checks its shape and dtype.

    Args:
        name: str, file or argument, for the error.
        array: integers, `(height, width)` or `(height, width, 1)`.

    Returns:
        NumPy array `(height, width)`.

    Raises:
        ValueError: if the array has another shape, is empty or does not hold
            integers.

    Example:
        >>> label_map = as_id_map("`label_map`", label_map)
    """
    array = np.asarray(array)
    id_map = drop_channel(array)
    if id_map.ndim != 2 or not id_map.size:
        raise ValueError(
            f"{name} must be (height, width) or (height, width, 1), each at "
            f"least 1. Received: shape {array.shape}"
        )
    check_integer_array(name, id_map)
    return id_map
