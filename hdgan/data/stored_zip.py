"""Zip archives without compression, as Keras and PyTorch write them."""

import io
import os
import struct
import zipfile

from hdgan.data.printable import printable

# A local header: fixed fields, then a name and extra fields, whose lengths are
# its last two numbers.
_HEADER_SIZE = 30
_LENGTHS = struct.Struct("<HH")


def open_stored_zip(file):
    """Opens an archive, and checks by its table that it can't expand.

    A small file could unpack to gigabytes otherwise.

    Args:
        file: open binary file.

    Returns:
        `zipfile.ZipFile`.

    Raises:
        zipfile.BadZipFile: if the file is no archive, an entry is compressed,
            or the entries declare more bytes than the file has.
    """
    archive = zipfile.ZipFile(file)
    entries = archive.infolist()
    for entry in entries:
        if (
            entry.compress_type != zipfile.ZIP_STORED
            or entry.file_size != entry.compress_size
        ):
            raise zipfile.BadZipFile(
                f"{printable(entry.filename)} is compressed or encrypted: "
                f"{entry.compress_size:,} bytes that declare "
                f"{entry.file_size:,}"
            )
    declared = sum(entry.file_size for entry in entries)
    size = file.seek(0, os.SEEK_END)
    if declared > size:
        raise zipfile.BadZipFile(
            f"its entries declare {declared:,} bytes, but it has {size:,}"
        )
    return archive


class StoredEntry(io.RawIOBase):
    """An entry of an archive, as a file that can be read in any order.

    `ZipFile.open` starts again from the beginning at every step back.

    Args:
        file: the archive, an open binary file.
        info: `zipfile.ZipInfo` of an entry that is not compressed.
    """

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
