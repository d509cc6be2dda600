"""The layer that turns raw maps and photos into network inputs."""

import keras
import tensorflow as tf

from hdgan.layers import (
    BoundaryMap,
    EdgePadding,
    SemanticChannels,
    join_channels,
)
from hdgan.layers.one_hot_labels import squeeze_channel
from hdgan.preprocessing.input_checks import check_id_dtype, check_image
from hdgan.preprocessing.scene import Scene

# Channels of a photograph, and of an image in place of the label map: RGB.
PHOTO_CHANNELS = 3
# Integers that int32 does not hold.
_WIDE_DTYPES = (tf.int64, tf.uint32, tf.uint64)


@keras.saving.register_keras_serializable(package="hdgan")
class ScenePreprocessing(keras.layers.Layer):
    """Encodes a label map and an instance map as the generator's condition.

    The condition has one channel of 0 and 1 per class, then the boundary map:
    Wang et al., 2018, section 3.3. Training, synthesis and export all use this
    layer.

    Args:
        num_classes: int >= 0. With 0 the "label map" is an RGB image.
        use_instances: bool, whether the condition has a boundary map.
        size_multiple: int >= 1. Height and width are padded to a multiple of
            it.
        size_minimum: int >= 1, a multiple of `size_multiple`. Height and width
            are padded to at least this many pixels.
        ignore_ids: sequence of int, ids without a class, for which the last
            class stands. Defaults to none.

    Call arguments:
        label_map: `(batch, height, width)` or `(batch, height, width, 1)`,
            integers below `num_classes`. If `num_classes` is 0, `(batch,
            height, width, 3)` in 0..255, preferably uint8.
        instance_map: as the label map, integers that int32 holds. Defaults to
            None. The label map replaces an instance map that is None or all
            zeros, so that its regions count as instances.

    Returns:
        The condition, `(batch, padded_height, padded_width, channels)` in the
        compute dtype, and the padded instance map, int32 `(batch,
        padded_height, padded_width)`. The latter is None for RGB input without
        an instance map.

    Raises:
        InvalidArgumentError: when run, if a label id is negative or not below
            `num_classes`, an instance id is outside of int32, or an RGB image
            outside of 0..255.
        ValueError: if a map has another shape or dtype, or the condition has a
            boundary map, but there are neither instances nor labels to compute
            it from.

    Example:
        >>> preprocess = ScenePreprocessing(35, True, 16, 32)
        >>> condition, instances = preprocess(label_map, instance_map)
    """

    def __init__(
        self,
        num_classes,
        use_instances,
        size_multiple,
        size_minimum,
        ignore_ids=(),
        **kwargs,
    ):
        # Ids must not be cast to a floating compute dtype on their way in:
        # float16 can't tell 20001 from 20002.
        super().__init__(autocast=False, **kwargs)
        self.num_classes = num_classes
        self.use_instances = use_instances
        self.size_multiple = size_multiple
        self.size_minimum = size_minimum
        self.ignore_ids = tuple(ignore_ids)
        dtype = self.dtype_policy
        self.pad = EdgePadding(size_multiple, size_minimum, name="pad")
        if num_classes:
            self.channels = SemanticChannels(
                num_classes, use_instances, dtype=dtype, name="channels"
            )
        else:
            self.boundary = BoundaryMap(dtype=dtype, name="boundary")
        self.to_unit = keras.layers.Rescaling(
            1 / 127.5, -1.0, dtype="float32", name="to_unit"
        )
        self.built = True

    @property
    def num_channels(self):
        """int, channels of the condition."""
        return (self.num_classes or PHOTO_CHANNELS) + bool(self.use_instances)

    def make_scene(self, label_map, instance_map=None):
        """Returns the `Scene` of raw maps, without style and photo.

        Args:
            label_map: as in `call`.
            instance_map: as in `call`. Defaults to None.
        """
        maps = {"label_map": label_map}
        if instance_map is not None:
            maps["instance_map"] = instance_map
        return Scene(maps, *self(label_map, instance_map))

    def call(self, label_map, instance_map=None):
        if instance_map is not None:
            instance_map = self.pad_ids(instance_map, "instance_map")
        if not self.num_classes:
            image = tf.convert_to_tensor(label_map)
            label_map = self.pad(check_image("label_map", image))
        else:
            label_map = self.pad_ids(label_map, "label_map")
            instance_map = instances_or_labels(instance_map, label_map)
        if self.use_instances and instance_map is None:
            raise ValueError(
                "A boundary map needs an `instance_map`, because this model "
                "has no labels. Received: None. Pass an instance map, or make "
                "the model with `use_instances=False`."
            )
        return self._condition(label_map, instance_map), instance_map

    def _condition(self, label_map, instance_map):
        """Returns the condition for maps that are already padded."""
        if self.num_classes:
            return self.channels(label_map, instance_map)
        image = tf.cast(self.to_unit(label_map), self.compute_dtype)
        if not self.use_instances:
            return image
        return join_channels([image, self.boundary(instance_map)])

    def pad_ids(self, id_map, name):
        """Pads a raw label map or instance map.

        Args:
            id_map: `(batch, height, width)` or `(batch, height, width, 1)`,
                integers.
            name: `"label_map"`, whose ids must be below the number of classes,
                or `"instance_map"`, whose ids must be in the range of int32.

        Returns:
            int32 `(batch, padded_height, padded_width)`.
        """
        id_map = squeeze_channel(tf.convert_to_tensor(id_map))
        check_id_dtype(name, id_map)
        # Checked before the cast to int32, which would wrap larger ids.
        if id_map.dtype in _WIDE_DTYPES:
            id_map = tf.cast(id_map, tf.int64)
        else:
            id_map = tf.cast(id_map, tf.int32)
        if name == "label_map":
            id_map = self._check_label_ids(id_map)
        elif id_map.dtype == tf.int64:
            id_map = _check_instance_ids(id_map)
        return self.pad(tf.cast(id_map, tf.int32))

    def normalize_photo(self, photo, label_map):
        """Pads photos and scales them to [-1, 1].

        Args:
            photo: `(batch, height, width, 3)` in 0..255: uint8, int32, int64
                or floats.
            label_map: the raw label map, which must have the photo's size.

        Returns:
            Float32 `(batch, padded_height, padded_width, 3)` in [-1, 1].

        Raises:
            InvalidArgumentError: when run, if the sizes differ, or if a photo
                is not in 0..255, such as one of floats in [0, 1] or [-1, 1].
            ValueError: if the photo does not have three channels, or has
                another dtype, such as uint16.
        """
        photo = check_image("photo", tf.convert_to_tensor(photo))
        photo = _with_size_of(photo, label_map, "photo")
        return self.to_unit(self.pad(photo))

    def normalize_style_map(self, style_map, label_map):
        """Pads style maps and scales uint8 values to [-1, 1].

        Args:
            style_map: `(batch, height, width, channels)`, uint8 (0..255 stands
                for [-1, 1]) or floats in [-1, 1].
            label_map: the raw label map, which must have the style map's size.

        Returns:
            Float32 `(batch, padded_height, padded_width, channels)` in [-1, 1].

        Raises:
            InvalidArgumentError: when run, if the sizes differ.
            ValueError: if the dtype is neither uint8 nor a floating one.
        """
        style_map = tf.convert_to_tensor(style_map)
        if style_map.dtype != tf.uint8 and not style_map.dtype.is_floating:
            raise ValueError(
                "`style_map` must be uint8, 0..255 for [-1, 1], or floats in "
                f"[-1, 1]. Received: {style_map.dtype.name}"
            )
        style_map = _with_size_of(style_map, label_map, "style_map")
        if style_map.dtype.is_floating:
            return tf.cast(self.pad(style_map), tf.float32)
        return self.to_unit(self.pad(style_map))

    def crop(self, image, label_map):
        """Crops the padding off an image.

        Args:
            image: `(batch, padded_height, padded_width, channels)`.
            label_map: the raw label map, `(batch, height, width)`.

        Returns:
            `(batch, height, width, channels)`.
        """
        size = tf.shape(label_map)
        return image[:, : size[1], : size[2]]

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "use_instances": self.use_instances,
            "size_multiple": self.size_multiple,
            "size_minimum": self.size_minimum,
            "ignore_ids": self.ignore_ids,
        }

    def replace_ignored(self, label_map):
        """Replaces ignored ids by the last class, which stands for them.

        Args:
            label_map: tensor of integers.
        """
        dtype = label_map.dtype
        for number in self.ignore_ids:
            if dtype.min <= number <= dtype.max:
                last = tf.cast(self.num_classes - 1, dtype)
                is_ignored = label_map == tf.cast(number, dtype)
                label_map = tf.where(is_ignored, last, label_map)
        return label_map

    def _check_label_ids(self, label_map):
        label_map = self.replace_ignored(label_map)
        # Without the check, an id that is too large would give a pixel whose
        # class channels are all 0.
        message = (
            f"A label id is outside 0..{self.num_classes - 1}: this model has "
            f"{self.num_classes} classes. Correct the label map, or make the "
            "model with more classes."
        )
        num_classes = tf.cast(self.num_classes, label_map.dtype)
        check = tf.debugging.assert_less(label_map, num_classes, message)
        label_map = _after(check, label_map)
        check = tf.debugging.assert_non_negative(label_map, message)
        return _after(check, label_map)


