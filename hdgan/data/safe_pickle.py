"""Loads pickles without running the code in them.

A pickle is a program: it can import any function of any installed package and
call it. This loader resolves listed names only and refuses every other name.
"""

import pathlib
import pickle
import pickletools


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
            f"{path} is no {kind}, or is damaged: {error}."
        ) from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error}.") from error
    except Exception as error:  # A broken pickle can raise any.
        raise ValueError(
            f"{path} is no {kind}, or is damaged ({type(error).__name__}: "
            f"{error})."
        ) from error


class ForbiddenError(Exception):
    """A pickle asks for a name that is not allowed."""


class DamagedError(Exception):
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
            raise ForbiddenError(wanted) from None

    def persistent_load(self, identifier):
        if self._load_storage is None:
            raise DamagedError("it refers to external data")
        return self._load_storage(identifier)


def load_pickle(file, allowed, load_storage=None):
    """Loads the pickle at the current position of a file.

    Args:
        file: open binary file.
        allowed: dict from `module.name` to the object that stands for it. Every
            other name is refused.
        load_storage: function from an identifier to external data. Defaults to
            None, external data is refused.

    Returns:
        The pickled object.
    """
    start = file.tell()
    # Python allocates its memo up to the highest index in the pickle, even if
    # few are used. A well-formed pickle numbers its entries in order.
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name.endswith("PUT") and int(argument) > count:
            raise DamagedError("its memo indices are out of order")
    file.seek(start)
    return _Unpickler(file, allowed, load_storage).load()


class Maker:
    """A function that a pickle can call, but not change."""

    __slots__ = ("_make",)

    def __init__(self, make):
        self._make = make

    def __call__(self, *args):
        return self._make(*args)

    def __setstate__(self, state):
        raise DamagedError("it changes a function")


class OrderedDict(dict):
    """Replaces an ordered dict and ignores its attributes."""

    __slots__ = ()

    def __setstate__(self, state):
        """Ignores the `_metadata` of a state dict."""
