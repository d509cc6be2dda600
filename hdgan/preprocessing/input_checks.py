"""Checks of raw maps and photos where they enter a model.

Shapes and dtypes are checked while a graph is built, which costs nothing when
it runs. Only values need operations, and only those of dtypes that can hold
wrong ones.
"""

import tensorflow as tf

INPUTS = ("label_map", "instance_map", "photo", "style_map")
_MAPS = ("label_map", "instance_map")
# Sizes of a last axis that is one of channels rather than a width.
_CHANNELS = (1, 3, 4)
# Interpolation and rounding may leave the range of a photo of floats a little.
_TOLERANCE = 0.5


def standardize_inputs(inputs, is_rgb):
    """Returns a batch of raw inputs as a dict of tensors.

    Args:
        inputs: dict with some of the keys `INPUTS`, `label_map` among them, or
            a label map alone.
        is_rgb: bool, whether the "label map" is an RGB image.

    Returns:
        Dict of the inputs that are not None. Maps of ids have the shape
        `(batch, height, width)`.

    Raises:
        ValueError: if a key is unknown, `label_map` is missing, or a map of ids
            has another shape or dtype.
    """
    if isinstance(inputs, (list, tuple)):
        raise ValueError(
            "Expected a label map, or a dict of `label_map`, `instance_map`, "
            f"`photo` and `style_map`. Received: a {type(inputs).__name__} of "
            f"{len(inputs)}. Name its parts in a dict."
        )
    if not isinstance(inputs, dict):
        inputs = {"label_map": inputs}
    unknown = sorted(set(inputs) - set(INPUTS), key=str)
    if unknown or inputs.get("label_map") is None:
        raise ValueError(
            f"Expected a dict of {', '.join(INPUTS)}, the first of which is "
            f"required. Received: {', '.join(sorted(map(str, inputs)))}. "
            "Rename the keys, or leave out those that are not listed."
        )
    tensors = {
        name: tf.convert_to_tensor(value)
        for name, value in inputs.items()
        if value is not None
    }
    for name in _MAPS[is_rgb:]:
        if name in tensors:
            tensors[name] = _drop_channel(name, tensors[name])
            check_id_dtype(name, tensors[name])
    return tensors


def check_examples(label_map, num_replicas):
    """Returns this replica's label map, computed only if it has examples.

    Args:
        label_map: tensor, the first axis of which is the batch.
        num_replicas: int, for the error.

    Raises:
        InvalidArgumentError: when run, if the batch is empty, which many
            kernels of TensorFlow do not take.
    """
    check = tf.debugging.assert_positive(
        tf.shape(label_map)[0],
        "The last batch has fewer examples than there are replicas, "
        f"{num_replicas}: one is left without. Batch the dataset with "
        "drop_remainder=True, or choose another batch size.",
    )
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(label_map)


def _drop_channel(name, id_map):
    """Returns a batch of maps of ids as `(batch, height, width)`."""
    shape = id_map.shape
    if shape.rank == 4 and shape[-1] == 1:
        return id_map[..., 0]
    # Several maps this narrow are taken for one map with channels.
    if shape.rank == 3 and (1 in shape[:2] or shape[-1] not in _CHANNELS):
        return id_map
    if shape.rank is None:
        advice = "Set the shape with `tf.ensure_shape`."
    elif shape.rank == 2:
        advice = (
            "The axis of the batch is missing: use `dataset.batch(1)`, or "
            f"`{name}[None]`."
        )
    elif shape.rank == 3:
        advice = (
            "This may be one map with an axis of channels: add the axis of the "
            "batch, and leave out the one of channels."
        )
    else:
        advice = (
            "A map of ids has one channel. If it shows classes as colors, "
            "replace each color by the id of its class."
        )
    raise ValueError(
        f"`{name}` must be (batch, height, width) or (batch, height, width, "
        f"1). Received: shape {shape}. {advice}"
    )


