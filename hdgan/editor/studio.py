"""What an editor has: a model, scenes to open and shapes to stamp."""

import base64
import functools
import hashlib
import io

import numpy as np
from PIL import Image

from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import read_scene
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.drawn_streets import DrawnStreets
from hdgan.data.street.scenes import CLASS_NAMES
from hdgan.editing.scene import EditableScene
from hdgan.editing.scene_file import dump_scene, load_scene
from hdgan.editing.shape_library import ShapeLibrary
from hdgan.editor.errors import RequestError

DEFAULT_MAX_PIXELS = 2048 * 1024
# Scaled-down maps for previews while a person paints.
_PREVIEW_STEPS = (2, 4)
_DEFAULT_WIDTH = 512
_NUM_DRAWN = 8
# Drawn streets that shapes are cut from are others than those that are opened.
_SHAPE_SEED = 1
_SHAPES_PER_CLASS = 16
# Scenes of a data set that the page lists and shapes are cut from.
_MAX_SCENES = 200
_SCENES_WITH_SHAPES = 40


class Studio:
    """The model of an editor, and the scenes and shapes that it offers.

    Args:
        backend: `LocalBackend` or `ServingBackend`.
        scene_file: path of the scene to open first. Defaults to None: the first
            scene of the data set; without one a drawn street if the model has
            the classes of the drawn streets, else an empty scene.
        data_dir: path of a data set whose scenes can be opened, and whose
            objects become shapes. Defaults to None.
        split: str, start of the data set's folders' names. Defaults to
            `"train"`.
        max_pixels: int, the most pixels of a scene. Defaults to 2,097,152.

    Raises:
        ValueError: if the scene or the data set can't be read or does not fit
            the model.
    """

    def __init__(
        self,
        backend,
        scene_file=None,
        data_dir=None,
        split="train",
        max_pixels=DEFAULT_MAX_PIXELS,
    ):
        self.backend = backend
        self.labels = backend.labels
        self.max_pixels = max_pixels
        self._scenes = self._shape_scenes = None
        if data_dir:
            self._scenes = find_scenes(
                data_dir,
                split,
                use_instances=backend.use_instances,
                use_photos=False,
                labels=self.labels,
            ).take(_MAX_SCENES)
            self._shape_scenes = self._scenes.take(_SCENES_WITH_SHAPES)
        elif self.labels.names == CLASS_NAMES:
            size = self._default_size()
            self._scenes = DrawnStreets(_NUM_DRAWN, *size)
            self._shape_scenes = DrawnStreets(_NUM_DRAWN, *size, _SHAPE_SEED)
        self.opened = None
        if scene_file:
            self.opened = self.check_scene(load_scene(scene_file))

    def describe(self):
        """Returns the facts that the page starts with, a dict for JSON."""
        names = self.labels.names
        is_known = self.labels.things is not None
        image_size = self.backend.image_size
        return {
            "model": self.backend.name,
            "classes": [
                {"name": name, "color": list(color)}
                for name, color in zip(names, self.labels.colors, strict=True)
            ],
            "things": (
                [names.index(name) for name in self.labels.things]
                if is_known
                else None
            ),
            "style": self._describe_style(),
            "has_samples": self.backend.has_samples,
            "image_size": list(image_size) if image_size else None,
            "preview_steps": list(self.preview_steps),
            "max_pixels": self.max_pixels,
            "scenes": self.scene_names(),
            "first_scene": self._hash_opened(),
        }

    @property
    def preview_steps(self):
        """tuple of int, by which maps are scaled down for previews."""
        return () if self.backend.image_size else _PREVIEW_STEPS

    def scene_names(self):
        """Returns the names of the scenes that can be opened by number."""
        if self._scenes is None:
            return []
        return [self._scenes.stem(k) for k in range(len(self._scenes))]

    def first_scene(self):
        """Returns the scene that the editor opens with."""
        if self.opened is not None:
            return self.opened
        if self.scene_names():
            return self.open_scene(0)
        return self._make_scene(np.zeros(self._default_size(), int))

    def open_scene(self, number):
        """Returns a scene of the data set, or a drawn one.

        Args:
            number: int, its place in `scene_names`.

        Raises:
            RequestError: if there is no such scene.
            ValueError: if its files are damaged or do not fit the model.
        """
        if not 0 <= number < len(self.scene_names()):
            raise RequestError(404, f"There is no scene {number}.")
        maps = read_scene(self._scenes, number, self._resizing())
        scene = self._make_scene(maps["label_map"], maps.get("instance_map"))
        return self.check_scene(scene)

    def check_scene(self, scene):
        """Returns a scene if this editor can show it.

        Args:
            scene: `EditableScene`.

        Raises:
            ValueError: if it has other classes than the model, too many pixels
                or a size that the model does not make.
        """
        height, width = scene.size
        if scene.labels.names != self.labels.names:
            raise ValueError(
                f"This scene has other classes than the model: "
                f"{scene.labels}, but {self.labels}. Open it with the model "
                "that it was made for."
            )
        if height * width > self.max_pixels:
            raise ValueError(
                f"This scene has {width}x{height} pixels, more than "
                f"{self.max_pixels:,}. Scale it down, or start the editor with "
                "a larger --max_pixels."
            )
        expected = self.backend.image_size
        if expected not in (None, scene.size):
            raise ValueError(
                f"This model makes images of {expected[1]}x{expected[0]} "
                f"pixels alone. The scene has {width}x{height}."
            )
        return scene

    @functools.cached_property
    def shapes(self):
        """`ShapeLibrary` to stamp from; cut when it is first used."""
        if self._shape_scenes is None:
            return ShapeLibrary([])
        return ShapeLibrary.cut(
            self._shape_scenes, self.labels, per_class=_SHAPES_PER_CLASS
        )

    def describe_shapes(self):
        """Returns the shapes for the page, a list of dicts for JSON."""
        return [
            {
                "class": self.labels.index(shape.name),
                "width": shape.mask.shape[1],
                "height": shape.mask.shape[0],
                "scene_height": shape.scene_size[0],
                "mask": _as_png(shape.mask),
            }
            for shape in self.shapes.shapes
        ]

    def _describe_style(self):
        style, clusters = self.backend.style, self.backend.clusters
        if style is None:
            return None
        centers, thumbnails = {}, {}
        if clusters is not None:
            is_image = style["regions"] == "image"
            for label in range(1 if is_image else len(self.labels)):
                centers[label] = clusters.of_class(label).tolist()
            thumbnails = clusters.thumbnails
        return {**style, "centers": centers, "thumbnails": thumbnails}

    def _hash_opened(self):
        """Returns a name of the given scene, by which a page keeps edits."""
        if self.opened is None:
            return None
        return hashlib.sha256(dump_scene(self.opened).encode()).hexdigest()

    def _default_size(self):
        """Returns the size of scenes that no file gives."""
        width = self.backend.scene_width or _DEFAULT_WIDTH
        return self.backend.image_size or (width // 2, width)

    def _resizing(self):
        """Returns how scenes of the data set are scaled: as in training."""
        width = self.backend.scene_width
        if self.backend.image_size:
            width = self.backend.image_size[1]
        if not width:
            return ResizePolicy("none", size_multiple=1)
        return ResizePolicy("scale_width", width)

    def _make_scene(self, label_map, instance_map=None):
        return EditableScene(
            label_map,
            instance_map,
            self.labels,
            model_hash=self.backend.model_hash,
        )


def _as_png(mask):
    """Returns a mask as a PNG file in base64: opaque where it is true."""
    pixels = np.zeros((*mask.shape, 4), "uint8")
    pixels[mask] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
