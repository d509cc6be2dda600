"""Reader of PyTorch checkpoints that needs no PyTorch and runs no code."""

import io
import re
import typing
import zipfile

import ml_dtypes
import numpy as np

from hdgan.data.safe_pickle import (
    DamagedError,
    Maker,
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
    "collections.OrderedDict": Maker(OrderedDict),
    "torch._utils._rebuild_tensor": Maker(_make_tensor),
    "torch._utils._rebuild_tensor_v2": Maker(_make_tensor),
    "torch._utils._rebuild_parameter": Maker(_make_parameter),
    "torch.nn.parameter.Parameter": Maker(_make_parameter),
    "torch.Size": Maker(tuple),
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
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
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
        return _with_arrays(saved, read, {})


def _read_member(archive, name):
    # Otherwise a small file could expand to gigabytes.
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
        end = start + 8 + whole[key].size * whole[key].dtype.itemsize
        size = int.from_bytes(content[start : start + 8], "little")
        if size != whole[key].size or end > len(content):
            raise DamagedError("it is cut short")
        contents[key] = content[start + 8 : end]
        start = end
    return _with_arrays(saved, lambda storage: contents[storage.key], {})


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


_PLAIN = (str, int, float, bool, bytes, type(None))


def _with_arrays(saved, read, known):
    """Returns the saved object with arrays in place of the tensors.

    `known` maps the `id` of each object to its result, so that shared objects
    are converted once.
    """
    if type(saved) in _PLAIN:
        return saved
    if id(saved) in known:
        if known[id(saved)] is None:
            raise DamagedError("it contains itself")
        return known[id(saved)]
    known[id(saved)] = None
    if isinstance(saved, _Tensor):
        result = saved.to_array(read(saved.storage))
    elif isinstance(saved, dict):
        for key in saved:
            if type(key) not in _PLAIN:
                raise DamagedError(f"a key is a {type(key).__name__}")
        result = {
            key: _with_arrays(value, read, known)
            for key, value in saved.items()
        }
    elif type(saved) in (list, tuple):
        result = type(saved)(_with_arrays(v, read, known) for v in saved)
    else:
        raise DamagedError(f"it holds a {type(saved).__name__.strip('_')}")
    known[id(saved)] = result
    return result
