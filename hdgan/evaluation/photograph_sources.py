"""Where the photographs that are evaluated come from."""

import pathlib

import tensorflow as tf

from hdgan.data.files import hash_file
from hdgan.data.image_files import PHOTO_SUFFIXES, list_images, read_photo
from hdgan.data.name_matching import match_files
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import read_scene

STYLES = ("drawn", "photo", "map")


class ModelPhotographs:
    """Photographs that a model synthesizes.

    Args:
        model: `LabelToPhotoModel` with labels.
        scenes: `SceneFiles`.
        policy: `ResizePolicy` of the scenes. Defaults to None, the size that
            they have.
        samples: int >= 1, different photographs of each scene. Defaults to 1.
        styles: `"drawn"`, `"photo"`, the styles of the real photograph, or
            `"map"`, those of the scene's style map. Defaults to None: drawn if
            the model can draw them, or else what it was trained with.
        seed: int, of the first sample. Defaults to 0.
        file: path of the model, for the report. Defaults to None.

    Raises:
        ValueError: if the model can't do as asked.
    """

    def __init__(
        self,
        model,
        scenes,
        policy=None,
        samples=1,
        styles=None,
        seed=0,
        file=None,
    ):
        self.scenes = scenes
        self._model = model
        self._policy = policy
        self._samples = samples
        self._seed = seed
        self._file = file
        self._styles = _choose_styles(model, scenes, styles)
        has_noise = bool(model.generator.dropout_rate)
        if samples > 1 and not has_noise and self._styles != "drawn":
            raise ValueError(
                f"{samples} samples of each scene were asked for, but this "
                "model draws nothing: it has neither dropout nor styles that "
                "are drawn. Leave out --samples."
            )
        self._has_noise = samples > 1 and has_noise

    def read(self, index):
        """Returns a scene and the photographs that were generated of it.

        Args:
            index: int, position of the scene.

        Returns:
            Dict of NumPy arrays, as `SceneFiles.read` gives, and list of uint8
            `(height, width, 3)` of the same size.
        """
        if self._policy is None:
            scene = self.scenes.read(index)
        else:
            scene = read_scene(self.scenes, index, self._policy)
        inputs = {
            name: scene[name]
            for name in ("label_map", "instance_map", "style_map")
            if name in scene
        }
        if self._styles == "photo":
            inputs["style_photo"] = scene["photo"]
        photos = []
        for number in range(self._samples):
            seed = self._seed + number
            seeds = {"style_seed": seed} if self._styles == "drawn" else {}
            if self._has_noise:
                seeds["noise_seed"] = seed
            photos.append(self._model.synthesize(**inputs, **seeds))
        return scene, photos

    def describe(self):
        """Returns what a report says of the photographs, as a dict."""
        file = self._file and pathlib.Path(self._file)
        return {
            "model": {
                "file": file and file.name,
                "sha256": file and hash_file(file),
                "family": type(self._model).__name__,
                "preset": self._model.preset,
            },
            "samples": self._samples,
            "styles": self._styles,
            "seed": self._seed,
            "width": self._policy.load_size if self._policy else "as stored",
            "resampling": "photographs bicubic, antialiased; maps nearest",
        }


def _choose_styles(model, scenes, styles):
    """Returns one of `STYLES`, or None for a generator without styles."""
    possible = {
        "drawn": bool(model.draws_styles),
        "photo": model.encoder is not None and "photo" in scenes.kinds,
        "map": "style_map" in scenes.kinds,
    }
    if not model.style_channels:
        if styles is not None:
            raise ValueError(
                f"--styles={styles} was given, but this model's generator "
                "takes no styles. Leave it out."
            )
        return None
    if styles is None:
        # A style map that was asked for is used.
        if possible["map"]:
            return "map"
        styles = "drawn" if possible["drawn"] else "photo"
    if not possible[styles]:
        raise ValueError(
            f"This model can't take its styles by --styles={styles}. It can "
            f"by: {', '.join(n for n in STYLES if possible[n]) or 'none'}."
        )
    return styles


class FolderPhotographs:
    """Photographs in a folder, whatever made them.

    Args:
        folder: path of the images, whose names agree with those of the label
            maps.
        scenes: `SceneFiles`.
        load_size: int, width in pixels that all images and maps are scaled to;
            0 or None for the size of each photograph in the folder. Defaults
            to None.
        pair_cores: bool, as in `match_files`. Defaults to False.

    Raises:
        ValueError: if a file has no partner.
    """

    def __init__(self, folder, scenes, load_size=None, pair_cores=False):
        self.scenes = scenes
        self._folder = pathlib.Path(folder)
        self._load_size = load_size
        files = list_images(folder, PHOTO_SUFFIXES)
        self._files = match_files(
            [pathlib.Path(name) for name in scenes.names], files, pair_cores
        )

    def read(self, index):
        """Returns a scene and its photograph, as `ModelPhotographs.read`."""
        file = self._files[index]
        photo = read_photo(file)
        width = self._load_size or photo.shape[1]
        policy = ResizePolicy("scale_width", width)
        scene = read_scene(self.scenes, index, policy)
        size = scene["label_map"].shape
        if photo.shape[1] != width or photo.shape[:2] != size:
            given = photo.shape
            # The key stands for what has the size.
            scaled = policy.scale({"label_map": tf.constant(photo)})
            photo = scaled["label_map"].numpy()
            if photo.shape[:2] != size:
                raise ValueError(
                    f"{file} is {given[1]}x{given[0]} pixels (width x height). "
                    f"{self.scenes.place(index)} is {size[1]}x{size[0]} at "
                    f"the width of {width}. Expected the same proportions."
                )
        return scene, [photo]

    def describe(self):
        """Returns what a report says of the photographs, as a dict."""
        return {
            "images": self._folder.name,
            "samples": 1,
            "width": self._load_size or "that of the photographs",
            "resampling": "photographs bicubic, antialiased; maps nearest",
        }
