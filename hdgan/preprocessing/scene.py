"""The tensors that go into the networks and come out of the generator."""

import typing

import tensorflow as tf


class Scene(typing.NamedTuple):
    """A batch of preprocessed maps and photos, padded to the same size.

    `height` and `width` below are the padded ones, multiples of what the
    networks need. Only `maps` has the original size.

    Args:
        maps: dict of the raw `label_map` and, if given, the raw
            `instance_map`.
        condition: `(batch, height, width, channels)`, one channel per class,
            then the boundary map. A model without labels has RGB in [-1, 1]
            instead of the class channels.
        region_map: int32 `(batch, height, width)`, the instance ids. None for
            RGB input without an instance map.
        style: where the generator takes its style from: the encoder's inputs,
            a style map, or None. Defaults to None.
        photo: float32 `(batch, height, width, 3)` in [-1, 1]. Defaults to None.
    """

    maps: dict
    condition: tf.Tensor
    region_map: tf.Tensor | None
    style: object = None
    photo: tf.Tensor | None = None


class Generated(typing.NamedTuple):
    """The output of a generator.

    Args:
        image: float32 `(batch, height, width, 3)` in [-1, 1], the fakes.
        latents: dict of tensors that loss terms may read, such as the mean and
            the log variance of a style. Defaults to an empty dict.
    """

    image: tf.Tensor
    latents: dict = {}  # noqa: RUF012 (A NamedTuple's default; never written.)