def _check_instance_ids(instance_map):
    message = (
        "An id of `instance_map` is outside of int32. Give each object an id "
        "below 2**31."
    )
    check = tf.debugging.assert_equal(
        instance_map,
        tf.cast(tf.cast(instance_map, tf.int32), tf.int64),
        message,
    )
    return _after(check, instance_map)


def _with_size_of(image, label_map, name):
    check = tf.debugging.assert_equal(
        tf.shape(image)[:3],
        tf.shape(label_map)[:3],
        f"`{name}` and `label_map` differ in batch, height or width. Resize "
        "them alike.",
    )
    return _after(check, image)


def _after(check, tensor):
    """Returns the tensor, computed only after the check has passed."""
    if check is None:  # In eager mode the check has run already.
        return tensor
    with tf.control_dependencies([check]):
        return tf.identity(tensor)


def instances_or_labels(instance_map, label_map):
    """Returns each example's instance map, or its label map without one.

    Args:
        instance_map: `(batch, height, width)`, integers, or None. An example
            whose ids are all 0 has no instance map.
        label_map: the same shape and dtype.
    """
    if instance_map is None:
        return label_map
    is_given = tf.reduce_any(instance_map != 0, axis=(1, 2), keepdims=True)
    return tf.where(is_given, instance_map, label_map)
