"""Synthesis of photographs from NumPy arrays."""

import keras
import numpy as np
import tensorflow as tf

from hdgan.checks import check_integer_array, check_range
from hdgan.layers import dropout_noise


def to_uint8(image):
    """Converts images from [-1, 1] to uint8 0..255, rounded to the nearest.

    Args:
        image: float tensor of any shape. Values outside [-1, 1] are clipped.
    """
    return tf.saturate_cast(tf.round((image + 1.0) * 127.5), tf.uint8)


class Synthesizer:
    """Checks NumPy maps, runs the model as a graph and returns NumPy photos.

    One graph serves all image sizes. The first call with a noise seed traces a
    second graph, in which dropout is on.

    Its call arguments are those of `LabelToPhotoModel.synthesize`, which
    describes them.

    Args:
        model: `LabelToPhotoModel`.
    """

    def __init__(self, model):
        self._model = model
        self._graph = tf.function(self._run, reduce_retracing=True)
        self._noisy_graph = tf.function(self._run_noisy, reduce_retracing=True)
        self._seed_generator = None

    def __call__(
        self,
        label_map,
        instance_map,
        style_photo,
        style_map,
        noise_seed,
        style_seed,
    ):
        label_map, is_single = self._check_label_map(label_map)
        inputs = {"label_map": label_map.astype("int32")}
        if self._model.labels is None:
            inputs["label_map"] = label_map.astype("uint8")
        size = label_map.shape[:3]
        if instance_map is not None:
            inputs["instance_map"] = _check_map(
                "instance_map", instance_map, size, is_single
            ).astype("int32")
        if style_photo is not None:
            if self._model.encoder is None:
                raise ValueError(
                    "A style photo was given, but this model has no encoder, "
                    "which finds the style of a photo. Leave it out, or make "
                    "and train a model with an encoder."
                )
            inputs["photo"] = _check_map(
                "style_photo", style_photo, (*size, 3), is_single
            ).astype("uint8")
        if style_map is not None:
            inputs["style_map"] = self._check_style_map(
                style_map, size, is_single
            )
        if style_seed is not None:
            inputs.pop("photo", None)
            inputs["style_map"] = self._draw_styles(inputs, style_seed)
        if noise_seed is None:
            photos = self._graph(inputs).numpy()
        else:
            photos = self._draw(inputs, noise_seed)
        return photos[0] if is_single else photos

    def _draw_styles(self, inputs, style_seed):
        label_maps = inputs["label_map"]
        instance_maps = inputs.get("instance_map", [None] * len(label_maps))
        return np.stack(
            [
                self._model.draw_style_map(label_map, instance_map, style_seed)
                for label_map, instance_map in zip(
                    label_maps, instance_maps, strict=True
                )
            ]
        )

    def _draw(self, inputs, noise_seed):
        if not self._model.generator.dropout_rate:
            raise ValueError(
                "A noise seed was given, but this generator was trained "
                "without dropout: every seed would give the same photograph. "
                "Leave it out, or train with a dropout rate above 0."
            )
        if self._seed_generator is None:
            self._seed_generator = keras.random.SeedGenerator(0)
        self._seed_generator.state.assign([noise_seed, 0])
        return self._noisy_graph(inputs).numpy()

    def _run(self, inputs):
        return to_uint8(self._model(inputs, training=False))

    def _run_noisy(self, inputs):
        with dropout_noise(self._seed_generator):
            return self._run(inputs)

    def _check_label_map(self, label_map):
        label_map = np.asarray(label_map)
        labels = self._model.labels
        rank = 3 if labels is None else 2
        kind = "an RGB image" if labels is None else "a label map"
        if label_map.ndim not in (rank, rank + 1) or 0 in label_map.shape:
            raise ValueError(
                f"Expected {kind} with {rank} axes, or {rank + 1} for a batch, "
                f"none of length 0. Received: shape {label_map.shape}"
            )
        if labels is None:
            check_range("`label_map`", label_map, 255)
        else:
            check_range(
                "`label_map`",
                label_map,
                len(labels) - 1,
                "label ids",
                f"This model has {len(labels)} classes.",
            )
        is_single = label_map.ndim == rank
        return (label_map[None] if is_single else label_map), is_single

    def _check_style_map(self, style_map, size, is_single):
        channels = self._model.style_channels
        if not channels:
            raise ValueError(
                "A style map was given, but this model's generator takes no "
                "styles. Leave it out, or make and train a model with "
                "`styles`."
            )
        size = (size[0], *self._model.style_map_size(*size[1:]))
        style_map = np.asarray(style_map)
        if np.issubdtype(style_map.dtype, np.floating):
            checked = _check_shape(
                "style_map", style_map, (*size, channels), is_single
            )
            limit = self._model.style_limit
            largest = np.abs(checked).max()
            if not np.isfinite(largest) or (limit and largest > limit):
                raise ValueError(
                    "`style_map` must hold finite numbers"
                    f"{f' in [-{limit:g}, {limit:g}]' if limit else ''}. "
                    f"Received: floats up to {largest}"
                )
            return checked.astype("float32")
        if self._model.style_limit is None:
            raise ValueError(
                "`style_map` of this model must hold floats. Received: "
                f"{style_map.dtype}"
            )
        return _check_map(
            "style_map", style_map, (*size, channels), is_single
        ).astype("uint8")


def _check_shape(name, array, shape, is_single):
    array = np.asarray(array)
    # Without the axis of the batch where the label map has none.
    expected = shape[1:] if is_single else shape
    if array.shape != expected:
        raise ValueError(
            f"`{name}` of this label map must have shape {expected}. "
            f"Received: shape {array.shape}"
        )
    return array[None] if is_single else array


def _check_map(name, array, shape, is_single):
    array = _check_shape(name, array, shape, is_single)
    check_integer_array(f"`{name}`", array)
    return array
