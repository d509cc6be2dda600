"""PNG and JPEG inside of served graphs."""

import tensorflow as tf

from hdgan.data.png import decode_grey, grey_bits, has_end, is_png, png_size
from hdgan.serving.checks import refuse_first, too_large


class ImageCodec:
    """Decodes the files of scenes, and encodes photographs.

    Args:
        model: `Pix2PixHD`.
        options: `ServingOptions`.
    """

    def __init__(self, model, options):
        self._model = model
        self._options = options

    @property
    def label_dtype(self):
        """Of label maps: what holds the ids of all classes, or colours."""
        num_labels = len(self._model.labels or ())
        return tf.uint8 if num_labels <= 256 else tf.int32

    def decode_scene(self, names, contents):
        """Decodes a scene's files.

        Args:
            names: list of str, the maps: `label_map`, `instance_map` and what
                else there is.
            contents: list of string scalars, in that order; that of the
                instance map may be empty.

        Returns:
            List of `(1, height, width)` or `(1, height, width, channels)`:
            int32 instance maps, label maps of `label_dtype`, uint8 all others.

        Raises:
            InvalidArgumentError: when run, if a file is of another kind, too
                large or damaged, or a label id has no class.
        """
        decoded = {
            name: self._decode(name, content)
            for name, content in zip(names, contents, strict=True)
        }
        decoded["instance_map"] = self._or_zeros(
            decoded["instance_map"], decoded["label_map"]
        )
        return [decoded[name][None] for name in names]

    def encode(self, image):
        """Returns a photo, uint8 `(height, width, 3)`, as a file's contents."""
        if self._options.image_format == "png":
            return tf.io.encode_png(image)
        return tf.io.encode_jpeg(image, quality=self._options.jpeg_quality)

    def _decode(self, name, contents):
        """Decodes one file to `(height, width)` or `(height, width, 3)`."""
        source = f"`{bytes_name(name)}`"
        is_rgb = name == "label_map" and self._model.labels is None
        if name in ("photo", "style_map") or is_rgb:
            channels = 3
            if name == "style_map":
                channels = self._model.style_map_channels
            return self._decode_image(source, contents, channels)
        if name == "instance_map":
            return tf.cond(
                contents == "",
                lambda: tf.zeros((0, 0), tf.int32),
                lambda: self._decode_ids(source, contents),
            )
        ids = self._decode_ids(source, contents)
        num_labels = len(self._model.labels)
        # Before ids of 16 bits are cut to 8.
        check = refuse_first(
            (
                tf.reduce_any(ids >= num_labels),
                f"{source} holds a label id outside 0..{num_labels - 1}: this "
                f"model has {num_labels} classes.",
            )
        )
        with tf.control_dependencies([check]):
            return tf.cast(ids, self.label_dtype)

    def _decode_image(self, source, contents, channels):
        is_jpeg = tf.io.is_jpeg(contents)
        check = refuse_first(
            (
                ~is_png(contents) & ~is_jpeg,
                f"{source} is no PNG or JPEG. Send the contents of such a "
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
        return tf.cond(
            is_jpeg,
            lambda: tf.io.decode_jpeg(
                contents, channels, dct_method="INTEGER_ACCURATE"
            ),
            lambda: tf.io.decode_png(contents, channels),
        )

    def _decode_ids(self, source, contents):
        """Decodes a PNG of ids to int32 `(height, width)`."""
        bits = grey_bits(contents)
        check = refuse_first(
            (
                ~is_png(contents),
                f"{source} is no PNG. Send the contents of a PNG file.",
            ),
            (
                ~has_end(contents),
                f"{source} is cut short. Send the whole file.",
            ),
            (
                bits == 0,
                f"{source} is no grey PNG of 8 or 16 bits. Send ids as grey "
                "values: no palette, no colours, no alpha.",
            ),
            too_large(source, png_size(contents), self._options.max_pixels),
        )
        with tf.control_dependencies([check]):
            return decode_grey(tf.identity(contents), bits)[..., 0]

    def _or_zeros(self, instance_map, label_map):
        size = tf.shape(label_map)[:2]
        return tf.cond(
            tf.size(instance_map) > 0,
            lambda: instance_map,
            lambda: tf.zeros(size, tf.int32),
        )


def bytes_name(name):
    """Returns what the input for the file of a map is called."""
    return f"{name.removesuffix('_map')}_bytes"
