"""Zip archives from others, which may not unpack to more than they suggest."""

import io
import os
import struct
import zipfile

from hdgan.data.printable import printable

# Keras and PyTorch don't compress, and weights can't be compressed by much; the
# texts around them can.
_MAX_EXPANSION = 10
_ALLOWANCE = 50_000_000
# A local header: fixed fields, then a name and extra fields, whose lengths are
# its last two numbers.
_HEADER_SIZE = 30
_LENGTHS = struct.Struct("<HH")


def open_bounded_zip(file):
    """Opens an archive, and checks by its table what it unpacks to.

    Args:
        file: open binary file.

    Returns:
        `zipfile.ZipFile`. It unpacks to at most ten times the file's size, or
        50 MB more than it.

    Raises:
        zipfile.BadZipFile: if the file is no archive, declares more than that,
            or is compressed otherwise than by Deflate.
    """
    archive = zipfile.ZipFile(file)
    entries = archive.infolist()
    for entry in entries:
        # The others are unpacked without a limit.
        if entry.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise zipfile.BadZipFile(
                f"{printable(entry.filename)} is compressed by method "
                f"{entry.compress_type}"
            )
    declared = sum(entry.file_size for entry in entries)
    size = file.seek(0, os.SEEK_END)
    if declared > max(_MAX_EXPANSION * size, size + _ALLOWANCE):
        raise zipfile.BadZipFile(
            f"it has {size:,} bytes, but declares that it unpacks to "
            f"{declared:,}"
        )
    return archive


def open_entry(file, archive, name):
    """Opens an entry of an archive as a file that is read in any order.

    `ZipFile.open` starts again from the beginning at every step back.

    Args:
        file: the archive, an open binary file.
        archive: `zipfile.ZipFile` of it.
        name: str.
    """
    info = archive.getinfo(name)
    if info.compress_type == zipfile.ZIP_STORED:
        return _StoredEntry(file, info)
    return io.BytesIO(archive.read(info))


class _StoredEntry(io.RawIOBase):
    """An entry that is not compressed."""

    def __init__(self, file, info):
        super().__init__()
        self._file = file
        self._size = info.file_size
        self._position = 0
        file.seek(info.header_offset + _HEADER_SIZE - _LENGTHS.size)
        lengths = _LENGTHS.unpack(file.read(_LENGTHS.size))
        self._start = info.header_offset + _HEADER_SIZE + sum(lengths)

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        starts = {os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        self._position = starts.get(whence, 0) + offset
        return self._position

    def readinto(self, buffer):
        count = max(0, min(len(buffer), self._size - self._position))
        self._file.seek(self._start + self._position)
        content = self._file.read(count)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
