"""The SPADE model."""

import keras
import numpy as np
import tensorflow as tf

from hdgan.layers import GaussianSampling, join_channels
from hdgan.models.label_to_photo import LabelToPhotoModel
from hdgan.models.spade.presets import PRESETS
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.networks.spade_generator import SpadeGenerator
from hdgan.networks.style_encoder import StyleEncoder
from hdgan.preprocessing.scene import Generated
from hdgan.preprocessing.scene_preprocessing import PHOTO_CHANNELS

# Sources of the style.
STYLES = (None, "image")


@keras.saving.register_keras_serializable(package="hdgan")
class Spade(LabelToPhotoModel):
    """Photographs from label maps: Park et al., CVPR 2019.

    The condition, one channel per class and a boundary map, modulates every
    block of the generator. With `styles="image"` an encoder finds one style
    vector per photo, the generator grows the image from it, and the two are a
    variational autoencoder; styles can then also be drawn from N(0, 1).

    Args:
        generator: `SpadeGenerator`.
        discriminator: `MultiscaleDiscriminator`, which sees condition and
            image.
        encoder: `StyleEncoder`, or None for a generator without a style.
        **kwargs: the arguments of `LabelToPhotoModel`.

    Raises:
        ValueError: if the networks do not fit one another.

    Example:
        >>> model = hdgan.Spade.from_preset(
        ...     "spade_512x256", labels=labels, styles="image"
        ... )
        >>> photo = model.synthesize(label_map, instance_map, style_seed=1)
    """

    PRESETS = PRESETS

    def __init__(self, generator, discriminator, encoder=None, **kwargs):
        super().__init__(generator, discriminator, encoder, **kwargs)
        self.sampling = None
        if encoder is not None:
            self.sampling = GaussianSampling(dtype="float32", name="sampling")

    @classmethod
    def make_networks(cls, config, condition_channels, styles=None, dtype=None):
        if styles not in STYLES:
            raise ValueError(
                f"`styles` must be one of {STYLES}. Received: {styles!r}"
            )
        style_options = {}
        encoder = None
        if styles is not None:
            style_options = {
                "style_channels": config["style_channels"],
                "image_size": config["image_size"],
            }
            encoder = StyleEncoder(
                config["encoder_width"],
                config["style_channels"],
                dtype=dtype,
                name="encoder",
            )
        generator = SpadeGenerator(
            condition_channels,
            config["base_width"],
            config["num_upsamplings"],
            config["hidden_channels"],
            norm=config["norm"],
            dtype=dtype,
            name="generator",
            **style_options,
        )
        discriminator = MultiscaleDiscriminator(
            condition_channels + PHOTO_CHANNELS,
            config["discriminator_width"],
            config["num_discriminator_layers"],
            config["num_scales"],
            spectral_norm="inner",
            initialization="xavier",
            dtype=dtype,
            name="discriminator",
        )
        return generator, discriminator, encoder

    @property
    def image_size(self):
        # The generator grows a style from a grid of a fixed size.
        return None if self.encoder is None else self.generator.image_size

    # === Generating and discriminating ===

    def generate(self, scene, training):
        generator = self.choose_generator(training)
        if self.encoder is None:
            return Generated(generator(scene.condition, training=training))
        condition = self._check_size(scene.condition)
        if isinstance(scene.style, list):
            (photo,) = scene.style
            mean, log_variance = self.encoder(photo, training=training)
            style = self.sampling(mean, log_variance, training=training)
            latents = {"style_mean": mean, "style_log_variance": log_variance}
        else:
            style, latents = scene.style[:, 0, 0], {}
        image = generator([condition, style], training=training)
        return Generated(image, latents)

    def discriminate(self, scene, image, training):
        pair = join_channels([scene.condition, image])
        return self.discriminator(pair, training=training)

    def default_losses(self):
        losses = super().default_losses()
        if self.encoder is not None:
            return losses
        return [term for term in losses if term.name != "kl_divergence"]

    # === Style: one vector per image ===

    @property
    def style_channels(self):
        return self.generator.style_channels

    @property
    def style_limit(self):
        return None

    @property
    def style_regions(self):
        return "image"

    def style_map_size(self, height, width):
        return 1, 1

    def find_style_regions(self, label_map, instance_map=None):
        # The whole image is one region, of one pixel.
        return tf.zeros((tf.shape(label_map)[0], 1, 1), tf.int32)

    @property
    def draws_styles(self):
        return self.encoder is not None

    def draw_style_map(self, label_map, instance_map, seed):
        if self.encoder is None:
            return super().draw_style_map(label_map, instance_map, seed)
        if self.style_clusters is not None:
            whole_image = np.zeros((1, 1), int)
            return self.style_clusters.sample(whole_image, whole_image, seed)
        draw = np.random.default_rng(seed)
        size = (1, 1, self.style_channels)
        return draw.standard_normal(size, dtype="float32")

    def add_style(self, scene, inputs):
        if self.encoder is None:
            return scene
        if scene.photo is None and inputs.get("style_map") is not None:
            style_map = tf.convert_to_tensor(inputs["style_map"])
            if not style_map.dtype.is_floating:
                raise ValueError(
                    "`style_map` of this model must hold floats. Received: "
                    f"{style_map.dtype.name}"
                )
            return scene._replace(style=tf.cast(style_map, tf.float32))
        photo = scene.photo
        if photo is None:
            if inputs.get("photo") is None:
                raise ValueError(
                    "This model takes the style of a photo: give a `photo` or "
                    "a `style_map`, or to `synthesize` a `style_seed`. "
                    "Received: None"
                )
            photo = self.preprocessing.normalize_photo(
                inputs["photo"], inputs["label_map"]
            )
        return scene._replace(style=[photo])

    def encode_scene(self, scene, label_map):
        (photo,) = scene.style
        mean, _ = self.encoder(photo, training=False)
        return mean[:, None, None]

    # === Checks ===

    def check_networks(self):
        condition = self.preprocessing.num_channels
        for network, received, expected in (
            (
                self.discriminator,
                self.discriminator.input_shape[-1],
                condition + PHOTO_CHANNELS,
            ),
            (self.generator, self.generator.input_channels, condition),
        ):
            if received != expected:
                raise ValueError(
                    f"The {network.name} takes {received} channels, but is "
                    f"given {expected}: labels, boundary map and image. Make "
                    f"it with input_channels={expected}."
                )
        minimum = self.generator.size_minimum
        if min(self.generator.image_size or (minimum,)) < minimum:
            raise ValueError(
                f"The generator's `image_size` is {self.generator.image_size}, "
                f"but every label map is padded to at least {minimum} pixels a "
                "side. Make the generator with larger sides."
            )
        found = 0 if self.encoder is None else self.encoder.style_channels
        if found != self.generator.style_channels:
            raise ValueError(
                f"The generator takes a style of "
                f"{self.generator.style_channels} channels, but the encoder "
                f"finds {found}. Make both with the same `style_channels`, or "
                "neither with a style."
            )

    def _check_size(self, condition):
        """Returns the condition, there only if it has the generator's size."""
        height, width = self.image_size
        message = (
            f"This model has a style, and so makes images of {width}x{height} "
            "pixels (width x height) alone. Resize the label map, or train a "
            "model of another `image_size` or without a style."
        )
        if None not in condition.shape[1:3] and (
            tuple(condition.shape[1:3]) != (height, width)
        ):
            raise ValueError(f"{message} Received: {condition.shape[1:3]}")
        check = tf.debugging.assert_equal(
            tf.shape(condition)[1:3], (height, width), message
        )
        with tf.control_dependencies([] if check is None else [check]):
            condition = tf.identity(condition)
        return tf.ensure_shape(
            condition, (None, height, width, condition.shape[-1])
        )
