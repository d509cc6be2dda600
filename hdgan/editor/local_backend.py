"""Photographs by a model in this process."""

from hdgan.editing.styles import encode_styles, list_styles, synthesize_scene


class LocalBackend:
    """Makes photographs with a `LabelToPhotoModel`.

    Args:
        model: `LabelToPhotoModel` with classes.
        name: str, name of the model for the page.
        model_hash: str, SHA-256 of the model's file, kept in scene files.
            Defaults to None.

    Attributes:
        labels: `LabelSet`.
        clusters: `StyleClusters`, or None.
        image_size: (height, width), the only size in pixels that the model
            makes; None if any size works.
        use_instances: bool, whether the model takes instance maps.
        scene_width: int, width in pixels that the model was trained at; None
            if it is not known.
    """

    def __init__(self, model, name, model_hash=None):
        if model.labels is None:
            raise ValueError(
                f"{name} takes RGB images instead of label maps, so it has no "
                "classes to paint with. Expected a model with labels."
            )
        self.name, self.model_hash = name, model_hash
        self.labels = model.labels
        self.clusters = model.style_clusters
        self.image_size = model.image_size
        self.scene_width = model.scene_width
        self.use_instances = model.use_instances
        self._model = model

    @property
    def style(self):
        """dict that tells the page about styles; None without them."""
        if not self._model.style_channels:
            return None
        return {
            "channels": self._model.style_channels,
            "limit": self._model.style_limit,
            "regions": self._model.style_regions,
            "can_encode": self._model.encoder is not None,
        }

    @property
    def has_samples(self):
        """bool, whether another seed gives another photograph."""
        has_dropout = bool(self._model.generator.dropout_rate)
        return self._model.draws_styles or has_dropout

    def synthesize(self, scene):
        """Returns the photograph of a scene, uint8 `(height, width, 3)`.

        Args:
            scene: `EditableScene`.

        Raises:
            ValueError: if the model can't make it.
        """
        has_dropout = bool(self._model.generator.dropout_rate)
        noise_seed = scene.seed if has_dropout else None
        return synthesize_scene(self._model, scene, noise_seed)

    def list_styles(self, scene):
        """Returns a dict from each region to its style, chosen or drawn.

        Args:
            scene: `EditableScene`.

        Raises:
            ValueError: if the model takes no style.
        """
        return list_styles(self._model, scene)

    def encode_styles(self, scene, photo):
        """Returns a dict from each region to its style in a photograph.

        Args:
            scene: `EditableScene`.
            photo: uint8 `(height, width, 3)`.

        Raises:
            ValueError: if the model has no encoder.
        """
        return encode_styles(self._model, scene, photo)

    def close(self):
        """Does nothing: the model needs no closing."""
