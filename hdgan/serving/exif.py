"""Exif orientation of photos, inside served graphs.

TensorFlow decodes the pixels as the camera stored them. Viewers turn them by
the orientation in the file's Exif data.
"""

import numpy as np
import tensorflow as tf

from hdgan.serving.png import is_png

_ORIENTATION = 0x0112
# The type of the orientation, an integer of two bytes.
_SHORT = 3
# Markers of a JPEG's segments.
_APP1 = 0xFFE1
_START_OF_SCAN = 0xFFDA
# Bound time and memory for a file of very many parts or of a very large one.
_MAX_PARTS = 1000
_MAX_BYTES = 2**16


def read_orientation(contents):
    """Returns the Exif orientation of a photo.

    It is read from the first APP1 segment of a JPEG that holds Exif data, or
    from the chunk eXIf of a PNG. The orientation of the thumbnail in it does
    not count.

    Args:
        contents: string scalar, the contents of a JPEG or PNG file.

    Returns:
        int32 scalar in 1..8, numbered as in the Exif standard. 1 means upright;
        so does a file without an orientation, or with a damaged one.
    """
    begin, length = tf.cond(
        is_png(contents),
        lambda: _find_in_png(contents),
        lambda: _find_in_jpeg(contents),
    )
    return tf.cond(
        length > 0,
        lambda: _parse(
            _read_bytes(contents, begin, tf.minimum(length, _MAX_BYTES))
        ),
        lambda: tf.constant(1),
    )


def turn_upright(image, orientation):
    """Turns an image as viewers do.

    Args:
        image: uint8 `(height, width, channels)`, as it is stored.
        orientation: int32 scalar in 1..8.

    Returns:
        uint8 `(height, width, channels)`. From 5 on, height and width are
        swapped.
    """

    def turn():
        is_swapped = swaps_sides(orientation)
        turned = tf.transpose(image, tf.where(is_swapped, [1, 0, 2], [0, 1, 2]))
        is_upside_down = tf.reduce_any(orientation == [3, 4, 7, 8])
        is_mirrored = tf.reduce_any(orientation == [2, 3, 6, 7])
        axes = tf.boolean_mask([0, 1], [is_upside_down, is_mirrored])
        return tf.reverse(turned, axes)

    upright = tf.cond(orientation > 1, turn, lambda: image)
    return tf.ensure_shape(upright, (None, None, image.shape[-1]))


def swaps_sides(orientation):
    """Returns whether turning by an orientation swaps height and width."""
    return orientation >= 5


def _find_in_jpeg(contents):
    """Returns begin and length of the Exif data, 0 if there is none."""

    # A segment: a marker, the length from here on, the data. Its name here is
    # the start of the data; XMP is in segments APP1, too.
    def read(at):
        return _read_header(contents, at, (2, 2, 6))

    def is_exif(marker, name):
        return (marker == _APP1) & (name == int.from_bytes(b"Exif\0\0"))

    def goes_on(at, marker, length, name):
        is_segment = (marker // 256 == 0xFF) & (marker != _START_OF_SCAN)
        return is_segment & ~is_exif(marker, name)

    def step(at, marker, length, name):
        at += 2 + length
        return at, *read(at)

    at, marker, length, name = _walk(goes_on, step, read, 2)
    return at + 10, tf.where(is_exif(marker, name), length - 8, 0)


def _find_in_png(contents):
    """Returns begin and length of the Exif data, 0 if there is none."""
    exif, end = int.from_bytes(b"eXIf"), int.from_bytes(b"IEND")

    # A chunk: the length of the data, a name, the data, a checksum of 4 bytes.
    def read(at):
        return _read_header(contents, at, (4, 4))

    def goes_on(at, length, name):
        # Beyond the end of the file the name is 0.
        return (name != exif) & (name != end) & (name != 0)

    def step(at, length, name):
        at += 12 + length
        return at, *read(at)

    at, length, name = _walk(goes_on, step, read, 8)
    return at + 8, tf.where(name == exif, length, 0)


def _walk(goes_on, step, read, start):
    """Walks through the headers of a file from one to the next."""
    start = tf.constant(start, tf.int64)
    return tf.while_loop(
        goes_on,
        step,
        (start, *read(start)),
        parallel_iterations=1,
        maximum_iterations=_MAX_PARTS,
    )


def _read_header(contents, at, widths):
    """Reads unsigned integers, which have `widths` bytes, at a place."""
    weights = np.zeros((len(widths), sum(widths)), "int64")
    begin = 0
    for row, width in zip(weights, widths, strict=True):
        row[begin : begin + width] = 256 ** np.arange(width)[::-1]
        begin += width
    header = _read_bytes(contents, at, sum(widths))
    # A header at the end of the file may be incomplete.
    header = tf.concat([header, tf.zeros(sum(widths), tf.uint8)], 0)
    header = tf.cast(header[: sum(widths)], tf.int64)
    return tf.unstack(tf.linalg.matvec(weights, header))


def _read_bytes(contents, at, length):
    """Returns the bytes at a place of a file, fewer at its end."""
    size = tf.cast(tf.strings.length(contents), tf.int64)
    part = tf.strings.substr(contents, tf.minimum(at, size), length)
    return tf.io.decode_raw(part, tf.uint8)


def _parse(exif):
    """Returns the orientation in Exif data, uint8 `(n,)`."""
    # Zeros are read beyond the end.
    exif = tf.cast(tf.pad(exif, [[0, 1]]), tf.int64)
    last = tf.size(exif, tf.int64) - 1
    # "II" and 42, or "MM" and 42: the order of the bytes in numbers.
    is_little = tf.reduce_all(exif[:4] == list(b"II*\0"))
    is_big = tf.reduce_all(exif[:4] == list(b"MM\0*"))

    def read(at, length):
        places = tf.range(length, dtype=tf.int64)
        digits = tf.gather(exif, tf.minimum(at[..., None] + places, last))
        powers = tf.where(is_little, places, places[::-1])
        return tf.reduce_sum(digits * 256**powers, -1)

    directory = read(tf.constant(4, tf.int64), 4)
    entries = directory + 2 + 12 * tf.range(read(directory, 2))
    # An entry: tag, type, number of values, value.
    is_orientation = (
        (read(entries, 2) == _ORIENTATION)
        & (read(entries + 2, 2) == _SHORT)
        & (read(entries + 4, 4) == 1)
        & (is_little | is_big)
    )
    found = tf.boolean_mask(read(entries + 8, 2), is_orientation)
    orientation = tf.concat([[1], found], 0)[-1]
    is_valid = (orientation >= 1) & (orientation <= 8)
    return tf.cast(tf.where(is_valid, orientation, 1), tf.int32)
