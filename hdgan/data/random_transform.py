"""Random zoom, rotation and color of scenes, exact for ids."""

import dataclasses
import math

import tensorflow as tf

# Weights of red, green and blue in brightness (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


@dataclasses.dataclass(frozen=True)
class RandomTransform:
    """Changes a scene at random, all its maps and the photo together.

    Label map, instance map and style map move by nearest neighbor, so that ids
    stay exact; the photo moves bilinearly. What comes in from outside is
    mirrored. Colors change in the photo alone. The change is a function of a
    seed, so that a resumed training sees the same.

    Args:
        zoom: float in [0, 1). Sides are scaled by a factor between `1 - zoom`
            and `1 / (1 - zoom)`. Defaults to 0.
        rotation: float in [0, 180], largest angle in degrees, either way.
            Defaults to 0.
        color: float in [0, 1). Brightness, contrast and saturation are
            multiplied by factors between `1 - color` and `1 + color`. Defaults
            to 0.

    Raises:
        ValueError: if a number is out of range.

    Example:
        >>> transform = RandomTransform(zoom=0.2, rotation=5, color=0.2)
        >>> dataset = make_dataset(scenes, resizing, transform=transform)
    """

    zoom: float = 0.0
    rotation: float = 0.0
    color: float = 0.0

    def __post_init__(self):
        for name, limit, is_open in (
            ("zoom", 1, True),
            ("rotation", 180, False),
            ("color", 1, True),
        ):
            value = getattr(self, name)
            if not 0 <= value <= limit or (is_open and value == limit):
                raise ValueError(
                    f"`{name}` must be in [0, {limit}{')' if is_open else ']'}."
                    f" Received: {value!r}"
                )

    @property
    def does_something(self):
        """bool, whether any number is above 0."""
        return bool(self.zoom or self.rotation or self.color)

    def apply(self, scene, seed):
        """Changes a scene.

        Args:
            scene: dict of tensors `(height, width, channels)`: uint8 for
                images and `style_map`, int32 for label and instance maps.
            seed: int64 tensor `(2,)`.

        Returns:
            Dict of tensors of the same shapes and dtypes.
        """
        draws = tf.unstack(tf.random.stateless_uniform((5,), seed, -1.0, 1.0))
        if self.zoom or self.rotation:
            matrix = self._draw_matrix(scene["label_map"], *draws[:2])
            scene = {
                key: _move(array, matrix, _is_image(key, array))
                for key, array in scene.items()
            }
        if self.color and "photo" in scene:
            photo = self._change_color(scene["photo"], *draws[2:])
            scene = {**scene, "photo": photo}
        return scene

    def _draw_matrix(self, image, zoom, angle):
        """Returns the eight numbers that map output to input pixels."""
        scale = tf.pow(1.0 - self.zoom, zoom)
        angle = angle * self.rotation * math.pi / 180
        cosine, sine = tf.cos(angle) * scale, tf.sin(angle) * scale
        size = tf.cast(tf.shape(image)[:2], tf.float32)
        y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
        zero = tf.zeros(())
        # About the middle of the image.
        return tf.stack(
            [
                cosine,
                -sine,
                x - cosine * x + sine * y,
                sine,
                cosine,
                y - sine * x - cosine * y,
                zero,
                zero,
            ]
        )

    def _change_color(self, photo, brightness, contrast, saturation):
        image = tf.cast(photo, tf.float32) * (1 + self.color * brightness)
        mean = tf.reduce_mean(image)
        image = mean + (image - mean) * (1 + self.color * contrast)
        gray = tf.tensordot(image, tf.constant(_LUMA), 1)[..., None]
        image = gray + (image - gray) * (1 + self.color * saturation)
        return tf.saturate_cast(tf.round(image), tf.uint8)


def _is_image(key, array):
    # A blend of two styles is the style of neither.
    return array.dtype == tf.uint8 and key != "style_map"


def _move(array, matrix, is_image):
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=(tf.cast(array, tf.float32) if is_image else array)[None],
        transforms=matrix[None],
        output_shape=tf.shape(array)[:2],
        interpolation="BILINEAR" if is_image else "NEAREST",
        fill_mode="REFLECT",
        fill_value=0.0,
    )[0]
    if is_image:
        moved = tf.saturate_cast(tf.round(moved), tf.uint8)
    return tf.ensure_shape(moved, array.shape)
