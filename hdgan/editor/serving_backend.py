"""Photographs by a model that TF Serving runs."""

import numpy as np

from hdgan.editing.scene import WHOLE_IMAGE
from hdgan.editor.errors import RequestError
from hdgan.preprocessing.label_set import LabelSet
from hdgan.preprocessing.style_clusters import StyleClusters
from hdgan.serving.client import Client
from hdgan.serving.transports import ServingError

_STYLED = "synthesize_with_style_png"
# Seconds. A person waits for the answer.
_TIMEOUT = 30.0
# Served graphs number the one region of a style of the whole image so.
_SERVED_WHOLE_IMAGE = 0


class ServingBackend:
    """Makes photographs with a server of an exported model.

    Its attributes and methods are those of `LocalBackend`.

    Args:
        url: str, URL of the server, as `hdgan.serving.Client` takes it.
        model: str, name of the model on the server. Defaults to `"hdgan"`.

    Raises:
        ValueError: if the server does not answer, or its model has no classes
            or needs a photo or style map for each scene.
    """

    model_hash = None

    def __init__(self, url, model="hdgan"):
        self.name = f"{model} at {url}"
        self._client = Client(url, model, timeout=_TIMEOUT)
        try:
            self._description = self._client.describe()
        except ServingError as error:
            self._client.close()
            raise ValueError(
                f"{url} does not answer for the model {model!r}: {error}. "
                "Expected a server of an export, usually at http://HOST:8501."
            ) from error
        description = self._description
        if description["labels"] is None:
            raise ValueError(
                f"{self.name} takes RGB images instead of label maps, so it "
                "has no classes to paint with."
            )
        self.labels = LabelSet(**description["labels"])
        size = description.get("image_size")
        self.image_size = tuple(size) if size else None
        self.scene_width = description.get("scene_width")
        self.use_instances = description["use_instances"]
        self._signatures = description["signatures"]
        self._has_styles = _STYLED in self._signatures
        inputs = set(self._signatures.get("synthesize_png", ()))
        needed = inputs - {"label_bytes", "instance_bytes"}
        if not self._has_styles and (needed or not inputs):
            raise ValueError(
                f"{self.name} needs a photo or a style map for each scene, "
                "which the editor does not have."
            )
        centers = description.get("style_centers") or {}
        self.clusters = StyleClusters(centers) if centers else None

    @property
    def style(self):
        if not self._has_styles:
            return None
        return {
            "channels": self._description["style_channels"],
            "limit": self._description.get("style_limit", 1.0),
            "regions": self._description.get("style_regions", "instance"),
            "can_encode": "encode_png" in self._signatures,
        }

    @property
    def has_samples(self):
        return bool(self._description.get("num_style_clusters"))

    def synthesize(self, scene):
        maps = scene.label_map, scene.instance_map
        if not self._has_styles:
            return self._ask(self._client.synthesize, *maps)
        styles = {
            _SERVED_WHOLE_IMAGE if key == WHOLE_IMAGE else key: style
            for key, style in scene.styles.items()
        }
        return self._ask(
            self._client.synthesize_with_style, *maps, styles, scene.seed
        )

    def list_styles(self, scene):
        if self.clusters is None:
            return dict(scene.styles)
        kind = self.style["regions"]
        if kind == "image":
            label_map = instance_map = np.zeros((1, 1), int)
        else:
            label_map = scene.label_map
            by_class = kind == "class"
            instance_map = label_map if by_class else scene.instance_map
        drawn = self.clusters.sample(label_map, instance_map, scene.seed)
        ids, first = np.unique(instance_map, return_index=True)
        vectors = drawn.reshape(-1, drawn.shape[-1])[first].tolist()
        if kind == "image":
            ids = np.array([WHOLE_IMAGE])
        listed = dict(zip(ids.tolist(), map(tuple, vectors), strict=True))
        return {key: scene.styles.get(key, listed[key]) for key in listed}

    def encode_styles(self, scene, photo):
        found = self._ask(
            self._client.encode, scene.label_map, scene.instance_map, photo
        )
        is_image = self.style["regions"] == "image"
        return {
            WHOLE_IMAGE if is_image else key: tuple(vector.tolist())
            for key, vector in found.items()
        }

    def close(self):
        self._client.close()

    def _ask(self, function, *arguments):
        try:
            return function(*arguments)
        except ServingError as error:
            raise RequestError(
                502, f"The server of the model answers: {error}"
            ) from error
