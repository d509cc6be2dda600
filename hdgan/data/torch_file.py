"""Reader of PyTorch checkpoints that needs no PyTorch and runs no code."""

import io
import math
import os
import re
import typing
import zipfile

import ml_dtypes
import numpy as np

from hdgan.data.bounded_zip import open_bounded_zip
from hdgan.data.safe_pickle import (
    PLAIN,
    DamagedError,
    OrderedDict,
    load_pickle,
    read_file,
)

_STORAGES = {
    "BFloat16Storage": ml_dtypes.bfloat16,
    "BoolStorage": "?",
    "ByteStorage": "u1",
    "CharStorage": "i1",
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "IntStorage": "i4",
    "LongStorage": "i8",
    "ShortStorage": "i2",
}
# The first pickled values of a checkpoint of PyTorch before 1.6.
_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
# Size of all tensors, in multiples of the file's. Tensors may share numbers,
# and a stride of 0 repeats them.
_MAX_COPIES = 10
_ALLOWANCE = 1_000_000


def read_torch_file(path):
    """Reads a file of `torch.save`: a state dict, or plain data around one.

    Both containers are supported: the zip archive of PyTorch 1.6 and later, and
    the older stream of pickles.

    Args:
        path: path of the file, usually `.pth`.

    Returns:
        The saved object, with tensors as NumPy arrays and ordered dicts as
        dicts.

    Raises:
        ValueError: naming the file, if it is missing, damaged, no PyTorch
            checkpoint, or holds anything but tensors and plain data.
    """
    return read_file(path, "PyTorch checkpoint", _read_torch)


class _Storage(typing.NamedTuple):
    """A block of numbers elsewhere in the file."""

    key: str
    dtype: np.dtype
    size: int
    start: int = 0


class _Tensor(typing.NamedTuple):
    """A view of a storage, with strides in elements."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple

    def __setstate__(self, state):
        """Ignores the gradient state of parameters before PyTorch 0.4."""

    def to_array(self, data):
        """Returns the tensor as an array, a view of `data` where possible."""
        dtype = self.storage.dtype
        if 0 in self.shape:
            return np.zeros(self.shape, dtype)
        reach = sum(
            (size - 1) * stride
            for size, stride in zip(self.shape, self.strides, strict=True)
        )
        if self.offset + reach >= self.storage.size:
            raise DamagedError("a tensor exceeds its data")
        view = np.ndarray(
            self.shape,
            dtype,
            data,
            (self.storage.start + self.offset) * dtype.itemsize,
            [stride * dtype.itemsize for stride in self.strides],
        )
        native = dtype.newbyteorder("=")
        return view if native == dtype else view.astype(native)


class _StorageKind(typing.NamedTuple):
    """The name of a storage's dtype."""

    name: str


def _make_tensor(
    storage, offset, shape, strides, requires_grad=0, hooks=None, metadata=None
):
    numbers = (offset, *shape, *strides)
    if (
        not isinstance(storage, _Storage)
        or len(shape) != len(strides)
        or any(type(number) is not int or number < 0 for number in numbers)
    ):
        raise DamagedError("a tensor has an invalid shape")
    if metadata:
        raise DamagedError("a tensor is marked as negative or conjugate")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _make_parameter(tensor, *_):
    if not isinstance(tensor, _Tensor):
        raise DamagedError("a parameter holds no tensor")
    return tensor


_TORCH = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor": _make_tensor,
    "torch._utils._rebuild_tensor_v2": _make_tensor,
    "torch._utils._rebuild_parameter": _make_parameter,
    "torch.nn.parameter.Parameter": _make_parameter,
    "torch.Size": tuple,
    **{f"torch.{name}": _StorageKind(name) for name in _STORAGES},
}


def _read_torch(file):
    start = file.read(4)
    file.seek(0)
    if start == b"PK\x03\x04":
        return _read_zip(file)
    return _read_stream(file)


