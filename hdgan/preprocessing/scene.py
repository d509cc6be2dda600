"""A batch of scenes as the networks see it."""

import typing

import tensorflow as tf


class Scene(typing.NamedTuple):
    """Preprocessed maps and photos, padded to the networks' multiple.

    Args:
        maps: dict of the raw `label_map` and, if there is one, `instance_map`.
        condition: `(batch, height, width, channels)`: one channel per class,
            then the boundary map. RGB in [-1, 1] in place of the classes for a
            model without labels.
        region_map: int32 `(batch, height, width)`, the instances; None for RGB
            input without an instance map.
        style: source of the generator's style: the encoder's inputs, a style
            map, or None.
        photo: float32 `(batch, height, width, 3)` in [-1, 1], or None.
    """

    maps: dict
    condition: tf.Tensor
    region_map: tf.Tensor | None
    style: object = None
    photo: tf.Tensor | None = None


class Generated(typing.NamedTuple):
    """Output of a generator.

    Args:
        image: float32 `(batch, height, width, 3)` in [-1, 1].
        latents: dict of tensors that loss terms may read, such as the mean and
            the log variance of a style.
    """

    image: tf.Tensor
    latents: dict = {}  # noqa: RUF012 (A NamedTuple's default; never written.)
