"""The pix2pixHD model."""

import math

import keras
import numpy as np

from hdgan.checks import check_integers
from hdgan.layers import join_channels
from hdgan.models.label_to_photo import LabelToPhotoModel
from hdgan.models.pix2pixhd.presets import PRESETS
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.preprocessing.scene import Generated
from hdgan.preprocessing.scene_preprocessing import PHOTO_CHANNELS

# Sources of the style that joins the generator's condition.
STYLES = (None, "instances", "labels", "loaded")


@keras.saving.register_keras_serializable(package="hdgan")
class Pix2PixHD(LabelToPhotoModel):
    """Photographs from label maps: Wang et al., CVPR 2018.

    Generator and discriminator see the condition, one channel per class and a
    boundary map; the discriminator sees it beside the photo or fake. A style
    joins the generator's condition as further channels: the style map, which
    is constant over each instance or each class.

    Args:
        generator: `GlobalGenerator`, `LocalEnhancer`, `UNetGenerator`, or a
            model with their attributes: `(batch, height, width, channels)` to
            an image in [-1, 1]. `channels` = classes (3 without labels) + 1
            with instances + the style's. Without an encoder, any more are
            those of a style map that comes with the data.
        discriminator: `MultiscaleDiscriminator`, or any model from condition
            and image (without the style's channels) to a list over scales of
            lists of activations, the logits last.
        encoder: `InstanceEncoder` or None.
        **kwargs: the arguments of `LabelToPhotoModel`.

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

    PRESETS = PRESETS
    WEIGHTS_TO_TRAIN = ("all", "outermost_enhancer")

    @classmethod
    def make_networks(cls, config, condition_channels, styles=None, dtype=None):
        if styles not in STYLES:
            raise ValueError(
                f"`styles` must be one of {STYLES}. Received: {styles!r}"
            )
        style_channels = 0
        if styles is not None:
            style_channels = config["style_channels"]
            check_integers(style_channels=style_channels)
        encoder = None
        if styles in ("instances", "labels"):
            encoder = InstanceEncoder(
                config["encoder_width"],
                config["encoder_downsamplings"],
                style_channels,
                norm=config["norm"],
                regions=styles,
                dtype=dtype,
                name="encoder",
            )
        discriminator = MultiscaleDiscriminator(
            condition_channels + PHOTO_CHANNELS,
            config["discriminator_width"],
            config["num_discriminator_layers"],
            config["num_scales"],
            config["norm"],
            config["spectral_norm"],
            dtype=dtype,
            name="discriminator",
        )
        generator = cls.make_generator(
            config, condition_channels + style_channels, dtype
        )
        return generator, discriminator, encoder

    @classmethod
    def make_generator(cls, config, input_channels, dtype=None):
        """Makes the generator of a preset.

        Args:
            config: dict, the `networks` of a preset.
            input_channels: int, channels of condition and style map.
            dtype: policy of the layers; None is the global one.
        """
        num_enhancers = config.get("num_enhancers", 0)
        coarse = GlobalGenerator(
            input_channels,
            config["base_width"] * 2**num_enhancers,
            config["num_downsamplings"],
            config["num_blocks"],
            norm=config["norm"],
            dropout_rate=config["dropout_rate"],
            upsampling=config["upsampling"],
            dtype=dtype,
            name="global_generator" if num_enhancers else "generator",
        )
        if not num_enhancers:
            return coarse
        return LocalEnhancer(
            coarse, num_enhancers, config["num_local_blocks"], name="generator"
        )

    # === Generating and discriminating ===

    def generate(self, scene, training):
        condition = scene.condition
        style = scene.style
        if isinstance(style, list):
            style = self.encoder(style, training=training)
        if style is not None:
            condition = join_channels([condition, style])
        generator = self.choose_generator(training)
        return Generated(generator(condition, training=training))

    def discriminate(self, scene, image, training):
        pair = join_channels([scene.condition, image])
        return self.discriminator(pair, training=training)

    def generator_variables(self, weights_to_train):
        if weights_to_train == "all":
            return super().generator_variables(weights_to_train)
        variables = self.generator.outermost_enhancer_variables()
        if self.encoder is not None:
            variables += self.encoder.trainable_variables
        return variables

    def _check_weights_to_train(self, weights_to_train):
        super()._check_weights_to_train(weights_to_train)
        if weights_to_train == "outermost_enhancer" and not isinstance(
            self.generator, LocalEnhancer
        ):
            raise ValueError(
                f"`weights_to_train={weights_to_train!r}` needs a "
                "LocalEnhancer. This generator is a "
                f"{type(self.generator).__name__}."
            )

    # === Style ===

    @property
    def style_map_channels(self):
        if self.encoder is not None:
            return 0
        spare = self.generator.input_shape[-1] - self.preprocessing.num_channels
        return max(spare, 0)

    @property
    def style_channels(self):
        if self.encoder is not None:
            return self.encoder.output_shape[-1]
        return self.style_map_channels

    @property
    def _has_style_per_class(self):
        return self.encoder is not None and self.encoder.regions == "labels"

    @property
    def style_regions(self):
        return "class" if self._has_style_per_class else super().style_regions

    def find_style_regions(self, label_map, instance_map=None):
        if self._has_style_per_class:
            return label_map
        return super().find_style_regions(label_map, instance_map)

    @property
    def draws_styles(self):
        return self.style_clusters is not None

    def draw_style_map(self, label_map, instance_map, seed):
        clusters = self.style_clusters
        if clusters is None:
            raise ValueError(
                "A style seed was given, but this model has no style clusters "
                "to draw from. Give a photo or a style map, or make it with "
                "`style_clusters`."
            )
        regions = instance_map
        is_empty = instance_map is None or not np.any(instance_map)
        if self.labels is not None and (is_empty or self._has_style_per_class):
            # As in `instances_or_labels`: zeros are no instance map.
            regions = label_map
        if self.labels is None:
            # Without labels, the classes follow from the ids as in Cityscapes.
            label_map = np.where(regions < 1000, regions, regions // 1000)
        return clusters.sample(label_map, regions, seed)

    def encode_scene(self, scene, label_map):
        style_map = self.encoder(scene.style, training=False)
        return self.preprocessing.crop(style_map, label_map)

    def add_style(self, scene, inputs):
        photo = scene.photo
        is_given = inputs.get("style_map") is not None and photo is None
        if self.style_map_channels or (self.encoder is not None and is_given):
            return scene._replace(style=self._normalize_style_map(inputs))
        if self.encoder is None:
            return scene
        if photo is None:
            photo = self._normalize_photo(inputs)
        region_map = scene.region_map
        if self._has_style_per_class:
            region_map = self.preprocessing.pad_ids(
                scene.maps["label_map"], "label_map"
            )
        return scene._replace(style=[photo, region_map])

    def _normalize_photo(self, inputs):
        if inputs.get("photo") is None:
            raise ValueError(
                "This model has an encoder: give it a "
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

    # === Checks ===

    @property
    def size_multiple(self):
        if self.encoder is None:
            return self.generator.size_multiple
        return math.lcm(
            self.generator.size_multiple, 2**self.encoder.num_downsamplings
        )

    def check_networks(self):
        if self._has_style_per_class and self.labels is None:
            raise ValueError(
                'An encoder with `regions="labels"` finds a style per class: '
                "it needs `labels`. Received: None, which is RGB input. Give "
                'labels, or make the encoder with `regions="instances"`.'
            )
        if (
            self.encoder is not None
            and self.labels is None
            and not self.use_instances
        ):
            raise ValueError(
                "An encoder finds a style per instance: it needs labels or "
                "`use_instances=True`."
            )
        condition = self.preprocessing.num_channels
        # The discriminator first: it takes no style, so it distinguishes a
        # missing boundary map from a style map.
        for network, expected in (
            (self.discriminator, condition + PHOTO_CHANNELS),
            (self.generator, condition + self.style_channels),
        ):
            received = network.input_shape[-1]
            if received != expected:
                raise ValueError(
                    f"The {network.name} takes {received} channels, but is "
                    f"given {expected}: labels, boundary map, style and "
                    f"image. Make it with input_channels={expected}."
                )
