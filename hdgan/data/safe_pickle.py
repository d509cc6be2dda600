"""Loads pickles without running the code in them.

A pickle is a program: it can import any function of any installed package and
call it. This loader resolves listed names only and refuses every other name.
"""

import pathlib
import pickle
import pickletools
from collections.abc import Sized

from hdgan.data.printable import printable


def read_file(path, kind, read):
    """Reads a file and names it in every error.

    Args:
        path: path of the file.
        kind: str, the expected content, for the error.
        read: function of an open binary file that returns its content.

    Returns:
        The result of `read`.

    Raises:
        ValueError: naming the file, if it is missing, damaged, of another kind,
            or asks for names that are not allowed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise ValueError(f"{path}: there is {found}. Expected a {kind}.")
    try:
        with path.open("rb") as file:
            return read(file)
    except ForbiddenError as error:
        raise ValueError(
            f"{path} asks for {error} when it is opened, which is no part of a "
            f"{kind}. No code of the file was run. Expected arrays and plain "
            "data. If it is your own model, save its `state_dict()`. If it is "
            "from someone else, it may be an attack."
        ) from None
    except DamagedError as error:
        raise ValueError(
            f"{path} is no {kind}, or is damaged: {printable(error)}."
        ) from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error}.") from error
    except Exception as error:  # A broken pickle can raise any.
        raise ValueError(
            f"{path} is no {kind}, or is damaged ({type(error).__name__}: "
            f"{printable(error)})."
        ) from error


class ForbiddenError(Exception):
    """A pickle asks for a name that is not allowed."""


class DamagedError(Exception):
    """A file contradicts itself or its format."""


# The types that keys may have.
PLAIN = (str, int, float, bool, bytes, type(None))
_PLAIN_KINDS = {
    kind.name
    for kind in (
        pickletools.pybool,
        pickletools.pybytes,
        pickletools.pybytes_or_str,
        pickletools.pyfloat,
        pickletools.pyint,
        pickletools.pyinteger_or_bool,
        pickletools.pynone,
        pickletools.pyunicode,
    )
}
# A checkpoint has about 60 for each tensor.
_MAX_OPCODES = 500_000
# How often a pickle may pass its own bytes to functions.
_MAX_COPIES = 10


class _Unpickler(pickle.Unpickler):
    """An unpickler that resolves only listed names.

    Args:
        file: open binary file.
        allowed: see `load_pickle`.
        load_storage: see `load_pickle`.
        num_bytes: int, length of the pickle.
    """

    def __init__(self, file, allowed, load_storage, num_bytes):
        # Python 2 wrote the bytes of arrays as text.
        super().__init__(file, encoding="latin1")
        self._allowed = allowed
        self._load_storage = load_storage
        self._left = _MAX_COPIES * num_bytes

    def find_class(self, module, name):
        try:
            found = self._allowed[f"{module}.{name}"]
        except KeyError:
            # As a literal, because the text comes from the file and goes to the
            # terminal.
            wanted = repr(f"{module}.{name}"[:100])
            raise ForbiddenError(wanted) from None
        return _Maker(found, self._spend) if callable(found) else found

    def persistent_load(self, identifier):
        if self._load_storage is None:
            raise DamagedError("it refers to external data")
        return self._load_storage(identifier)

    def _spend(self, arguments):
        """Bounds the memory of a pickle that copies the same data often."""
        sized = (a for a in arguments if isinstance(a, Sized))
        self._left -= sum(len(a) for a in sized)
        if self._left < 0:
            raise DamagedError("it copies the same data too often")


def load_pickle(file, allowed, load_storage=None):
    """Loads the pickle at the current position of a file.

    Args:
        file: open binary file.
        allowed: dict from `module.name` to the function or object that stands
            for it. Every other name is refused.
        load_storage: function from an identifier to external data. Defaults to
            None, external data is refused.

    Returns:
        The pickled object.

    Raises:
        DamagedError: if the pickle is so long, or so nested, that it would take
            unbounded time or memory.
    """
    start = file.tell()
    _check_opcodes(file)
    num_bytes = file.tell() - start
    file.seek(start)
    return _Unpickler(file, allowed, load_storage, num_bytes).load()


def _check_opcodes(file):
    """Follows a pickle without loading it, and refuses what takes forever.

    - Python allocates its memo up to the highest index in the pickle, even if
      few are used. A well-formed pickle numbers its entries in order.
    - The hash of a tuple is that of its elements: if each of forty tuples
      holds the one before twice, it takes 2 ** 40 steps. Keys must be plain.
    """
    stack, memo = [], {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        name = opcode.name
        if count == _MAX_OPCODES:
            raise DamagedError(f"its pickle has over {_MAX_OPCODES:,} steps")
        if name in ("EMPTY_SET", "FROZENSET"):
            raise DamagedError("it holds a set")
        if name.endswith("PUT"):
            if int(argument) > count:
                raise DamagedError("its memo indices are out of order")
            memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name.endswith("GET"):
            stack.append(memo[int(argument)])
        elif name == "DUP":
            stack.append(stack[-1])
        else:
            popped = _pop(stack, opcode)
            if name == "SETITEM":
                _check_keys(popped[1:2])
            elif name in ("SETITEMS", "DICT"):
                _check_keys(popped[popped.index(_MARK) + 1 :: 2])
            stack += opcode.stack_after


_MARK = pickletools.markobject


def _pop(stack, opcode):
    """Removes what an opcode takes from the stack, and returns it."""
    before = opcode.stack_before
    start = len(stack) - len(before)
    if _MARK in before:
        start = len(stack) - 1
        while start >= 0 and stack[start] is not _MARK:
            start -= 1
        start -= before.index(_MARK)
    if start < 0:
        raise DamagedError("its pickle takes more than it has made")
    popped = stack[start:]
    del stack[start:]
    return popped


def _check_keys(kinds):
    for kind in kinds:
        if kind.name not in _PLAIN_KINDS:
            raise DamagedError("a key is a tuple or another object")


class _Maker:
    """A function that a pickle can call, but not change."""

    __slots__ = ("_make", "_spend")

    def __init__(self, make, spend):
        self._make = make
        self._spend = spend

    def __call__(self, *args):
        self._spend(args)
        return self._make(*args)

    def __setstate__(self, state):
        raise DamagedError("it changes a function")


class OrderedDict(dict):
    """Replaces an ordered dict and ignores its attributes.

    Args:
        items: list of pairs, as Python 2 pickles it. Defaults to none.
    """

    __slots__ = ()

    def __init__(self, items=()):
        super().__init__()
        for key, value in items:
            if type(key) not in PLAIN:
                raise DamagedError("a key is a tuple or another object")
            self[key] = value

    def __setstate__(self, state):
        """Ignores the `_metadata` of a state dict."""
