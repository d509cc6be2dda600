"""PNG files of ids, decoded inside of a graph by TensorFlow's own ops."""

import tensorflow as tf


def is_png(contents):
    """Returns whether a file's contents, a string scalar, start as a PNG."""
    return tf.strings.substr(_lengthen(contents), 1, 3) == "PNG"


def grey_bits(contents):
    """Returns the bits per pixel of a gray PNG that TensorFlow decodes exactly.

    Palettes, fewer bits and several channels don't count: TensorFlow would
    convert them.

    Args:
        contents: string scalar, the contents of a file.

    Returns:
        int32 scalar, 8 or 16, or 0 for any other file.
    """
    # A PNG's 25th and 26th byte: bits per channel, and 0 for gray.
    header = tf.io.decode_raw(
        tf.strings.substr(_lengthen(contents), 24, 2), tf.uint8
    )
    bits = tf.cast(header[0], tf.int32)
    is_plain = (
        is_png(contents) & (header[1] == 0) & ((bits == 8) | (bits == 16))
    )
    return tf.where(is_plain, bits, 0)


def png_size(contents):
    """Returns the height and width in a PNG's header.

    Args:
        contents: string scalar, the contents of a file. Other files than PNG
            give meaningless sizes.

    Returns:
        int64 `(2,)`, each at most 2**31.
    """
    header = tf.strings.substr(_lengthen(contents), 16, 8)
    sides = tf.io.decode_raw(header, tf.uint8)
    sides = tf.reshape(tf.cast(sides, tf.int64), (2, 4))
    width_and_height = tf.linalg.matvec(
        sides, tf.constant([2**24, 2**16, 2**8, 1], tf.int64)
    )
    # Limited, so that the product of the two fits in 64 bits.
    return tf.minimum(width_and_height[::-1], 2**31)


def has_end(contents):
    """Returns whether a PNG has its last chunk, so that it is not truncated.

    Args:
        contents: string scalar, the contents of a file.
    """
    # The last chunk is empty, and other data may follow it. `.` would match
    # text characters only; `\C` matches any byte.
    return tf.strings.regex_full_match(contents, r"\C*\x00{4}IEND\C*")


def decode_grey(contents, bits):
    """Decodes a gray PNG exactly.

    Args:
        contents: string scalar, the contents of the file.
        bits: int32 scalar, 8 or 16, as `grey_bits` returns.

    Returns:
        int32 `(height, width, 1)`.
    """

    def decode(dtype):
        return tf.cast(tf.io.decode_png(contents, 1, dtype), tf.int32)

    # Decoding 8 bits as 16 takes three times as long.
    return tf.cond(
        bits == 8, lambda: decode(tf.uint8), lambda: decode(tf.uint16)
    )


def _lengthen(contents):
    """Appends bytes that no header has to contents that may be truncated."""
    # `substr` may ask for more than there is only from the start.
    start = tf.strings.substr(contents, 0, 26)
    return tf.strings.join([start, b"\xff" * 26])
