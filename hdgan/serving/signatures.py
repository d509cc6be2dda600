"""The signatures of a served model: functions with named inputs."""

import json

import tensorflow as tf

from hdgan.models.synthesis import to_uint8
from hdgan.serving.checks import differ, refuse_first, too_large
from hdgan.serving.description import describe_model
from hdgan.serving.image_codec import ImageCodec, bytes_name
from hdgan.serving.styles import (
    draw_style_maps,
    list_styles,
    make_style_specs,
)

_IMAGE = tf.TensorSpec((), tf.string)


def make_signatures(model, options):
    """Makes the functions of a served model.

    Args:
        model: `LabelToPhotoModel`.
        options: `ServingOptions`.

    Returns:
        Dict from a signature's name to a pair: a function that returns a dict
        of tensors, and the list of the `tf.TensorSpec`s of its inputs.
    """
    functions = _Functions(model, options)
    signatures = {"serving_default": (functions.synthesize, functions.specs())}
    if functions.takes_png:
        signatures["synthesize_png"] = (
            functions.synthesize_png,
            functions.bytes_specs(),
        )
    if model.encoder is not None:
        signatures["encode"] = functions.encode, functions.specs()
        signatures["encode_png"] = functions.encode_png, functions.bytes_specs()
    if model.style_channels and model.labels is not None:
        signatures["synthesize_with_style"] = (
            functions.synthesize_with_style,
            functions.style_specs(),
        )
        signatures["synthesize_with_style_png"] = (
            functions.synthesize_with_style_png,
            functions.style_bytes_specs(),
        )
    for width, height in options.fixed_sizes:
        signatures[f"synthesize_{width}x{height}"] = (
            functions.synthesize,
            functions.specs(height, width),
        )

    def describe(request):
        text = json.dumps(describe_model(model, options, signatures))
        return {"description": tf.fill(tf.shape(request), text)}

    # TF Serving's REST API rejects a signature without inputs.
    request_spec = tf.TensorSpec((None,), tf.string, "request")
    signatures["describe"] = describe, [request_spec]
    return signatures


