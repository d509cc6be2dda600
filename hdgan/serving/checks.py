"""Refusals from inside of served graphs.

Without apostrophes, quotation marks and line breaks: TensorFlow would write
them with a backslash.
"""

import tensorflow as tf


def refuse_first(*problems):
    """Refuses what has a problem, and tells the first of those it has.

    Separate assertions would run in any order: of what is no image at all,
    one that looks at its size might speak first.

    Args:
        *problems: pairs of a boolean scalar, whether there is this problem, and
            its message, str.

    Returns:
        Operation that raises `InvalidArgumentError` when run, for
        `tf.control_dependencies`.
    """
    told = tf.constant("")
    for is_there, message in reversed(problems):
        told = tf.where(is_there, message, told)
    return tf.debugging.Assert(told == "", [told])


def too_large(source, shape, limit):
    """Returns the problem of more pixels than a model was exported for.

    Args:
        source: str, what the input is called.
        shape: integers, any number of sides whose product is limited.
        limit: int.
    """
    # In 64 bits: in 32 the product of huge sides might be small.
    pixels = tf.reduce_prod(tf.cast(shape, tf.int64))
    return (
        pixels > limit,
        f"{source} is larger than the {limit} pixels that this model was "
        "exported for, in a batch of arrays all together. Send less, or export "
        "with a larger --max_pixels.",
    )


def differ(name, shape, other_name, other_shape, what):
    """Returns the problem of two inputs whose sizes differ.

    Args:
        name: str, what the input is called.
        shape: int32 scalar or vector.
        other_name: str.
        other_shape: int32, of that shape.
        what: str, that differs.
    """
    return (
        tf.reduce_any(shape != other_shape),
        f"`{name}` and `{other_name}` differ in {what}.",
    )
