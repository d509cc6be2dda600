"""The base class of all families of label-to-photo models."""

import pathlib

import keras

from hdgan.models.presets import PRESETS, find_model_class, resolve_preset
from hdgan.models.synthesis import Synthesizer
from hdgan.preprocessing.input_checks import (
    check_examples,
    standardize_inputs,
)
from hdgan.preprocessing.label_set import as_label_set
from hdgan.preprocessing.scene_preprocessing import (
    PHOTO_CHANNELS,
    ScenePreprocessing,
    instances_or_labels,
)
from hdgan.training.adversarial_model import AdversarialModel
from hdgan.training.loss_terms import LossTerm, make_losses
from hdgan.training.moving_average import make_average, move_average
from hdgan.training.old_configs import upgrade_losses
from hdgan.training.torch_adam import TorchAdam

_PARTS = ("generator", "discriminator", "encoder", "labels", "style_clusters")


class LabelToPhotoModel(AdversarialModel):
    """Base of the models that make photographs of label maps.

    It takes raw maps and photos and does its own preprocessing: one channel
    per class, a boundary map from the instance ids, photos to [-1, 1], padding
    to the networks' multiple and cropping back. Training, synthesis and export
    share that code, and the output has the input's size.

    A family sets `PRESETS`, and defines `make_networks`, `generate` and
    `discriminate`; if its generator takes a style, also the methods under
    "Style". `from_preset` makes a model by name; the constructor takes
    networks.

    Args:
        generator: network with the attributes `size_multiple`, `size_minimum`,
            `dropout_rate` and `children_policy`.
        discriminator: network.
        encoder: network that finds the style of a photo, or None.
        labels: `LabelSet`; a list of class names; str, the name of a label set
            that ships with hdgan (`LabelSet.named`); or None where the "label
            map" is an RGB image.
        use_instances: bool, whether the condition has a boundary map. Defaults
            to True.
        ema_decay: float in (0, 1), decay per step of a moving average of the
            generator, which then does all synthesis; None for none.
        losses: list of `LossTerm`, the terms that `compile()` uses; None is
            those of the preset, or of the family's first preset.
        style_clusters: `StyleClusters`, to synthesize with where the generator
            takes a style; or None.
        preset: str, the preset that the networks follow. Optimizers and the
            update order come from it, and exports name it. None: those of the
            family's first preset.
        scene_width: int, width in pixels that the scenes of the training were
            scaled to; None if it is not known or they had several.
        **kwargs: `name` and `dtype` of `keras.Model`.

    Call arguments:
        inputs: a label map alone, or a dict of `label_map`, `(batch, height,
            width)` or `(batch, height, width, 1)`, integers below the number of
            classes (without labels `(batch, height, width, 3)` in 0..255,
            preferably uint8); `instance_map`, of the same shapes, integers that
            int32 holds, may be left out; where the generator takes a style,
            `style_map`, uint8, 0..255 for [-1, 1], or floats; with an encoder,
            instead of it, `photo`, `(batch, height, width, 3)` in 0..255, whose
            style is taken: uint8, or int32, int64 or floats in that range. An
            instance map that is left out or all zeros is replaced by the label
            map, whose regions then count as instances.
        training: bool.

    Output shape:
        `(batch, height, width, 3)`, float32 in [-1, 1].

    `fit` and `evaluate` take batches of a dict as above that also holds the
    `photo`, of `(dict, photo)`, or of `(label_map, photo)`; the scenes of a
    batch have one size. Give a batched `tf.data.Dataset`, such as
    `hdgan.data.load_folder` makes, or NumPy arrays: `fit(dict)` or
    `fit(label_map, photo)`. Sample weights are not supported. `predict` takes
    batches of what a call takes; `synthesize` returns photos in uint8.

    Raises:
        ValueError: if `ema_decay` is out of range, `labels` is something else,
            or the networks do not fit one another. In a call, if a key, shape
            or dtype of the inputs is wrong.
        InvalidArgumentError: in a call, if a label id has no class, a photo is
            outside of 0..255, sizes differ, or a replica is left without
            examples.
    """

    # The family's presets: dict of plain data by name.
    PRESETS = None

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
        scene_width=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if ema_decay is not None and not 0 < ema_decay < 1:
            raise ValueError(
                f"`ema_decay` must be in (0, 1) or None. Received: {ema_decay}"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.encoder = encoder
        self.labels = labels = as_label_set(labels)
        self.use_instances = use_instances
        self.ema_decay = ema_decay
        self.preset = preset
        self.scene_width = scene_width
        multiple = self.size_multiple
        self.preprocessing = ScenePreprocessing(
            0 if labels is None else len(labels),
            use_instances,
            size_multiple=multiple,
            size_minimum=-(-generator.size_minimum // multiple) * multiple,
            ignore_ids=() if labels is None else labels.ignore_ids,
            dtype=generator.children_policy,
            name="preprocessing",
        )
        self.style_clusters = style_clusters
        self.check_networks()
        self._check_style_clusters()
        self.average_generator = None
        if ema_decay is not None:
            self.average_generator = make_average(
                generator, "average_generator"
            )
        if losses is None:
            losses = make_losses(self._preset_config()["losses"])
        self._default_losses = tuple(losses)
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
        """Makes a model by name, or opens a trained one.

        Args:
            preset: str, the name of a preset: a model with fresh weights. Or
                a `.keras` file, the folder of a run, or `hf://OWNER/NAME` on
                the Hugging Face Hub (needs `huggingface_hub`): a trained
                model, as `hdgan.load_model` opens it.
            labels: as in the constructor: `LabelSet`, list of names, name of a
                label set such as `"cityscapes35"`, or None for RGB input.
            use_instances: bool, whether the condition has a boundary map.
                Defaults to True.
            styles: source of the generator's style, one of the family's; None
                for none.
            ema_decay: as in the constructor.
            dtype: policy of the networks' layers; None is the global one.
            **overrides: values that replace the preset's `networks`, such as
                `base_width=16`.

        Returns:
            A model of the preset's family.

        Raises:
            ValueError: if there is no such preset, or it belongs to another
                family than this class, or has no such value; or if other
                arguments are given with a trained model.
        """
        if _is_trained_model(preset):
            given = {
                "labels": labels,
                # A trained model knows whether it has a boundary map.
                "use_instances": None if use_instances else use_instances,
                "styles": styles,
                "ema_decay": ema_decay,
                "dtype": dtype,
                **overrides,
            }
            return _open_trained_model(cls, preset, given)
        family = find_model_class(preset)
        # A subclass within the family, such as one that measures, stays itself.
        if cls.PRESETS is family.PRESETS:
            family = cls
        if not issubclass(family, cls):
            raise ValueError(
                f"{preset!r} is a preset of {family.__name__}, not of "
                f"{cls.__name__}. Use {family.__name__}.from_preset, or one "
                f"of: {', '.join(cls.PRESETS or ())}."
            )
        config = resolve_preset(preset, **overrides)
        labels = as_label_set(labels)
        channels = PHOTO_CHANNELS if labels is None else len(labels)
        generator, discriminator, encoder = family.make_networks(
            config["networks"], channels + bool(use_instances), styles, dtype
        )
        return family(
            generator,
            discriminator,
            encoder,
            labels=labels,
            use_instances=use_instances,
            ema_decay=ema_decay,
            losses=make_losses(config["losses"]),
            preset=preset,
        )

    # === Declared by a family ===

    @classmethod
    def make_networks(cls, config, condition_channels, styles=None, dtype=None):
        """Makes the networks of a preset.

        Args:
            config: dict, the `networks` of a preset.
            condition_channels: int, channels of `Scene.condition`.
            styles: source of the generator's style, one of the family's; None
                for none.
            dtype: policy of the layers; None is the global one.

        Returns:
            Generator, discriminator, and encoder or None.

        Raises:
            ValueError: if `styles` or a value of `config` is out of range.
        """
        raise TypeError(f"{cls.__name__} does not define `make_networks`.")

    def check_networks(self):
        """Raises `ValueError` if the networks do not fit one another."""

    @property
    def size_multiple(self):
        """int, each side of what the networks see is a multiple of this."""
        return self.generator.size_multiple

    @property
    def image_size(self):
        """(height, width), the only size in pixels; None if any size works."""
        return None

    # === Style ===

    @property
    def style_channels(self):
        """int, length of the style that the generator takes; 0 for none."""
        return 0

    @property
    def style_map_channels(self):
        """int, channels of a style map that every call needs; 0 for none."""
        return 0

    @property
    def style_limit(self):
        """float, the largest absolute value of a style; None for no limit."""
        return 1.0

    @property
    def draws_styles(self):
        """bool, whether `draw_style_map` has styles to draw from."""
        return False

    @property
    def style_regions(self):
        """str, where one style holds: "instance", "class" or "image"."""
        return "instance"

    def style_map_size(self, height, width):
        """Returns height and width of the style map of a scene.

        Args:
            height: int, pixels of the label map.
            width: int, the same.
        """
        return height, width

    def find_style_regions(self, label_map, instance_map=None):
        """Returns the ids of the regions that have one style each.

        Args:
            label_map: int32 `(batch, height, width)`, or the RGB image of a
                model without labels.
            instance_map: int32 `(batch, height, width)`, or None.

        Returns:
            int32 `(batch, style_map_height, style_map_width)`.
        """
        if self.labels is None:
            return instance_map
        return instances_or_labels(instance_map, label_map)

    def draw_style_map(self, label_map, instance_map, seed):
        """Draws a style map.

        Args:
            label_map: NumPy array `(height, width)`, integers.
            instance_map: the same, or None.
            seed: int; the same one draws the same styles.

        Returns:
            Float32 array `(style_map_height, style_map_width, style_channels)`.

        Raises:
            ValueError: if the model has nothing to draw from.
        """
        raise ValueError(
            "A style seed was given, but this model takes no style. Leave it "
            "out."
        )

    def add_style(self, scene, inputs):
        """Returns the scene with the source of its style.

        Args:
            scene: `Scene`, with its photo in training.
            inputs: dict, as of `call`.
        """
        return scene

    # === Inference ===

    @property
    def inference_generator(self):
        """The moving average of the generator where there is one."""
        return self.average_generator or self.generator

    def choose_generator(self, training):
        """Returns the network that generates, by `training`."""
        return self.generator if training else self.inference_generator

    def call(self, inputs, training=False):
        inputs = self._standardize(inputs)
        scene = self.add_style(self.preprocess_maps(inputs), inputs)
        generated = self.generate(scene, training)
        return self.preprocessing.crop(generated.image, inputs["label_map"])

    def encode(self, inputs):
        """Finds the style of photos.

        Args:
            inputs: dict as of `call`, with `photo`.

        Returns:
            The style map, `(batch, style_map_height, style_map_width,
            style_channels)`, float32, constant over each region.

        Raises:
            ValueError: if the model has no encoder, or there is no photo.
        """
        if self.encoder is None:
            raise ValueError(
                "This model has no encoder, which finds the style of a photo. "
                "Make and train one with an encoder: `styles` of "
                "`from_preset`."
            )
        inputs = self._standardize(inputs)
        inputs.pop("style_map", None)
        scene = self.add_style(self.preprocess_maps(inputs), inputs)
        return self.encode_scene(scene, inputs["label_map"])

    def encode_scene(self, scene, label_map):
        """Returns the style map of a scene that has a photo.

        Args:
            scene: `Scene` with its style's source.
            label_map: the raw label map.
        """
        raise TypeError(f"{type(self).__name__} does not define this method.")

    def synthesize(
        self,
        label_map,
        instance_map=None,
        style_photo=None,
        style_map=None,
        noise_seed=None,
        style_seed=None,
    ):
        """Makes photographs of label maps.

        Args:
            label_map: `(height, width)` or `(batch, height, width)`, integers
                below the number of classes; without labels an RGB image in
                0..255, with an axis of three channels. An axis of one channel
                at the end is dropped, so `(height, width, 1)` is one map.
            instance_map: the same size, integers that int32 holds, or None.
            style_photo: integers in 0..255, the same size with three channels:
                the photo whose style is taken, where the model has an encoder.
            style_map: `style_map_size` with `style_channels` channels, where
                the generator takes a style; integers, 0..255 for [-1, 1], or
                floats.
            noise_seed: int; draws one of the photographs that dropout at
                synthesis makes possible. None leaves dropout off.
            style_seed: int; draws the style, in place of photo and style map:
                for each instance one of its class's `style_clusters`, or one
                style of the whole image from N(0, 1), by family.

        Returns:
            uint8 array `(height, width, 3)` or `(batch, height, width, 3)`,
            0..255, of the size of the label map.

        Raises:
            ValueError: if a shape, dtype or value is wrong, a photo or style
                map that the model needs is missing, or a style or seed is given
                to a generator that takes no style or has no dropout.
        """
        return self._synthesizer(
            label_map,
            instance_map,
            style_photo,
            style_map,
            noise_seed,
            style_seed,
        )

    def export(self, filepath, options=None):
        """Writes a SavedModel with the inference generator alone.

        Its signatures are those of `hdgan.serving.export_savedmodel`.

        Args:
            filepath: directory to make; must not exist.
            options: `hdgan.serving.ServingOptions`; None for the defaults.

        Raises:
            ValueError: as of `export_savedmodel`.
            OSError: as of `export_savedmodel`.
        """
        # Only here: a model that is not served needs nothing of it.
        from hdgan.serving.savedmodel import export_savedmodel

        export_savedmodel(self, filepath, options)

    # === Preprocessing ===

    def preprocess(self, data):
        inputs, photo, third = keras.utils.unpack_x_y_sample_weight(data)
        if third is not None:
            raise ValueError(
                "Expected a dict, (dict, photo) or (label_map, photo). "
                "Received: three parts. Put an instance map into the dict: "
                '({"label_map": ..., "instance_map": ...}, photo). Sample '
                "weights are not supported."
            )
        inputs = self._standardize(inputs)
        photo = inputs.get("photo") if photo is None else photo
        if photo is None:
            raise ValueError(
                "Training and evaluation need the photos: as `photo` in the "
                "dict, or as the second part of (label_map, photo). Received "
                f"only: {', '.join(inputs)}"
            )
        photo = self.preprocessing.normalize_photo(photo, inputs["label_map"])
        scene = self.preprocess_maps(inputs)._replace(photo=photo)
        return self.add_style(scene, inputs)

    def _standardize(self, inputs):
        inputs = standardize_inputs(inputs, is_rgb=self.labels is None)
        num_replicas = self.distribute_strategy.num_replicas_in_sync
        if num_replicas > 1:
            inputs["label_map"] = check_examples(
                inputs["label_map"], num_replicas
            )
        return inputs

    def preprocess_maps(self, maps):
        maps = {
            name: maps[name]
            for name in ("label_map", "instance_map")
            if maps.get(name) is not None
        }
        return self.preprocessing.make_scene(**maps)

    # === Training ===

    def default_losses(self):
        return list(self._default_losses)

    def default_optimizer(self, side):
        # Callbacks of Keras log each learning rate by its optimizer's name.
        name = f"{side}_optimizer"
        return TorchAdam(**self._preset_config()[name], name=name)

    def default_update_order(self):
        return self._preset_config()["update_order"]

    def _preset_config(self):
        first = next(iter(self.PRESETS.values()))
        return self.PRESETS.get(self.preset, first)

    def after_step(self):
        """Moves the average generator by one step."""
        if self.average_generator is not None:
            move_average(
                self.average_generator,
                self.generator,
                self.ema_decay,
                self.generator_optimizer.iterations.value,
            )

    # === Checks and configuration ===

    def _check_style_clusters(self):
        clusters = self.style_clusters
        if clusters and clusters.style_channels != self.style_channels:
            raise ValueError(
                f"The style clusters have {clusters.style_channels} channels, "
                f"but the generator takes styles of {self.style_channels}. "
                "Give the clusters of this model."
            )

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            **{part: serialize(getattr(self, part)) for part in _PARTS},
            "use_instances": self.use_instances,
            "ema_decay": self.ema_decay,
            "losses": [serialize(term) for term in self._default_losses],
            "preset": self.preset,
            "scene_width": self.scene_width,
        }

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        losses = config["losses"]
        if isinstance(losses, dict):
            losses = make_losses(upgrade_losses(losses))
        else:
            losses = [
                term if isinstance(term, LossTerm) else deserialize(term)
                for term in losses
            ]
        made = {part: deserialize(config[part]) for part in _PARTS}
        return cls(**{**config, **made, "losses": losses})


def _is_trained_model(preset):
    text = str(preset)
    # A preset of the same name as a folder stays the preset.
    if text in PRESETS:
        return False
    return (
        "/" in text
        or "\\" in text
        or text.endswith(".keras")
        or pathlib.Path(text).is_dir()
    )


def _open_trained_model(cls, path, given):
    """Returns a trained model, which brings its own configuration along."""
    from hdgan.models.model_file import load_model

    wrong = [name for name, value in given.items() if value is not None]
    if wrong:
        raise ValueError(
            f"`{wrong[0]}` was given with the trained model {path}, which "
            "brings its own along. Leave it out."
        )
    model = load_model(path)
    if not isinstance(model, cls):
        raise ValueError(
            f"{path} holds a {type(model).__name__}. Expected a "
            f"{cls.__name__}: use {type(model).__name__}.from_preset or "
            "hdgan.load_model."
        )
    return model
