"""PNG files of ids, decoded by TensorFlow's stock operations."""

import tensorflow as tf


def is_png(contents):
    """Whether contents of a file, a string tensor, begin as a PNG does."""
    return tf.strings.substr(_lengthen(contents), 1, 3) == "PNG"


def grey_bits(contents):
    """Returns 8 or 16 for a grey PNG of so many bits, 0 for anything else.

    What TensorFlow would turn into something else is no grey PNG here:
    palettes, fewer bits, several channels.

    Args:
        contents: string scalar.

    Returns:
        int32 scalar.
    """
    # A PNG's 25th and 26th byte: bits per channel, and 0 for grey.
    header = tf.io.decode_raw(
        tf.strings.substr(_lengthen(contents), 24, 2), tf.uint8
    )
    bits = tf.cast(header[0], tf.int32)
    is_plain = (
        is_png(contents) & (header[1] == 0) & ((bits == 8) | (bits == 16))
    )
    return tf.where(is_plain, bits, 0)


def png_size(contents):
    """Returns the height and width that a PNG's header names.

    Args:
        contents: string scalar.

    Returns:
        int64 `(2,)`; up to 2**31 each, as of what is no PNG.
    """
    header = tf.strings.substr(_lengthen(contents), 16, 8)
    sides = tf.io.decode_raw(header, tf.uint8)
    sides = tf.reshape(tf.cast(sides, tf.int64), (2, 4))
    width_and_height = tf.linalg.matvec(
        sides, tf.constant([2**24, 2**16, 2**8, 1], tf.int64)
    )
    # Of huge ones the product would not fit in 64 bits.
    return tf.minimum(width_and_height[::-1], 2**31)


def has_end(contents):
    """Whether a PNG has its last part, so that it is not cut short.

    Args:
        contents: string scalar.
    """
    # The last part has no length, and something may come after it. `.` would
    # be text's characters alone, `\C` is any byte.
    return tf.strings.regex_full_match(contents, r"\C*\x00{4}IEND\C*")


def decode_grey(contents, bits):
    """Decodes a grey PNG exactly.

    Args:
        contents: string scalar.
        bits: int32 scalar, 8 or 16, as of `grey_bits`.

    Returns:
        int32 `(height, width, 1)`.
    """

    def decode(dtype):
        return tf.cast(tf.io.decode_png(contents, 1, dtype), tf.int32)

    # As 16 bits, 8 would take three times as long.
    return tf.cond(
        bits == 8, lambda: decode(tf.uint8), lambda: decode(tf.uint16)
    )


def _lengthen(contents):
    """Adds bytes, none of which a header has, to what may be cut short."""
    # From its start, more than there is may be asked for.
    start = tf.strings.substr(contents, 0, 26)
    return tf.strings.join([start, b"\xff" * 26])
