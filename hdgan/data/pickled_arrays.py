"""Readers of PyTorch checkpoints and pickled NumPy arrays that run no code.

A pickle is a program: it can import any function of any installed package and
call it. The readers here allow tensors, arrays and plain containers, refuse
everything else by name, and don't need PyTorch.
"""

import io
import pathlib
import pickle
import pickletools
import re
import typing
import zipfile

import ml_dtypes
import numpy as np

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
    return _read(path, "PyTorch checkpoint", _read_torch)


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
    return _read(path, "dict of NumPy arrays", _read_arrays)


def _read(path, kind, read):
    path = pathlib.Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise ValueError(f"{path}: there is {found}. Expected a {kind}.")
    try:
        with path.open("rb") as file:
            return read(file)
    except _ForbiddenError as error:
        raise ValueError(
            f"{path} asks for {error} when it is opened, which is no part of a "
            f"{kind}. No code of the file was run. Expected arrays and plain "
            "data. If it is your own model, save its `state_dict()`. If it is "
            "from someone else, it may be an attack."
        ) from None
    except _DamagedError as error:
        raise ValueError(
            f"{path} is no {kind}, or is damaged: {error}."
        ) from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error}.") from error
    except Exception as error:  # A broken pickle can raise any.
        raise ValueError(
            f"{path} is no {kind}, or is damaged ({type(error).__name__}: "
            f"{error})."
        ) from error


class _ForbiddenError(Exception):
    """A pickle asks for a name that is not allowed."""


class _DamagedError(Exception):
    """A file contradicts itself or its format."""


class _Unpickler(pickle.Unpickler):
    """An unpickler that resolves only listed names."""

    def __init__(self, file, allowed, load_storage=None):
        # Python 2 wrote the bytes of arrays as text.
        super().__init__(file, encoding="latin1")
        self._allowed = allowed
        self._load_storage = load_storage

    def find_class(self, module, name):
        try:
            return self._allowed[f"{module}.{name}"]
        except KeyError:
            # As a literal, because the text comes from the file and goes to the
            # terminal.
            wanted = repr(f"{module}.{name}"[:100])
            raise _ForbiddenError(wanted) from None

    def persistent_load(self, identifier):
        if self._load_storage is None:
            raise _DamagedError("it refers to external data")
        return self._load_storage(identifier)


def _load(file, allowed, load_storage=None):
    """Loads the pickle at the current position of the file."""
    start = file.tell()
    # Python allocates its memo up to the highest index in the pickle, even if
    # few are used. A well-formed pickle numbers its entries in order.
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name.endswith("PUT") and int(argument) > count:
            raise _DamagedError("its memo indices are out of order")
    file.seek(start)
    return _Unpickler(file, allowed, load_storage).load()


class _Maker:
    """A function that a pickle can call, but not change."""

    __slots__ = ("_make",)

    def __init__(self, make):
        self._make = make

    def __call__(self, *args):
        return self._make(*args)

    def __setstate__(self, state):
        raise _DamagedError("it changes a function")


class _OrderedDict(dict):
    """Replaces an ordered dict and ignores its attributes."""

    __slots__ = ()

    def __setstate__(self, state):
        """Ignores the `_metadata` of a state dict."""


# === PyTorch ===


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
            raise _DamagedError("a tensor exceeds its data")
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
        raise _DamagedError("a tensor has an invalid shape")
    if metadata:
        raise _DamagedError("a tensor is marked as negative or conjugate")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _make_parameter(tensor, *_):
    if not isinstance(tensor, _Tensor):
        raise _DamagedError("a parameter holds no tensor")
    return tensor


