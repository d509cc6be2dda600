"""ArrayRecord: files of records that are read by index, from the extra."""

import contextlib
import importlib

# Each record alone, because scenes are read in random order. Level 1 of
# Zstandard: higher levels save a twentieth of the space.
_OPTIONS = "group_size:1,zstd:1"
# Nothing is read ahead in a random order; the callers are parallel.
_READ_OPTIONS = "readahead_buffer_size:0,max_parallelism:0"


def check_installed():
    """Raises `ValueError` if `array_record` is not installed."""
    _import("array_record_module")


@contextlib.contextmanager
def open_writer(path):
    """Opens a file for writing, and yields a function that adds a record.

    Args:
        path: path of the file.

    Raises:
        ValueError: if `array_record` is not installed.
    """
    module = _import("array_record_module")
    writer = module.ArrayRecordWriter(str(path), _OPTIONS)
    try:
        yield writer.write
    finally:
        writer.close()


def open_reader(path):
    """Opens a file of records.

    Args:
        path: path of the file.

    Returns:
        Function from the index of a record to its bytes, which several threads
        may call at once. It raises RuntimeError if the file is damaged there.

    Raises:
        ValueError: if `array_record` is not installed, or this is no such file.
    """
    module = _import("array_record_module")
    try:
        reader = module.ArrayRecordReader(str(path), _READ_OPTIONS)
        # Opening reads nothing yet.
        reader.num_records()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path} can't be opened: {error}") from error
    return lambda index: reader.read([index])[0]


def _import(name):
    try:
        return importlib.import_module(f"array_record.python.{name}")
    except ModuleNotFoundError as error:
        raise ValueError(
            "Records need array_record, which is not installed: pip install "
            "array_record"
        ) from error