class _Functions:
    """The functions of the signatures, and the specs of their inputs.

    Args:
        model: `LabelToPhotoModel`.
        options: `ServingOptions`.
    """

    def __init__(self, model, options):
        self._model = model
        self._max_pixels = options.max_pixels
        self._codec = ImageCodec(model, options)
        self._names = ["label_map", "instance_map"]
        if model.encoder is not None:
            self._names.append("photo")
        if model.style_map_channels:
            self._names.append("style_map")

    @property
    def takes_png(self):
        """Whether image files can hold all inputs of the model."""
        return self._model.style_map_channels in (0, 1, 3)

    def specs(self, height=None, width=None):
        size = (None, height, width)
        dtypes = {
            "label_map": self._codec.label_dtype,
            "instance_map": tf.int32,
        }
        channels = {
            "label_map": () if self._model.labels else (3,),
            "instance_map": (),
            "photo": (3,),
            "style_map": (self._model.style_map_channels,),
        }
        return [
            tf.TensorSpec(
                (*size, *channels[name]), dtypes.get(name, tf.uint8), name
            )
            for name in self._names
        ]

    def bytes_specs(self):
        return [
            tf.TensorSpec((None,), tf.string, bytes_name(name))
            for name in self._names
        ]

    def synthesize(self, *maps):
        return {"photo": self._synthesize(self._check(maps))}

    def encode(self, *maps):
        inputs = self._check(maps)
        style_map = tf.cast(self._model.encode(inputs), tf.float32)
        styles = list_styles(style_map, self._find_regions(inputs))
        return {"style_map": style_map, **styles}

    def style_specs(self):
        return [
            *self.specs()[:2],
            *make_style_specs(self._model.style_channels),
        ]

    def synthesize_with_style(self, label_map, instance_map, *styles):
        # Photo and style map are not inputs here: the styles replace them.
        inputs = self._check((label_map, instance_map), self._names[:2])
        batch = tf.shape(label_map)[0]
        problems = [
            differ(spec.name, tf.shape(tensor)[0], "label_map", batch, "batch")
            for tensor, spec in zip(styles, self.style_specs()[2:], strict=True)
        ]
        num_styles = tf.shape(styles[0])[1]
        for tensor, name in zip(
            styles[1:3], ("style_vectors", "style_clusters"), strict=True
        ):
            problems.append(
                differ(
                    name,
                    tf.shape(tensor)[1],
                    "style_instances",
                    num_styles,
                    "number",
                )
            )
        with tf.control_dependencies([refuse_first(*problems)]):
            label_ids = tf.cast(inputs["label_map"], tf.int32)
        region_map = self._find_regions(inputs)
        style_map = draw_style_maps(self._model, label_ids, region_map, styles)
        return {"photo": self._synthesize({**inputs, "style_map": style_map})}

    def synthesize_png(self, *contents):
        def synthesize(contents):
            maps = self._codec.decode_scene(self._names, contents)
            return self._codec.encode(self.synthesize(*maps)["photo"][0])

        images = self._map_scenes(
            synthesize, self.bytes_specs(), contents, _IMAGE
        )
        return {"image_bytes": images}

    def encode_png(self, *contents):
        # Ragged: each scene has its own number of styles.
        ids_spec = tf.RaggedTensorSpec((None,), tf.int32, ragged_rank=0)
        vectors_spec = tf.RaggedTensorSpec(
            (None, self._model.style_channels), tf.float32, ragged_rank=0
        )

        def encode(contents):
            maps = self._codec.decode_scene(self._names, contents)
            # Without the style map, which is larger than the photo.
            outputs = self.encode(*maps)
            return outputs["style_instances"], outputs["style_vectors"]

        instances, vectors = self._map_scenes(
            encode, self.bytes_specs(), contents, (ids_spec, vectors_spec)
        )
        return {
            "style_examples": tf.cast(instances.value_rowids(), tf.int32),
            "style_instances": instances.values,
            "style_vectors": vectors.values,
        }

    def style_bytes_specs(self):
        return [
            *self.bytes_specs()[:2],
            *make_style_specs(self._model.style_channels),
        ]

    def synthesize_with_style_png(self, *inputs):
        def synthesize(inputs):
            maps = self._codec.decode_scene(self._names[:2], inputs[:2])
            styles = [tensor[None] for tensor in inputs[2:]]
            outputs = self.synthesize_with_style(*maps, *styles)
            return self._codec.encode(outputs["photo"][0])

        images = self._map_scenes(
            synthesize, self.style_bytes_specs(), inputs, _IMAGE
        )
        return {"image_bytes": images}

    def _map_scenes(self, function, specs, inputs, outputs):
        """Calls a function on each scene, as their sizes may differ."""
        num_scenes = tf.size(inputs[0])
        check = refuse_first(
            (
                num_scenes == 0,
                "`label_bytes` is empty. Send at least one file.",
            ),
            *(
                differ(
                    spec.name,
                    tf.shape(tensor)[0],
                    "label_bytes",
                    num_scenes,
                    "number",
                )
                for spec, tensor in zip(specs[1:], inputs[1:], strict=True)
            ),
        )
        with tf.control_dependencies([check]):
            inputs = tuple(tf.identity(tensor) for tensor in inputs)
        return tf.map_fn(
            function, inputs, fn_output_signature=outputs, parallel_iterations=1
        )

    def _find_regions(self, inputs):
        """Returns the ids of the regions that have one style each."""
        return self._model.find_style_regions(
            tf.cast(inputs["label_map"], tf.int32), inputs["instance_map"]
        )

    def _synthesize(self, inputs):
        return to_uint8(self._model(inputs, training=False))

    def _find_channels(self, shape):
        """Returns the problem that a label map has channels and no batch."""
        if self._model.labels is None:
            return []
        # (height, width, channels) is a batch of very narrow maps, otherwise.
        has_channels = tf.reduce_any(shape[2] == (1, 3, 4))
        return [
            (
                tf.reduce_all(shape[:2] > 1) & has_channels,
                "`label_map` is 1, 3 or 4 pixels wide. Expected (batch, "
                "height, width): add the axis of the batch, and leave out the "
                "one of channels.",
            )
        ]

    def _check(self, maps, names=None):
        """Returns the inputs by name; reading them runs their checks."""
        names = names or self._names
        inputs = dict(zip(names, maps, strict=True))
        shape = tf.shape(inputs["label_map"])[:3]
        check = refuse_first(
            (
                tf.reduce_any(shape == 0),
                "`label_map` is empty. Expected (batch, height, width), each "
                "at least 1.",
            ),
            *self._find_channels(shape),
            # The whole batch is in memory at once, so its sum is limited.
            too_large("`label_map`", shape, self._max_pixels),
            *(
                differ(
                    name,
                    tf.shape(inputs[name])[:3],
                    "label_map",
                    shape,
                    "batch, height or width",
                )
                for name in names[1:]
            ),
        )
        with tf.control_dependencies([check]):
            inputs = {name: tf.identity(inputs[name]) for name in names}
        if self._model.labels is not None:
            replace = self._model.preprocessing.replace_ignored
            inputs["label_map"] = replace(inputs["label_map"])
        return inputs
