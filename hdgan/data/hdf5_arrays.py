"""Sizes of the arrays in an HDF5 file, without reading them."""

import os
import typing

import h5py

from hdgan.data.printable import printable


class StoredArrays(typing.NamedTuple):
    """The number of arrays in a file, and their size in bytes."""

    count: int
    num_bytes: int


def measure_arrays(file):
    """Measures the arrays in an HDF5 file, and checks that none expands.

    An array may declare any shape, and hold nothing but a fill value.

    Args:
        file: open binary file.

    Returns:
        `StoredArrays`.

    Raises:
        ValueError: if an array is compressed, lies elsewhere, is not of
            numbers, or declares more bytes than it or the file holds.
        OSError: if this is no HDF5 file.
    """
    sizes = []

    def add(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        stored = item.id.get_storage_size()
        if (
            # "V" is bfloat16.
            item.dtype.kind not in "fiubV"
            or item.external
            or item.is_virtual
            or item.nbytes > stored
        ):
            raise ValueError(
                f"{printable(name)} is no plain array of numbers: it declares "
                f"{item.nbytes:,} bytes of {item.dtype} and holds {stored:,}"
            )
        sizes.append(item.nbytes)

    with h5py.File(file, "r") as arrays:
        arrays.visititems(add)
    # Several arrays may be the same bytes.
    num_bytes = file.seek(0, os.SEEK_END)
    if sum(sizes) > num_bytes:
        raise ValueError(
            f"the arrays declare {sum(sizes):,} bytes, but the file has "
            f"{num_bytes:,}"
        )
    return StoredArrays(len(sizes), sum(sizes))
