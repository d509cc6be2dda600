"""DiffAugment: random transformations of what the discriminator sees."""

import keras
import tensorflow as tf

from hdgan.layers.kernels import recompute_from

TRANSFORMATIONS = ("color", "translation", "cutout")

# The ranges of Zhao et al., 2020, section 4.
_BRIGHTNESS = 0.5
_SATURATION = (0.0, 2.0)
_CONTRAST = (0.5, 1.5)
_LARGEST_SHIFT = 1 / 8
_CUTOUT = 1 / 2
# Brightness, saturation, contrast; shifts and centres of the cutout, vertically
# and horizontally.
_NUM_DRAWS = 7


class DiffAugment:
    """Transforms what the discriminator sees, photos and fakes alike.

    A discriminator that is trained on few photographs learns them by heart.
    Zhao et al., 2020, "Differentiable Augmentation for Data-Efficient GAN
    Training", equations 2 and 3: photo and fake are transformed at random in
    the updates of both networks, and the generator's gradient passes through.
    Only the discriminator's inputs change, so the generator does not learn to
    make transformed photographs.

    - `"color"` changes brightness by up to 0.5 of [-1, 1], saturation by a
      factor in [0, 2] and contrast by one in [0.5, 1.5].
    - `"translation"` moves by up to an eighth of the height and of the width;
      what comes in is 0.
    - `"cutout"` sets a rectangle to 0 whose sides are half of the image's. Its
      centre is any pixel, so a part of it may lie outside.

    The paper's discriminator sees an image alone. Here it sees pairs of
    condition and image, whose pixels must stay aligned: a translation moves
    both by the same shift, and pixels that come in belong to no class. Color
    and cutout change the image only, as the condition's values have a meaning.

    All inputs of one step share their draws: photo and fake of an example have
    the same transformation, so that feature matching compares the same pixels.
    Replicas draw what one device would draw for the whole batch.

    Args:
        transformations: collection of `"color"`, `"translation"` and
            `"cutout"`, applied in this order whatever theirs is.
        seed_generator: `keras.random.SeedGenerator`, the source of the draws.
            A checkpoint has to hold its state.

    Raises:
        ValueError: if a transformation is unknown.

    Example:
        >>> augment = DiffAugment(["color"], keras.random.SeedGenerator(0))
        >>> draws = augment.draw(2)
        >>> seen = augment.transform_image(photo, draws)
    """

    def __init__(self, transformations, seed_generator):
        self.transformations = check_transformations(transformations)
        self.seed_generator = seed_generator

    def draw(self, num_examples):
        """Draws the transformations of a replica's examples.

        Call this once per step, in each replica.

        Args:
            num_examples: int or int32 scalar, examples of this replica.

        Returns:
            Float32 `(num_examples, 7)` in [0, 1).
        """
        replica = tf.distribute.get_replica_context()
        number = replica.replica_id_in_sync_group
        # Each replica has the same state, and takes its own rows.
        draws = keras.random.uniform(
            (num_examples * replica.num_replicas_in_sync, _NUM_DRAWS),
            dtype="float32",
            seed=self.seed_generator,
        )
        return draws[number * num_examples : (number + 1) * num_examples]

    def transform_image(self, image, draws):
        """Transforms photos or fakes.

        Args:
            image: float32 `(batch, height, width, 3)` in [-1, 1].
            draws: from `draw`.

        Returns:
            Float32 of the same shape; colors may leave [-1, 1].
        """
        if "color" in self.transformations:
            image = _change_colors(image, draws[:, :3])
        if "translation" in self.transformations:
            image = _translate(image, _find_shifts(image, draws))
        if "cutout" in self.transformations:
            image = _cut_out(image, draws[:, 5:])
        return image

    def transform_condition(self, condition, draws):
        """Moves the maps that the discriminator sees beside the image.

        Args:
            condition: tensor `(batch, height, width, channels)`.
            draws: from `draw`.

        Returns:
            Tensor of the same shape and dtype.
        """
        if "translation" not in self.transformations:
            return condition
        shifts = _find_shifts(condition, draws)
        # Nothing trains through the condition. It has many channels, so it is
        # computed again for the discriminator's gradient instead of kept.
        return recompute_from(lambda maps: _move(maps, shifts), condition)


def check_transformations(transformations):
    """Returns transformations as a tuple, in the order of their application.

    Args:
        transformations: collection of `TRANSFORMATIONS`.

    Raises:
        ValueError: if it is something else.
    """
    is_collection = isinstance(transformations, (list, tuple, set, frozenset))
    if not is_collection or set(transformations) - set(TRANSFORMATIONS):
        raise ValueError(
            "`diffaugment` must be a list of some of "
            f"{', '.join(TRANSFORMATIONS)}. Received: {transformations!r}"
        )
    return tuple(t for t in TRANSFORMATIONS if t in transformations)


def _change_colors(image, draws):
    """Changes brightness, saturation and contrast of each example."""
    brightness, saturation, contrast = (
        draw[:, None, None, None] for draw in tf.unstack(draws, axis=1)
    )
    image += (2.0 * brightness - 1.0) * _BRIGHTNESS
    gray = tf.reduce_mean(image, axis=-1, keepdims=True)
    image = gray + (image - gray) * _scale(saturation, *_SATURATION)
    mean = tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True)
    return mean + (image - mean) * _scale(contrast, *_CONTRAST)


def _scale(draw, lowest, highest):
    return lowest + draw * (highest - lowest)


def _find_shifts(image, draws):
    """Returns int32 `(batch, 2)`, shifts down and to the right in pixels."""
    size = tf.cast(tf.shape(image)[1:3], tf.float32)
    largest = tf.round(size * _LARGEST_SHIFT)
    shifts = tf.floor(draws[:, 3:5] * (2.0 * largest + 1.0)) - largest
    return tf.cast(shifts, tf.int32)


@tf.custom_gradient
def _translate(image, shifts):
    """Moves each example; its gradient moves back.

    TensorFlow's own gradient of `gather` would add up pixel by pixel, though
    no two pixels come from the same one.
    """

    def backward(gradient):
        return _move(gradient, -shifts), None

    return _move(image, shifts), backward


def _move(image, shifts):
    """Moves each example without a gradient."""
    shape = image.shape
    are_inside = []
    for axis in (1, 2):
        side = tf.shape(image)[axis]
        sources = tf.range(side) - shifts[:, axis - 1, None]
        are_inside.append((sources >= 0) & (sources < side))
        sources = tf.clip_by_value(sources, 0, side - 1)
        image = tf.gather(image, sources, axis=axis, batch_dims=1)
    rows, columns = are_inside
    mask = tf.cast(rows[:, :, None] & columns[:, None, :], image.dtype)
    return tf.ensure_shape(image * mask[..., None], shape)


def _cut_out(image, draws):
    """Sets a rectangle of each example to 0."""
    height, width = tf.unstack(tf.shape(image)[1:3])
    rows = _is_cut(height, draws[:, 0])[:, :, None, None]
    columns = _is_cut(width, draws[:, 1])[:, None, :, None]
    return tf.where(rows & columns, tf.zeros_like(image), image)


def _is_cut(side, draws):
    """Returns bool `(batch, side)`, whether a row or column is cut."""
    side = tf.cast(side, tf.float32)
    length = tf.round(side * _CUTOUT)
    first = tf.floor(draws * side) - tf.floor(length / 2)
    pixels = tf.range(side)
    return (pixels >= first[:, None]) & (pixels < first[:, None] + length)
