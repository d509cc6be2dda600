"""From raw maps and photos to what the networks see."""

import keras
import tensorflow as tf

from hdgan.layers import (
    BoundaryMap,
    EdgePadding,
    SemanticChannels,
    join_channels,
)
from hdgan.layers.one_hot_labels import squeeze_channel
from hdgan.preprocessing.scene import Scene


@keras.saving.register_keras_serializable(package="hdgan")
class ScenePreprocessing(keras.layers.Layer):
    """Codes a label map and an instance map as the generator's condition.

    One channel of 0 and 1 per class, then the boundary map: Wang et al., 2018,
    section 3.3. Training, synthesis and export all go through this layer.

    Args:
        num_classes: int; 0 means that the "label map" is an RGB image.
        use_instances: bool, whether the boundary map is added.
        size_multiple: int, what each side is padded to a multiple of.
        size_minimum: int, what each side is padded to at least.

    Call arguments:
        label_map: `(batch, height, width)`, integers below `num_classes`, or
            uint8 `(batch, height, width, 3)` if `num_classes` is 0.
        instance_map: `(batch, height, width)`, integers, or None. One that is
            None or holds only zeros is replaced by the label map, whose regions
            then count as instances.

    Returns:
        The condition, `(batch, padded_height, padded_width, channels)` in the
        compute dtype, and the padded instance map, int32 `(batch,
        padded_height, padded_width)`; None for RGB input without one.

    Raises:
        InvalidArgumentError: when run, if a label id is not below
            `num_classes` or is negative.
        ValueError: if the boundary map is asked for and there is nothing to
            make it from.

    Example:
        >>> preprocess = ScenePreprocessing(35, True, 16, 32)
        >>> condition, instances = preprocess(label_map, instance_map)
    """

    def __init__(
        self, num_classes, use_instances, size_multiple, size_minimum, **kwargs
    ):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)
        self.num_classes = num_classes
        self.use_instances = use_instances
        self.size_multiple = size_multiple
        self.size_minimum = size_minimum
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
        """Channels of the condition."""
        return (self.num_classes or 3) + bool(self.use_instances)

    def make_scene(self, label_map, instance_map=None):
        """Returns the `Scene` of raw maps, as of `call`."""
        maps = {"label_map": label_map}
        if instance_map is not None:
            maps["instance_map"] = instance_map
        return Scene(maps, *self(label_map, instance_map))

    def call(self, label_map, instance_map=None):
        if instance_map is not None:
            instance_map = self.pad_ids(instance_map)
        if not self.num_classes:
            label_map = self.pad(tf.convert_to_tensor(label_map))
        else:
            label_map = self._check_ids(self.pad_ids(label_map))
            instance_map = instances_or_labels(instance_map, label_map)
        if self.use_instances and instance_map is None:
            raise ValueError(
                "A boundary map needs an `instance_map`, as there are no "
                "labels. Received: None. Give one, or make the model with "
                "`use_instances=False`."
            )
        return self._condition(label_map, instance_map), instance_map

    def _condition(self, label_map, instance_map):
        """Returns the condition of maps that are padded and checked."""
        if self.num_classes:
            return self.channels(label_map, instance_map)
        image = tf.cast(self.to_unit(label_map), self.compute_dtype)
        if not self.use_instances:
            return image
        return join_channels([image, self.boundary(instance_map)])

    def pad_ids(self, id_map):
        """Pads a raw label or instance map.

        Args:
            id_map: integers, `(batch, height, width)`.

        Returns:
            int32 `(batch, padded_height, padded_width)`.
        """
        id_map = squeeze_channel(tf.convert_to_tensor(id_map))
        return self.pad(tf.cast(id_map, tf.int32))

    def normalize_photo(self, photo, label_map):
        """Codes photos for the networks.

        Args:
            photo: `(batch, height, width, 3)`, 0..255, uint8 or floating.
            label_map: the raw label map, whose size the photo must have.

        Returns:
            Float32 `(batch, padded_height, padded_width, 3)` in [-1, 1].

        Raises:
            InvalidArgumentError: when run, if the sizes differ, or a floating
                photo is not in 0..255 but in [0, 1] or [-1, 1].
        """
        photo = tf.convert_to_tensor(photo)
        photo = _with_size_of(photo, label_map, "photo")
        if photo.dtype.is_floating:
            check = tf.debugging.assert_greater(
                tf.reduce_max(photo),
                tf.cast(1.5, photo.dtype),
                "`photo` must be 0..255, best as uint8; these are floats of at "
                "most 1. Multiply them by 255.",
            )
            photo = _after(check, photo)
        return self.to_unit(self.pad(photo))

    def normalize_style_map(self, style_map, label_map):
        """Codes features that come with the data.

        Args:
            style_map: `(batch, height, width, channels)`, uint8, 0..255 for
                [-1, 1], or floats in [-1, 1].
            label_map: the raw label map, whose size the features must have.

        Returns:
            Float32 `(batch, padded_height, padded_width, channels)` in [-1, 1].

        Raises:
            InvalidArgumentError: when run, if the sizes differ.
        """
        style_map = tf.convert_to_tensor(style_map)
        style_map = _with_size_of(style_map, label_map, "style_map")
        if style_map.dtype.is_floating:
            return tf.cast(self.pad(style_map), tf.float32)
        return self.to_unit(self.pad(style_map))

    def crop(self, image, label_map):
        """Cuts `image` back to the height and width of the raw label map."""
        size = tf.shape(label_map)
        return image[:, : size[1], : size[2]]

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "use_instances": self.use_instances,
            "size_multiple": self.size_multiple,
            "size_minimum": self.size_minimum,
        }

    def _check_ids(self, label_map):
        # Unchecked, an id too large would be coded as no class at all.
        message = (
            f"A label id is outside 0..{self.num_classes - 1}: this model has "
            f"{self.num_classes} classes. Correct the label map, or make the "
            "model with more classes."
        )
        check = tf.debugging.assert_less(label_map, self.num_classes, message)
        label_map = _after(check, label_map)
        check = tf.debugging.assert_non_negative(label_map, message)
        return _after(check, label_map)


def _with_size_of(image, label_map, name):
    check = tf.debugging.assert_equal(
        tf.shape(image)[:3],
        tf.shape(label_map)[:3],
        f"`{name}` and `label_map` differ in batch, height or width. Resize "
        "them alike.",
    )
    return _after(check, image)


def _after(check, tensor):
    """Returns a tensor that is there only if the check holds."""
    if check is None:  # Run eagerly, it has run already.
        return tensor
    with tf.control_dependencies([check]):
        return tf.identity(tensor)


def instances_or_labels(instance_map, label_map):
    """Returns each example's instance map, or its label map if it has none."""
    if instance_map is None:
        return label_map
    is_given = tf.reduce_any(instance_map != 0, axis=(1, 2), keepdims=True)
    return tf.where(is_given, instance_map, label_map)
