"""Synthesis of photographs from NumPy arrays."""

import keras
import numpy as np
import tensorflow as tf

from hdgan.checks import check_integer_array, check_range, drop_channel
from hdgan.layers import dropout_noise

_INT32 = np.iinfo(np.int32)
_PHOTO_ADVICE = "Scale it to 0..255 and convert it to uint8."


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
            inputs["instance_map"] = _check_instance_map(
                instance_map, size, is_single
            )
        if style_photo is not None:
            if self._model.encoder is None:
                raise ValueError(
                    "A style photo was given, but this model has no encoder, "
                    "which finds the style of a photo. Leave it out, or make "
                    "and train a model with an encoder."
                )
            inputs["photo"] = _check_levels(
                "style_photo", style_photo, (*size, 3), is_single
            )
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
        if labels is None:
            image = label_map
            if image.ndim not in (3, 4) or image.shape[-1] != 3:
                raise ValueError(
                    "`label_map` of a model without labels must be an RGB "
                    "image, (height, width, 3) or (batch, height, width, 3). "
                    f"Received: shape {image.shape}"
                )
            is_single = image.ndim == 3
            check_integer_array("`label_map`", image, _PHOTO_ADVICE)
            highest, kind, advice = 255, "values", _PHOTO_ADVICE
        else:
            label_map = _drop_channel("label_map", label_map)
            label_map = labels.replace_ignored(label_map)
            is_single = label_map.ndim == 2
            highest, kind = len(labels) - 1, "label ids"
            advice = f"This model has {len(labels)} classes."
        if 0 in label_map.shape:
            raise ValueError(
                "`label_map` must have no axis of length 0. Received: shape "
                f"{label_map.shape}"
            )
        check_range("`label_map`", label_map, highest, kind, advice)
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
        return _check_levels(
            "style_map", style_map, (*size, channels), is_single
        )


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


def _check_levels(name, image, shape, is_single):
    """Returns an image in 0..255 as uint8."""
    image = _check_shape(name, image, shape, is_single)
    check_integer_array(f"`{name}`", image, _PHOTO_ADVICE)
    check_range(f"`{name}`", image, 255, advice=_PHOTO_ADVICE)
    return image.astype("uint8")


def _check_instance_map(instance_map, shape, is_single):
    """Returns a batch of instance maps as int32."""
    instance_map = _drop_channel("instance_map", np.asarray(instance_map))
    instance_map = _check_shape("instance_map", instance_map, shape, is_single)
    check_integer_array("`instance_map`", instance_map)
    low, high = int(instance_map.min()), int(instance_map.max())
    if low < _INT32.min or high > _INT32.max:
        raise ValueError(
            f"`instance_map` holds ids {low}..{high}. Expected ids that int32 "
            "holds: give each object a smaller one."
        )
    return instance_map.astype("int32")


def _drop_channel(name, id_map):
    """Returns maps of ids as `(height, width)` or `(batch, height, width)`."""
    shape = id_map.shape
    # A batch of one map, or of maps of one row, which may be narrow.
    if len(shape) == 3 and 1 in shape[:2]:
        return id_map
    id_map = drop_channel(id_map)
    # RGB and RGBA would be maps three or four pixels wide.
    is_image = id_map.ndim == 3 and id_map.shape[-1] in (3, 4)
    if id_map.ndim not in (2, 3) or is_image:
        raise ValueError(
            f"`{name}` must be (height, width) or (batch, height, width), or "
            f"either with an axis of 1 at the end. Received: shape {shape}. If "
            "it shows classes as colors, replace each color by the id of its "
            "class."
        )
    return id_map
