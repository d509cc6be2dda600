"""The pix2pixHD model: networks, coding, losses and training step."""

import typing

import keras
import tensorflow as tf

from hdgan.layers.kernels import recomputable, recomputed
from hdgan.models.pix2pixhd.presets import (
    PRESETS,
    build_networks,
    resolve_preset,
    size_multiple,
)
from hdgan.models.synthesis import Synthesizer
from hdgan.preprocessing.scene_preprocessing import ScenePreprocessing
from hdgan.serving import export_savedmodel
from hdgan.training.adversarial_model import AdversarialModel


class Scene(typing.NamedTuple):
    """Coded inputs, padded to the networks' multiple.

    Args:
        maps: dict of the raw `label_map` and, if there is one, `instance_map`.
        condition: `(batch, height, width, channels)`, what generator and
            discriminator see.
        region_map: int32 `(batch, height, width)`, the instances; None for RGB
            input without them.
        styles: what the generator's styles come from: the encoder's inputs, a
            coded style map, or None.
        photo: float32 `(batch, height, width, 3)` in [-1, 1], or None.
    """

    maps: dict
    condition: tf.Tensor
    region_map: tf.Tensor | None
    styles: object = None
    photo: tf.Tensor | None = None


@keras.saving.register_keras_serializable(package="hdgan")
class Pix2PixHD(AdversarialModel):
    """Photographs from label maps: Wang et al., CVPR 2018.

    Takes raw maps and photos and does its own coding: one channel per class, a
    boundary map from the instance ids, photos to [-1, 1], padding to the
    networks' multiple and cropping back. Training, synthesis and export go
    through the same code, and the output has the input's size.

    `from_preset` makes one by name; the constructor takes networks.

    Args:
        generator: `GlobalGenerator`, `LocalEnhancer`, `UNetGenerator`, or a
            model with their attributes `size_multiple`, `size_minimum`,
            `dropout_rate` and `children_policy`: `(batch, height, width,
            channels)` to an image in [-1, 1]. `channels` = classes (3 without
            labels) + 1 with instances + the encoder's. Without an encoder, any
            more are those of a style map that comes with the data.
        discriminator: `MultiscaleDiscriminator`, or any model from coded label
            map and image (without the styles' channels) to a list over scales
            of lists of features, the logits last.
        encoder: `InstanceEncoder` or None.
        labels: `LabelSet`, or None where the "label map" is an RGB image.
        use_instances: bool, whether the generator sees a boundary map.
        ema_decay: float in (0, 1), decay per step of a moving average of the
            generator, which then does all synthesis; None for none.
        style_clusters: `StyleClusters`, to synthesize with where the generator
            takes styles; or None.
        losses: dict of `adversarial_loss`, `feature_matching_weight`,
            `perceptual_weight` and `l1_weight`, the defaults of `compile`; None
            is `pix2pixhd_512p`'s: least squares, 10, 10 and 0.
        preset: str, which key of `hdgan.PRESETS` the networks follow, to be
            told by what is exported; None where it is none.
        **kwargs: `name` and `dtype` of `keras.Model`.

    Call arguments:
        inputs: dict of `label_map`, `(batch, height, width)`, integers below
            the number of classes (`(batch, height, width, 3)`, uint8, without
            labels); `instance_map`, `(batch, height, width)`, integers, may be
            left out; where the generator takes styles, `style_map`, `(batch,
            height, width, style_channels)`, uint8, 0..255 for [-1, 1], or
            floats in [-1, 1]; with an encoder, instead of it, `photo`, `(batch,
            height, width, 3)`, uint8, whose styles are taken.
        training: bool.

    Output shape:
        `(batch, height, width, 3)`, float32 in [-1, 1].

    `fit` and `evaluate` take a dict that also holds `photo`, or the photos as
    `y`. An instance map that is left out or holds only zeros is replaced by the
    label map, whose regions then count as instances.

    Raises:
        ValueError: if the networks' channels do not fit one another, or there
            is an encoder and not the labels or instances that it pools over.

    Example:
        >>> model = hdgan.Pix2PixHD.from_preset("tiny", labels=labels)
        >>> model.compile()
        >>> model.fit(dataset, epochs=10)
        >>> photo = model.synthesize(label_map, instance_map)
        >>> model.save("model.keras")
    """

    def __init__(
        self,
        generator,
        discriminator,
        encoder=None,
        labels=None,
        use_instances=True,
        ema_decay=None,
        losses=None,
        style_clusters=None,
        preset=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if ema_decay is not None and not 0 < ema_decay < 1:
            raise ValueError(
                f"`ema_decay` must be in (0, 1) or None. Received: {ema_decay}"
            )
        pools_classes = encoder is not None and encoder.regions == "labels"
        if pools_classes and labels is None:
            raise ValueError(
                'An encoder with `regions="labels"` finds a style per class: '
                "it needs `labels`. Received: None, which is RGB input. Give "
                'labels, or make the encoder with `regions="instances"`.'
            )
        if encoder is not None and labels is None and not use_instances:
            raise ValueError(
                "An encoder finds a style per instance: it needs labels or "
                "`use_instances=True`."
            )
        self.generator = generator
        self.discriminator = discriminator
        self.encoder = encoder
        self.labels = labels
        self.use_instances = use_instances
        self.ema_decay = ema_decay
        self.preset = preset
        multiple = size_multiple(generator, encoder)
        self.preprocessing = ScenePreprocessing(
            0 if labels is None else len(labels),
            use_instances,
            size_multiple=multiple,
            size_minimum=-(-generator.size_minimum // multiple) * multiple,
            dtype=generator.children_policy,
            name="preprocessing",
        )
        self._check_channels()
        self.style_clusters = style_clusters
        self._check_style_clusters()
        self.average_generator = None
        if ema_decay is not None:
            self.average_generator = type(generator).from_config(
                {**generator.get_config(), "name": "average_generator"}
            )
            self.average_generator.set_weights(generator.get_weights())
            self.average_generator.trainable = False
        self.default_losses = dict(
            losses or PRESETS["pix2pixhd_512p"]["losses"]
        )
        self._synthesizer = Synthesizer(self)
        # Every network is a graph with its weights: nothing is left to build.
        self.built = True

    @classmethod
    def from_preset(
        cls,
        preset,
        labels=None,
        use_instances=True,
        styles=None,
        ema_decay=None,
        dtype=None,
        **overrides,
    ):
        """Makes a model by name.

        Args:
            preset: key of `hdgan.PRESETS`.
            labels: `LabelSet`, or None for RGB input instead of labels.
            use_instances: bool, whether the generator sees a boundary map.
            styles: what the generator takes styles from: `"instances"`, an
                encoder of photos, averaged over each instance; `"labels"`, the
                same over each class; `"loaded"`, a style map that comes with
                the data; None, nothing.
            ema_decay: as in the constructor.
            dtype: policy of the networks' layers; None is the global one.
            **overrides: numbers that replace the preset's, such as
                `base_width=16`.

        Returns:
            A `Pix2PixHD` with fresh weights.

        Raises:
            ValueError: if there is no such preset or no such number in it, or
                no such styles.
        """
        numbers = resolve_preset(preset, **overrides)
        channels = 3 if labels is None else len(labels)
        generator, discriminator, encoder = build_networks(
            numbers, channels + bool(use_instances), styles, dtype
        )
        return cls(
            generator,
            discriminator,
            encoder,
            labels=labels,
            use_instances=use_instances,
            ema_decay=ema_decay,
            losses=numbers["losses"],
            preset=preset,
        )

    # === Inference ===

    @property
    def inference_generator(self):
        """The moving average of the generator where there is one."""
        return self.average_generator or self.generator

    @property
    def style_map_channels(self):
        """Channels of the style map that the generator takes; 0 for none."""
        if self.encoder is not None:
            return 0
        spare = self.generator.input_shape[-1] - self.preprocessing.num_channels
        return max(spare, 0)

    @property
    def style_channels(self):
        """Channels of the styles that the generator takes; 0 for none."""
        if self.encoder is not None:
            return self.encoder.output_shape[-1]
        return self.style_map_channels

    def call(self, inputs, training=False):
        scene = self._add_styles(self._code(inputs), inputs)
        image = self._generate(scene, training)
        return self.preprocessing.crop(image, inputs["label_map"])

    def encode(self, inputs):
        """Finds the styles of photos, which the generator takes.

        Args:
            inputs: dict as of `call`, with `photo`.

        Returns:
            `(batch, height, width, channels)`, float32 in [-1, 1], constant
            over each instance, or each class, of the label map's size.

        Raises:
            ValueError: if the model has no encoder, or there is no photo.
        """
        if self.encoder is None:
            raise ValueError(
                "This model has no instance feature encoder. Make and train "
                'one with `styles="instances"` or `styles="labels"`.'
            )
        scene = self._add_styles(self._code(inputs), inputs)
        features = self.encoder(scene.styles, training=False)
        return self.preprocessing.crop(features, inputs["label_map"])

    def synthesize(
        self,
        label_map,
        instance_map=None,
        photo=None,
        style_map=None,
        noise_seed=None,
        style_seed=None,
    ):
        """Makes photographs of label maps.

        Args:
            label_map: `(height, width)` or `(batch, height, width)`, integers
                below the number of classes; without labels an RGB image,
                uint8, with three channels more.
            instance_map: the same shape, integers, or None.
            photo: uint8, the same size with three channels: where the model has
                an encoder, the photo whose styles are taken.
            style_map: the same size with `style_channels` channels, uint8,
                0..255 for [-1, 1], or floats in [-1, 1], where the generator
                takes styles.
            noise_seed: int; draws one of the photographs that dropout at
                synthesis makes possible. None leaves dropout off.
            style_seed: int; draws for each instance one of the styles of its
                class, where the model has `style_clusters`, in place of photo
                and style map.

        Returns:
            uint8 array `(height, width, 3)` or `(batch, height, width, 3)`,
            0..255, of the size of the label map.

        Raises:
            ValueError: if a shape or id is wrong, a photo or style map that
                the model needs is missing, or a style map or seed is given to
                a generator that takes no features or is without dropout.
        """
        return self._synthesizer(
            label_map,
            instance_map,
            photo,
            style_map,
            noise_seed,
            style_seed,
        )

    def export(self, filepath, options=None):
        """Writes a SavedModel with the inference generator alone.

        Its signatures are those of `hdgan.serving.export_savedmodel`.

        Args:
            filepath: directory to make; must not exist.
            options: `hdgan.serving.ServingOptions`; None for their defaults.

        Raises:
            ValueError: as of `export_savedmodel`.
            OSError: as of `export_savedmodel`.
        """
        export_savedmodel(self, filepath, options)

    # === Coding ===

    def _unpack(self, data):
        """Returns the `Scene` of a batch of training data."""
        inputs, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        photo = inputs.get("photo") if y is None else y
        if photo is None:
            raise ValueError(
                "Training and evaluation need the photos: as `photo` in the "
                f"dict or as `y`. Received only: {sorted(inputs)}"
            )
        photo = self.preprocessing.normalize_photo(photo, inputs["label_map"])
        scene = self._code(inputs)._replace(photo=photo)
        return self._add_styles(scene, inputs)

    def _code(self, inputs):
        """Returns a `Scene` without styles and photo."""
        maps = {
            name: inputs[name]
            for name in ("label_map", "instance_map")
            if inputs.get(name) is not None
        }
        return Scene(maps, *self.preprocessing(**maps))

    def _add_styles(self, scene, inputs):
        """Returns the scene with what its styles come from."""
        photo = scene.photo
        is_given = inputs.get("style_map") is not None and photo is None
        if self.style_map_channels or (self.encoder is not None and is_given):
            return scene._replace(styles=self._normalize_style_map(inputs))
        if self.encoder is None:
            return scene
        if photo is None:
            photo = self._normalize_photo(inputs)
        region_map = scene.region_map
        if self.encoder.regions == "labels":
            region_map = self.preprocessing.pad_ids(scene.maps["label_map"])
        return scene._replace(styles=[photo, region_map])

    def _normalize_photo(self, inputs):
        if inputs.get("photo") is None:
            raise ValueError(
                "This model has an instance feature encoder: give it a "
                "`photo` to take the styles from, or a `style_map`. "
                "Received: None"
            )
        return self.preprocessing.normalize_photo(
            inputs["photo"], inputs["label_map"]
        )

    def _normalize_style_map(self, inputs):
        style_map = inputs.get("style_map")
        shape = None if style_map is None else tuple(style_map.shape)
        if shape is None or shape[3:] != (self.style_channels,):
            raise ValueError(
                "This model's generator takes styles from a `style_map`, "
                "uint8 (batch, height, width, "
                f"{self.style_channels}), beside the "
                f"{self.preprocessing.num_channels} channels of the maps. "
                f"Received: {shape and f'shape {shape}'}. Give one, such as "
                "the tool encode_styles writes."
            )
        return self.preprocessing.normalize_style_map(
            style_map, inputs["label_map"]
        )

    def _generate(self, scene, training):
        condition = scene.condition
        features = scene.styles
        if isinstance(features, list):
            features = self.encoder(features, training=training)
        if features is not None:
            condition = self._join(condition, features)
        generator = self.generator if training else self.inference_generator
        return generator(condition, training=training)

    def _judge(self, scene, image, training):
        pair = self._join(scene.condition, image)
        return self.discriminator(pair, training=training)

    def _join(self, condition, image):
        def join(condition):
            return tf.concat([condition, tf.cast(image, condition.dtype)], -1)

        return recomputable(
            join(condition),
            lambda dependency: join(recomputed(condition, dependency)),
        )

    # === Checks and configuration ===

    def _check_channels(self):
        condition = self.preprocessing.num_channels
        features = self.style_map_channels
        if self.encoder is not None:
            features = self.encoder.output_shape[-1]
        # D first: it takes no features, so it tells a missing boundary map from
        # a style map.
        for network, expected in (
            (self.discriminator, condition + 3),
            (self.generator, condition + features),
        ):
            received = network.input_shape[-1]
            if received != expected:
                raise ValueError(
                    f"The {network.name} takes {received} channels, but is "
                    f"given {expected}: labels, boundary map, styles and "
                    f"image. Make it with input_channels={expected}."
                )

    def _check_style_clusters(self):
        clusters = self.style_clusters
        if clusters and clusters.style_channels != self.style_channels:
            raise ValueError(
                f"The style clusters have {clusters.style_channels} features, "
                f"but the generator takes {self.style_channels} channels of "
                "styles. Are they those of this model?"
            )

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "encoder": serialize(self.encoder),
            "labels": serialize(self.labels),
            "use_instances": self.use_instances,
            "ema_decay": self.ema_decay,
            "losses": dict(self.default_losses),
            "style_clusters": serialize(self.style_clusters),
            "preset": self.preset,
        }

    @classmethod
    def from_config(cls, config):
        parts = (
            "generator",
            "discriminator",
            "encoder",
            "labels",
            "style_clusters",
        )
        made = {
            part: keras.saving.deserialize_keras_object(config[part])
            for part in parts
        }
        return cls(**{**config, **made})
