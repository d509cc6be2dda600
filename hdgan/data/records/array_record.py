"""ArrayRecord: files of records that are read by index, from the extra."""

import contextlib

# Each record alone, because scenes are read in random order. Level 1 of
# Zstandard: higher levels save a twentieth of the space.
_OPTIONS = "group_size:1,zstd:1"


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


def open_reader(paths):
    """Returns a sequence of the records of some files; threads may share it.

    Args:
        paths: list of paths, in order.

    Raises:
        ValueError: if `array_record` is not installed, or a file is damaged.
    """
    module = _import("array_record_data_source")
    try:
        return module.ArrayRecordDataSource([str(path) for path in paths])
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"The records can't be opened: {error}") from error


def _import(name):
    try:
        import importlib

        return importlib.import_module(f"array_record.python.{name}")
    except ModuleNotFoundError as error:
        raise ValueError(
            "Records need array_record, which is not installed: pip install "
            "array_record"
        ) from error
