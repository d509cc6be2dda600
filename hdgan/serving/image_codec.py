"""PNG and JPEG inside served graphs."""

import tensorflow as tf

from hdgan.serving.checks import refuse_first, too_large
from hdgan.serving.exif import read_orientation, swaps_sides, turn_upright
from hdgan.serving.png import decode_grey, grey_bits, has_end, is_png, png_size


class ImageCodec:
    """Decodes the files of scenes, and encodes photographs.

    Args:
        model: `LabelToPhotoModel`.
        options: `ServingOptions`.
    """

    def __init__(self, model, options):
        self._model = model
        self._options = options

    @property
    def label_dtype(self):
        """The dtype of label maps, which holds all class ids or RGB values."""
        num_labels = len(self._model.labels or ())
        return tf.uint8 if num_labels <= 256 else tf.int32

    def decode_scene(self, names, contents):
        """Decodes a scene's files.

        Images are turned upright by their Exif orientation; maps of ids are
        not.

        Args:
            names: list of str, the names of the maps, among them `label_map`
                and `instance_map`.
            contents: list of string scalars, the files in that order. The
                instance map may be empty; it is then zeros.

        Returns:
            List of tensors `(1, height, width)` or `(1, height, width,
            channels)`: label maps of `label_dtype`, int32 instance maps, and
            uint8 images.

        Raises:
            InvalidArgumentError: when run, if a file has another format, is too
                large or damaged, a label id has no class, or an image has the
                size of the label map only before it is turned.
        """
        decoded, orientations = {}, {}
        for name, content in zip(names, contents, strict=True):
            if self._is_image(name):
                decoded[name], orientations[name] = self._decode_image(
                    name, content
                )
            else:
                decoded[name] = self._decode_map(name, content)
        size = tf.shape(decoded["label_map"])[:2]
        decoded["instance_map"] = self._or_zeros(decoded["instance_map"], size)
        check = refuse_first(
            *(
                _fits_unturned(name, decoded[name], orientation, size)
                for name, orientation in orientations.items()
            )
        )
        with tf.control_dependencies([check]):
            return [tf.identity(decoded[name][None]) for name in names]

    def encode(self, image):
        """Encodes a photo, uint8 `(height, width, 3)`, as a PNG or JPEG."""
        if self._options.image_format == "png":
            return tf.io.encode_png(image)
        return tf.io.encode_jpeg(image, quality=self._options.jpeg_quality)

    def _is_image(self, name):
        is_rgb = name == "label_map" and self._model.labels is None
        return is_rgb or name in ("photo", "style_map")

    def _decode_map(self, name, contents):
        """Decodes a map of ids to `(height, width)`."""
        source = f"`{bytes_name(name)}`"
        if name == "instance_map":
            return tf.cond(
                contents == "",
                lambda: tf.zeros((0, 0), tf.int32),
                lambda: self._decode_ids(source, contents),
            )
        ids = self._decode_ids(source, contents)
        ids = self._model.preprocessing.replace_ignored(ids)
        num_labels = len(self._model.labels)
        # Checked before the cast, which would wrap ids of 16 bits.
        check = refuse_first(
            (
                tf.reduce_any(ids >= num_labels),
                f"{source} holds a label id outside 0..{num_labels - 1}: this "
                f"model has {num_labels} classes.",
            )
        )
        with tf.control_dependencies([check]):
            return tf.cast(ids, self.label_dtype)

    def _decode_image(self, name, contents):
        """Returns `(height, width, channels)`, upright, and the orientation."""
        source = f"`{bytes_name(name)}`"
        channels = 3
        if name == "style_map":
            channels = self._model.style_map_channels
        is_jpeg = tf.io.is_jpeg(contents)
        check = refuse_first(
            (
                ~is_png(contents) & ~is_jpeg,
                f"{source} is not a PNG or JPEG. Send the contents of such a "
                "file.",
            ),
            (
                is_png(contents) & ~has_end(contents),
                f"{source} is cut short. Send the whole file.",
            ),
        )
        with tf.control_dependencies([check]):
            contents = tf.identity(contents)
        size = tf.cond(
            is_jpeg,
            lambda: tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64),
            lambda: png_size(contents),
        )
        check = refuse_first(too_large(source, size, self._options.max_pixels))
        with tf.control_dependencies([check]):
            contents = tf.identity(contents)
        image = tf.cond(
            is_jpeg,
            lambda: tf.io.decode_jpeg(
                contents, channels, dct_method="INTEGER_ACCURATE"
            ),
            lambda: tf.io.decode_png(contents, channels),
        )
        orientation = read_orientation(contents)
        return turn_upright(image, orientation), orientation

    def _decode_ids(self, source, contents):
        """Decodes a PNG of ids to int32 `(height, width)`."""
        bits = grey_bits(contents)
        check = refuse_first(
            (
                ~is_png(contents),
                f"{source} is not a PNG. Send the contents of a PNG file.",
            ),
            (
                ~has_end(contents),
                f"{source} is cut short. Send the whole file.",
            ),
            (
                bits == 0,
                f"{source} is not a gray PNG of 8 or 16 bits. Send ids as gray "
                "values, without a palette, colors or alpha.",
            ),
            too_large(source, png_size(contents), self._options.max_pixels),
        )
        with tf.control_dependencies([check]):
            return decode_grey(tf.identity(contents), bits)[..., 0]

    def _or_zeros(self, instance_map, size):
        return tf.cond(
            tf.size(instance_map) > 0,
            lambda: instance_map,
            lambda: tf.zeros(size, tf.int32),
        )


def _fits_unturned(name, image, orientation, size):
    """Returns the problem that only the stored image has the expected size."""
    upright_size = tf.shape(image)[:2]
    return (
        swaps_sides(orientation)
        & tf.reduce_any(upright_size != size)
        & tf.reduce_all(upright_size[::-1] == size),
        f"`{bytes_name(name)}` has the size of `label_bytes` only before its "
        "Exif orientation swaps height and width. Turn the maps, too, or "
        "remove the orientation from the file.",
    )


def bytes_name(name):
    """Returns the name of the input that takes a map as a file."""
    return f"{name.removesuffix('_map')}_bytes"
