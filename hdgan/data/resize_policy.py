"""The resize modes of the original PyTorch code."""

import dataclasses

import tensorflow as tf

from hdgan.checks import check_integers
from hdgan.data.resize_modes import MODES


@dataclasses.dataclass(frozen=True)
class ResizePolicy:
    """Resizes and crops scenes to the size that a network is trained at.

    Photos are resized bicubically with antialiasing; label, instance and
    style maps by nearest neighbor.

    Args:
        mode: str, one of:
            `"scale_width"`: scale to a width of `load_size` and a height of
            `int(load_size * height / width)`.
            `"scale_width_and_crop"`: the same, then crop a random square of
            `crop_size`.
            `"resize_and_crop"`: resize to a square of `load_size`, then crop.
            `"crop"`: only crop.
            `"none"`: resize each side to the nearest multiple of
            `size_multiple`.
            Defaults to `"scale_width"`.
        load_size: int >= 1, pixels. Defaults to 1024.
        crop_size: int >= 1, pixels. Defaults to 512.
        size_multiple: int >= 1, the divisor that the networks require of each
            side, for `"none"`. Defaults to 16.
        shrink: int >= 1, factor by which all sizes are divided, crops included.
            Defaults to 1.

    Raises:
        ValueError: if the mode is unknown, or a size is not an integer >= 1.

    Example:
        >>> resizing = ResizePolicy("scale_width_and_crop", 1024, 512)
        >>> resizing.final_size(1024, 2048)
        (512, 512)
    """

    mode: str = "scale_width"
    load_size: int = 1024
    crop_size: int = 512
    size_multiple: int = 16
    shrink: int = 1

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(
                f"The resize mode must be one of {MODES}. "
                f"Received: {self.mode!r}"
            )
        check_integers(
            load_size=self.load_size,
            crop_size=self.crop_size,
            size_multiple=self.size_multiple,
            shrink=self.shrink,
        )

    @property
    def crops(self):
        """Whether the mode crops scenes to a square."""
        return self.mode.endswith("crop")

    @property
    def crop_side(self):
        """The side of a crop, in pixels."""
        return max(self.crop_size // self.shrink, 1)

    def loaded_size(self, height, width):
        """Returns a scene's size before the crop.

        Args:
            height: int or int32 scalar, pixels.
            width: the same.

        Returns:
            `(height, width)` of the same type.
        """
        load_size = max(self.load_size // self.shrink, 1)
        if self.mode.startswith("scale_width"):
            return load_size * height // width, load_size
        if self.mode == "resize_and_crop":
            return load_size, load_size
        height, width = height // self.shrink, width // self.shrink
        if self.mode == "crop":
            return height, width
        return _round(height, self.size_multiple), _round(
            width, self.size_multiple
        )

    def final_size(self, height, width):
        """Returns a scene's size after resizing and cropping.

        Args:
            height: int, pixels.
            width: int, pixels.

        Returns:
            `(height, width)`.

        Raises:
            ValueError: if the scene is smaller than the crop, or nothing of it
                would be left.
        """
        loaded = self.loaded_size(height, width)
        if min(loaded) < 1:
            raise ValueError(
                f"A scene of {width}x{height} pixels (width x height) would be "
                f"{loaded[1]}x{loaded[0]} after resizing. Expected at least "
                "one pixel: choose a larger `load_size`, or another "
                "`resize_mode`."
            )
        if not self.crops:
            return loaded
        if min(loaded) < self.crop_side:
            raise ValueError(
                f"A scene of {width}x{height} pixels (width x height) is "
                f"{loaded[1]}x{loaded[0]} before the crop, too small to crop "
                f"{self.crop_side}x{self.crop_side} from. Choose a smaller "
                "`crop_size`, or a larger `load_size` with a `resize_mode` "
                "that scales."
            )
        return self.crop_side, self.crop_side

    def apply(self, scene, corner=(0.5, 0.5)):
        """Resizes and crops the maps and the photo of a scene.

        Args:
            scene: dict of tensors `(height, width, channels)`: uint8 for
                images and `style_map`, int32 for label and instance maps.
            corner: two floats in [0, 1), the position of the crop from top to
                bottom and from left to right. Defaults to the center.

        Returns:
            Dict of the resized tensors.
        """
        return self.crop(self.scale(scene), corner)

    def scale(self, scene):
        """Resizes a scene; the part of `apply` before the crop."""
        size = tf.shape(scene["label_map"])
        height, width = self.loaded_size(size[0], size[1])
        return {
            key: _resize(tensor, height, width, _is_image(key, tensor))
            for key, tensor in scene.items()
        }

    def crop(self, scene, corner=(0.5, 0.5)):
        """Crops a resized scene; the rest of `apply`."""
        if not self.crops:
            return scene
        size = tf.shape(scene["label_map"])
        crop = self.crop_side
        start = [
            tf.cast(share * tf.cast(side - crop + 1, tf.float32), tf.int32)
            for share, side in zip(corner, (size[0], size[1]), strict=True)
        ]
        return {
            key: tf.ensure_shape(
                tf.slice(tensor, [*start, 0], [crop, crop, -1]),
                (crop, crop, tensor.shape[-1]),
            )
            for key, tensor in scene.items()
        }


def _round(side, multiple):
    if isinstance(side, int):
        return max(round(side / multiple), 1) * multiple
    rounded = tf.cast(tf.round(side / multiple), tf.int32)
    return tf.maximum(rounded, 1) * multiple


def _is_image(key, tensor):
    # Style maps are constant over each instance: blending at a border would
    # give styles of neither instance.
    return tensor.dtype == tf.uint8 and key != "style_map"


def _resize(tensor, height, width, is_image):
    """Resizes an image bicubically, ids and styles by nearest neighbor."""

    def resize():
        if not is_image:
            return tf.image.resize(tensor, (height, width), method="nearest")
        image = tf.image.resize(
            tensor, (height, width), method="bicubic", antialias=True
        )
        return tf.saturate_cast(tf.round(image), tf.uint8)

    size = tf.shape(tensor)
    is_same = (size[0] == height) & (size[1] == width)
    result = tf.cond(is_same, lambda: tensor, resize)
    return tf.ensure_shape(result, (None, None, tensor.shape[-1]))
