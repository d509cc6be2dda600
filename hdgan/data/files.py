"""Atomic writes: a file of a given name is always a complete one. Hashes."""

import contextlib
import hashlib
import os
import pathlib
import tempfile
import uuid


@contextlib.contextmanager
def replacing(path, is_shared=False):
    """Yields a temporary path beside `path`, which replaces it on success.

    The temporary file is in the same folder, so that the rename is one step,
    and has the same ending, which Keras requires. It is removed on failure.

    Args:
        path: file to create or replace.
        is_shared: bool, whether other threads or processes may write the same
            file at the same time. Each of them then writes a temporary file of
            its own. Otherwise the temporary name is always the same, so that
            what a killed process left behind is overwritten and does not
            accumulate. Defaults to False.

    Raises:
        OSError: if the file can't be written or renamed.

    Example:
        >>> with replacing("model.keras") as temporary:
        ...     model.save(temporary)
    """
    path = pathlib.Path(path)
    name = f"{uuid.uuid4().hex[:16]}{path.suffix}" if is_shared else path.name
    temporary = path.with_name(f".unfinished-{name}")
    # `os.link`, unlike `open`, fails where there is a file already.
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        # After success, too: `os.replace` does nothing if both names are links
        # to one file.
        temporary.unlink(missing_ok=True)


def write_file(path, contents):
    """Writes a whole file atomically.

    Args:
        path: file to create or replace.
        contents: bytes, or str, which is encoded as UTF-8.

    Raises:
        OSError: if the file can't be written.
    """
    if isinstance(contents, str):
        contents = contents.encode()
    with replacing(path, is_shared=True) as temporary:
        temporary.write_bytes(contents)


def hash_file(path):
    """Returns the SHA-256 of a file, or of all files of a folder.

    Args:
        path: path of a file or folder.

    Returns:
        Str of 64 hexadecimal digits.
    """
    path = pathlib.Path(path)
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path)} {hash_file(file)}\n".encode())
    return digest.hexdigest()


def make_writable_folder(path):
    """Creates a folder if it is missing, and checks that files can be written.

    Args:
        path: path of the folder.

    Raises:
        OSError: if it can't be created or written to.
    """
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    # The permissions alone don't tell: the root user ignores them, but not
    # every file system allows writing.
    tempfile.TemporaryFile(dir=path).close()


def check_writable_folder(path):
    """Checks that `make_writable_folder` will succeed, and leaves no trace.

    Args:
        path: path of the folder.

    Raises:
        OSError: if it can't be created or written to.
    """
    path = pathlib.Path(path)
    missing = [p for p in (path, *path.parents) if not p.exists()]
    try:
        make_writable_folder(path)
    finally:
        for folder in missing:
            if folder.is_dir():
                folder.rmdir()