def _read_zip(file):
    """Reads the zip archive of PyTorch 1.6 and later."""
    with open_bounded_zip(file) as archive:
        names = set(archive.namelist())
        pickles = [n for n in names if re.fullmatch(r"[^/]+/data\.pkl", n)]
        if len(pickles) != 1:
            raise DamagedError(f"the archive holds {len(pickles)} data.pkl")
        folder = pickles[0].removesuffix("data.pkl")
        order = "<"
        if f"{folder}byteorder" in names:
            is_big = _read_member(archive, f"{folder}byteorder") == b"big"
            order = ">" if is_big else "<"
        contents = {}

        def load_storage(identifier):
            kind, name, key, _, size = identifier
            return _make_storage(kind, name, key, size, order)

        def read(storage):
            name = f"{folder}data/{storage.key}"
            if name not in contents:
                if name not in names:
                    raise DamagedError(f"{name} is missing")
                contents[name] = _read_member(archive, name)
            if len(contents[name]) != storage.size * storage.dtype.itemsize:
                raise DamagedError(f"{name} has a wrong size")
            return contents[name]

        content = io.BytesIO(_read_member(archive, pickles[0]))
        saved = load_pickle(content, _TORCH, load_storage)
        return _with_arrays(saved, read, file.seek(0, os.SEEK_END))


def _read_member(archive, name):
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise DamagedError(f"{name} is compressed, as PyTorch never does")
    return archive.read(name)


def _read_stream(file):
    """Reads the container before PyTorch 1.6: pickles, then raw numbers."""
    if load_pickle(file, {}) != _MAGIC_NUMBER:
        raise DamagedError("it has another start")
    if load_pickle(file, {}) != _PROTOCOL_VERSION:
        raise DamagedError("it has an unknown version")
    load_pickle(file, {})  # Sizes of C's integers, which are not needed.
    whole = {}

    def load_storage(identifier):
        kind, name, key, _, size, view = identifier
        storage = _make_storage(kind, name, key, size, "<")
        if whole.setdefault(key, storage) != storage:
            raise DamagedError("it describes a storage in two ways")
        if view is None:
            return storage
        _, start, size = view
        if min(start, size) < 0 or start + size > storage.size:
            raise DamagedError("a view exceeds its data")
        return storage._replace(start=start, size=size)

    saved = load_pickle(file, _TORCH, load_storage)
    keys = load_pickle(file, {})
    content = file.read()
    contents = {}
    start = 0
    for key in keys:
        if type(key) is not str:
            raise DamagedError("a storage has no name")
        end = start + 8 + whole[key].size * whole[key].dtype.itemsize
        size = int.from_bytes(content[start : start + 8], "little")
        if size != whole[key].size or end > len(content):
            raise DamagedError("it is cut short")
        contents[key] = content[start + 8 : end]
        start = end
    return _with_arrays(
        saved, lambda storage: contents[storage.key], file.tell()
    )


def _make_storage(kind, storage_kind, key, size, order):
    if (
        kind != "storage"
        or not isinstance(storage_kind, _StorageKind)
        or type(key) is not str
        or type(size) is not int
        or size < 0
    ):
        raise DamagedError("it refers to an unknown kind of data")
    dtype = np.dtype(_STORAGES[storage_kind.name])
    return _Storage(key, dtype.newbyteorder(order), size)


def _with_arrays(saved, read, file_size):
    """Returns the saved object with arrays in place of the tensors.

    Args:
        saved: what the pickle holds.
        read: function from a `_Storage` to its bytes.
        file_size: int, bytes.
    """
    # The result of each object by its `id`, so that shared objects are
    # converted once.
    known = {}
    left = _MAX_COPIES * file_size + _ALLOWANCE

    def convert(value):
        if type(value) in PLAIN:
            return value
        if id(value) in known:
            if known[id(value)] is None:
                raise DamagedError("it contains itself")
            return known[id(value)]
        known[id(value)] = None
        known[id(value)] = result = convert_new(value)
        return result

    def convert_new(value):
        nonlocal left
        if isinstance(value, _Tensor):
            left -= math.prod(value.shape) * value.storage.dtype.itemsize
            if left < 0:
                raise DamagedError("its tensors repeat their data too often")
            return value.to_array(read(value.storage))
        if isinstance(value, dict):
            return {key: convert(item) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(convert(item) for item in value)
        raise DamagedError(f"it holds a {type(value).__name__.strip('_')}")

    return convert(saved)
