"""The bytes of one scene in a record.

A record starts with the length of its header in 4 bytes, little-endian. The
header is JSON: the name of the scene and, for each array, kind, coding, dtype,
shape and number of bytes. The arrays follow in that order.

Codings: `"ids"`, the smallest integers that hold the ids. `"differences"`, an
image in which each pixel has its difference from its left neighbor, modulo 256;
the record's compression then takes half as much space, and decoding takes a
third of PNG's time. `"file"`, the bytes of a JPEG file, because its pixels take
ten times as much.
"""

import io
import json
import struct

import numpy as np

from hdgan.data.image_files import read_photo

_LENGTH = struct.Struct("<I")
_ID_DTYPES = ("<u1", "<u2", "<i4")


def encode_scene(name, scene, files=None):
    """Returns the record of a scene.

    Args:
        name: str, the name of the label map's file.
        scene: dict of NumPy arrays, as `SceneFiles.read` returns it.
        files: dict from a kind to the bytes of its JPEG file, for photos that
            are kept so. Defaults to none.

    Returns:
        Bytes.
    """
    entries, parts = [], []
    for kind, array in scene.items():
        if files and kind in files:
            coding, dtype, contents = "file", "<u1", files[kind]
        elif array.ndim == 2:
            coding = "ids"
            dtype = _choose_dtype(array)
            contents = array.astype(dtype).tobytes()
        else:
            coding, dtype = "differences", "<u1"
            differences = array.copy()
            differences[:, 1:] -= array[:, :-1]
            contents = differences.tobytes()
        entries.append(
            {
                "kind": kind,
                "coding": coding,
                "dtype": dtype,
                "shape": list(array.shape),
                "bytes": len(contents),
            }
        )
        parts.append(contents)
    header = json.dumps({"name": name, "arrays": entries}).encode()
    return b"".join([_LENGTH.pack(len(header)), header, *parts])


def decode_scene(record, kinds=None):
    """Returns the scene of a record.

    Args:
        record: bytes, as of `encode_scene`.
        kinds: collection of str, the kinds to decode. Defaults to None, all.

    Returns:
        The scene's name, and a dict of NumPy arrays equal to those encoded.

    Raises:
        ValueError: if the bytes are no such record.
    """
    try:
        (length,) = _LENGTH.unpack_from(record)
        header = json.loads(record[4 : 4 + length])
        scene, start = {}, 4 + length
        for entry in header["arrays"]:
            end = start + entry["bytes"]
            if kinds is None or entry["kind"] in kinds:
                scene[entry["kind"]] = _decode(record[start:end], entry)
            start = end
        if start != len(record):
            raise ValueError(f"it has {len(record)} bytes, not {start}")
        return header["name"], scene
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise ValueError(f"This is no record of a scene: {error}") from error


def _decode(contents, entry):
    if entry["coding"] == "file":
        return read_photo(io.BytesIO(contents))
    array = np.frombuffer(contents, entry["dtype"]).reshape(entry["shape"])
    if entry["coding"] == "ids":
        return array.astype("int32")
    if entry["coding"] == "differences":
        return np.cumsum(array, axis=1, dtype="uint8")
    raise ValueError(f"unknown coding {entry['coding']!r}")


def _choose_dtype(array):
    low, high = int(array.min()), int(array.max())
    return next(
        dtype
        for dtype in _ID_DTYPES
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max
    )