def check_id_dtype(name, id_map):
    """Checks that a tensor holds integers.

    Args:
        name: str, for the error.
        id_map: tensor.

    Raises:
        ValueError: if its dtype is not an integer one.
    """
    if not id_map.dtype.is_integer:
        raise ValueError(
            f"`{name}` must hold ids, which are integers. Received: "
            f"{id_map.dtype.name}. Read the file as integers, or cast whole "
            "numbers to int32."
        )


def check_image(name, image):
    """Checks photos, or the RGB images in place of label maps.

    Args:
        name: str, for the errors.
        image: tensor `(batch, height, width, 3)` in 0..255: uint8, wider
            integers, or floats.

    Returns:
        The same tensor. Where its dtype can hold other values than 0..255, it
        is computed only after they have been checked.

    Raises:
        ValueError: if it has another shape, or a dtype that holds no such
            values.
        InvalidArgumentError: when run, if a value is outside of 0..255, or if
            floats are in [0, 1] or [-1, 1].
    """
    _check_image_shape(name, image.shape)
    if image.shape[-1] is None:
        image = tf.ensure_shape(image, (None, None, None, 3))
    if image.dtype == tf.uint8:
        return image
    if image.dtype == tf.uint16:
        raise ValueError(
            f"`{name}` must be in 0..255, preferably uint8. Received: uint16. "
            f"Scale 16 bits to 8, `{name} // 257`, and cast to uint8."
        )
    if not (image.dtype.is_integer or image.dtype.is_floating):
        raise ValueError(
            f"`{name}` must be in 0..255, preferably uint8. Received: "
            f"{image.dtype.name}"
        )
    with tf.control_dependencies(_assert_levels(name, image)):
        return tf.identity(image)


def _check_image_shape(name, shape):
    if shape.rank == 4 and shape[-1] in (3, None):
        return
    if shape.rank is None:
        advice = "Set the shape with `tf.ensure_shape`."
    elif shape.rank == 3 and shape[-1] == 3:
        advice = (
            "The axis of the batch is missing: use `dataset.batch(1)`, or "
            f"`{name}[None]`."
        )
    elif shape.rank == 4 and shape[-1] == 4:
        advice = f"Drop the alpha channel: `{name}[..., :3]`."
    else:
        advice = "Convert the image to RGB: `tf.image.grayscale_to_rgb`."
    raise ValueError(
        f"`{name}` must be (batch, height, width, 3), RGB. Received: shape "
        f"{shape}. {advice}"
    )


def _assert_levels(name, image):
    """Returns the assertions that an image is in 0..255; one fails at most."""
    low, high = tf.reduce_min(image), tf.reduce_max(image)
    is_outside = (low < _as(image, -_TOLERANCE)) | (
        high > _as(image, 255 + _TOLERANCE)
    )
    problems = {"Clip or scale it, and cast it to uint8.": is_outside}
    if image.dtype.is_floating:
        is_finite = tf.reduce_all(tf.math.is_finite(image))
        # Interpolation may have left [0, 1] or [-1, 1], too. All zeros are a
        # black photo.
        is_unit = is_finite & (low >= -1.5) & (high <= 1.5)
        is_signed = is_unit & (low < 0)
        problems = {
            "It holds NaN or infinity.": ~is_finite,
            "Scale it from [-1, 1]: (x + 1) * 127.5.": is_signed,
            "Scale it from [0, 1]: x * 255.": is_unit & (low >= 0) & (high > 0),
            "Clip or scale it, and cast it to uint8.": (
                is_finite & is_outside & ~is_signed
            ),
        }
    checks = [
        tf.debugging.Assert(
            ~is_present,
            [
                f"`{name}` must be in 0..255, preferably uint8. {advice} "
                "Received the range:",
                low,
                high,
            ],
        )
        for advice, is_present in problems.items()
    ]
    # In eager mode a check has run already and is None.
    return [check for check in checks if check is not None]


def _as(image, value):
    return tf.cast(value, image.dtype)
