"""Reader of pickled dicts of NumPy arrays that runs no code."""

import os
import re

import numpy as np

from hdgan.data.safe_pickle import (
    DamagedError,
    OrderedDict,
    load_pickle,
    read_file,
)

# Size of all arrays, in multiples of the file's.
_MAX_COPIES = 10


def read_array_dict(path):
    """Reads a dict of NumPy arrays, pickled or saved by `numpy.save`.

    The original PyTorch code saves its style clusters in this way: a dict from
    class id to an array `(clusters, style_channels)`.

    Args:
        path: path of the file, `.npy` or a pickle.

    Returns:
        Dict of NumPy arrays.

    Raises:
        ValueError: naming the file, if it is missing, damaged, no such dict, or
            holds anything but arrays and plain data.
    """
    return read_file(path, "dict of NumPy arrays", _read_arrays)


class _Dtype:
    """A dtype under construction: a pickle sets its code, then its order."""

    __slots__ = ("code", "order")

    def __init__(self, code, *_):
        self.code = code
        self.order = "="

    def __setstate__(self, state):
        self.order = state[1]


class _Array:
    """An array under construction: a pickle makes it empty, then fills it."""

    __slots__ = ("state",)

    def __init__(self, state=None):
        self.state = state

    def __setstate__(self, state):
        self.state = state

    def content(self):
        """Returns the array, or the list of objects of an object array."""
        _, shape, dtype, is_fortran, data = self.state
        if dtype.code in ("O", "O8"):
            return data
        if not re.fullmatch(r"[fiu][1248]", dtype.code):
            raise DamagedError(f"an array has the dtype {dtype.code!r}")
        order = dtype.order if dtype.order in "<>" else "="
        if isinstance(data, str):
            data = data.encode("latin1")
        array = np.frombuffer(data, np.dtype(order + dtype.code))
        array = array.reshape(shape, order="F" if is_fortran else "C")
        return np.array(array, array.dtype.newbyteorder("="), order="C")


def _from_buffer(data, dtype, shape, order):
    if not isinstance(data, bytes | bytearray):
        raise DamagedError("an array's data are not bytes")
    return _Array((1, shape, dtype, order == "F", bytes(data)))


def _encode(text, encoding):
    if encoding != "latin1":
        raise DamagedError("bytes are encoded otherwise than as latin1")
    return text.encode("latin1")


_ARRAYS = {
    "_codecs.encode": _encode,
    "numpy.dtype": _Dtype,
    # Only passed to the functions below.
    "numpy.ndarray": None,
    # The modules' names before and since NumPy 2.
    "numpy.core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy._core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy.core.numeric._frombuffer": _from_buffer,
    "numpy._core.numeric._frombuffer": _from_buffer,
    "collections.OrderedDict": OrderedDict,
}


def _read_arrays(file):
    start = file.read(6)
    file.seek(0)
    if start == np.lib.format.MAGIC_PREFIX:
        # A dict is saved as an array of one object: a header, then a pickle.
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            np.lib.format.read_array_header_1_0(file)
        else:
            np.lib.format.read_array_header_2_0(file)
    saved = load_pickle(file, _ARRAYS)
    if isinstance(saved, _Array):
        content = saved.content()
        if isinstance(content, list) and len(content) == 1:
            saved = content[0]
    if not isinstance(saved, dict):
        raise DamagedError("it holds no dict")
    for key, value in saved.items():
        if not isinstance(value, _Array):
            raise DamagedError(f"the value of {key!r} is no array")
    # Many arrays may be copies of the same bytes.
    left = _MAX_COPIES * file.seek(0, os.SEEK_END)
    arrays = {}
    for key, value in saved.items():
        arrays[key] = array = value.content()
        if not isinstance(array, np.ndarray):
            raise DamagedError(f"the value of {key!r} is no array of numbers")
        left -= array.nbytes
        if left < 0:
            raise DamagedError("its arrays repeat the same data too often")
    return arrays