_TORCH = {
    "collections.OrderedDict": _Maker(_OrderedDict),
    "torch._utils._rebuild_tensor": _Maker(_make_tensor),
    "torch._utils._rebuild_tensor_v2": _Maker(_make_tensor),
    "torch._utils._rebuild_parameter": _Maker(_make_parameter),
    "torch.nn.parameter.Parameter": _Maker(_make_parameter),
    "torch.Size": _Maker(tuple),
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
            raise _DamagedError(f"the archive holds {len(pickles)} data.pkl")
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
                    raise _DamagedError(f"{name} is missing")
                contents[name] = _read_member(archive, name)
            if len(contents[name]) != storage.size * storage.dtype.itemsize:
                raise _DamagedError(f"{name} has a wrong size")
            return contents[name]

        content = io.BytesIO(_read_member(archive, pickles[0]))
        saved = _load(content, _TORCH, load_storage)
        return _with_arrays(saved, read, {})


def _read_member(archive, name):
    # Otherwise a small file could expand to gigabytes.
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise _DamagedError(f"{name} is compressed, as PyTorch never does")
    return archive.read(name)


def _read_stream(file):
    """Reads the container before PyTorch 1.6: pickles, then raw numbers."""
    if _load(file, {}) != _MAGIC_NUMBER:
        raise _DamagedError("it has another start")
    if _load(file, {}) != _PROTOCOL_VERSION:
        raise _DamagedError("it has an unknown version")
    _load(file, {})  # Sizes of C's integers, which are not needed.
    whole = {}

    def load_storage(identifier):
        kind, name, key, _, size, view = identifier
        storage = _make_storage(kind, name, key, size, "<")
        if whole.setdefault(key, storage) != storage:
            raise _DamagedError("it describes a storage in two ways")
        if view is None:
            return storage
        _, start, size = view
        if min(start, size) < 0 or start + size > storage.size:
            raise _DamagedError("a view exceeds its data")
        return storage._replace(start=start, size=size)

    saved = _load(file, _TORCH, load_storage)
    keys = _load(file, {})
    content = file.read()
    contents = {}
    start = 0
    for key in keys:
        end = start + 8 + whole[key].size * whole[key].dtype.itemsize
        size = int.from_bytes(content[start : start + 8], "little")
        if size != whole[key].size or end > len(content):
            raise _DamagedError("it is cut short")
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
        raise _DamagedError("it refers to an unknown kind of data")
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
            raise _DamagedError("it contains itself")
        return known[id(saved)]
    known[id(saved)] = None
    if isinstance(saved, _Tensor):
        result = saved.to_array(read(saved.storage))
    elif isinstance(saved, dict):
        for key in saved:
            if type(key) not in _PLAIN:
                raise _DamagedError(f"a key is a {type(key).__name__}")
        result = {
            key: _with_arrays(value, read, known)
            for key, value in saved.items()
        }
    elif type(saved) in (list, tuple):
        result = type(saved)(_with_arrays(v, read, known) for v in saved)
    else:
        raise _DamagedError(f"it holds a {type(saved).__name__.strip('_')}")
    known[id(saved)] = result
    return result


# === NumPy ===


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
            raise _DamagedError(f"an array has the dtype {dtype.code!r}")
        order = dtype.order if dtype.order in "<>" else "="
        if isinstance(data, str):
            data = data.encode("latin1")
        array = np.frombuffer(data, np.dtype(order + dtype.code))
        array = array.reshape(shape, order="F" if is_fortran else "C")
        return np.array(array, array.dtype.newbyteorder("="), order="C")


def _from_buffer(data, dtype, shape, order):
    if not isinstance(data, bytes | bytearray):
        raise _DamagedError("an array's data are not bytes")
    return _Array((1, shape, dtype, order == "F", bytes(data)))


def _encode(text, encoding):
    if encoding != "latin1":
        raise _DamagedError(f"bytes are encoded as {encoding!r}")
    return text.encode("latin1")


_ARRAYS = {
    "_codecs.encode": _Maker(_encode),
    "numpy.dtype": _Maker(_Dtype),
    # Only passed to the functions below.
    "numpy.ndarray": None,
    # The modules' names before and since NumPy 2.
    "numpy.core.multiarray._reconstruct": _Maker(lambda *_: _Array()),
    "numpy._core.multiarray._reconstruct": _Maker(lambda *_: _Array()),
    "numpy.core.numeric._frombuffer": _Maker(_from_buffer),
    "numpy._core.numeric._frombuffer": _Maker(_from_buffer),
    "collections.OrderedDict": _Maker(_OrderedDict),
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
    saved = _load(file, _ARRAYS)
    if isinstance(saved, _Array):
        content = saved.content()
        if isinstance(content, list) and len(content) == 1:
            saved = content[0]
    if not isinstance(saved, dict):
        raise _DamagedError("it holds no dict")
    for key, value in saved.items():
        if not isinstance(value, _Array):
            raise _DamagedError(f"the value of {key!r} is no array")
    arrays = {key: value.content() for key, value in saved.items()}
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise _DamagedError(f"under {key!r} there is no array of numbers")
    return arrays
