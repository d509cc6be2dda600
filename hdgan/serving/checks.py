"""Checks of inputs inside served graphs.

Their messages hold no apostrophes, quotation marks or line breaks: TensorFlow
would escape these with a backslash.
"""

import tensorflow as tf


def refuse_first(*problems):
    """Refuses the input if it has a problem, and reports the first one.

    Separate assertions would run in any order: the check of an image's size
    could report before the check that the file is an image.

    Args:
        *problems: pairs of a boolean scalar tensor, whether the input has the
            problem, and a message, str.

    Returns:
        Operation for `tf.control_dependencies` that raises
        `InvalidArgumentError` with the message when run.
    """
    reported = tf.constant("")
    for is_present, message in reversed(problems):
        reported = tf.where(is_present, message, reported)
    return tf.debugging.Assert(reported == "", [reported])


def too_large(source, shape, limit):
    """Returns the problem that an input has too many pixels.

    Args:
        source: str, the name of the input in the message.
        shape: integers, the sides whose product is limited.
        limit: int, the largest number of pixels.
    """
    # In 64 bits: in 32 bits the product of huge sides could overflow to a
    # small number.
    pixels = tf.reduce_prod(tf.cast(shape, tf.int64))
    return (
        pixels > limit,
        f"{source} is larger than the {limit} pixels that this model accepts "
        "in a file or in a whole batch of arrays. Send less, or export the "
        "model with a larger max_pixels.",
    )


def differ(name, shape, other_name, other_shape, what):
    """Returns the problem that two inputs differ in size.

    Args:
        name: str, the name of an input.
        shape: int32 scalar or vector, its size.
        other_name: str, the name of the other input.
        other_shape: int32 tensor like `shape`, the size of the other input.
        what: str, the sizes that are compared, such as `"height"`.
    """
    return (
        tf.reduce_any(shape != other_shape),
        f"`{name}` and `{other_name}` differ in {what}.",
    )
