"""Edited scenes with their photographs, written as a data set."""

import dataclasses
import hashlib
import json
import pathlib

import numpy as np

from hdgan.data.files import write_file
from hdgan.data.image_files import write_png
from hdgan.data.scene_dataset import read_scene
from hdgan.editing.edit_sampling import sample_edits
from hdgan.editing.edit_script import apply_edits
from hdgan.editing.map_files import maps_for_files
from hdgan.editing.scene import EditableScene
from hdgan.editing.styles import synthesize_scene
from hdgan.progress_bar import make_progress_bar


@dataclasses.dataclass(frozen=True)
class EditedFolders:
    """The folders of a data set of edited scenes.

    Each scene has its files in `SPLIT_label`, `SPLIT_inst` and, if photographs
    are made, `SPLIT_img`. The record of how it was made is in `SPLIT_edits`,
    written last: a scene with a record is complete.

    Args:
        output_dir: path of the data set.
        split: str, start of the folders' names.
    """

    output_dir: pathlib.Path
    split: str

    def folder(self, kind):
        """Returns the folder of a kind of files.

        Args:
            kind: `"label"`, `"inst"`, `"img"` or `"edits"`.
        """
        return pathlib.Path(self.output_dir) / f"{self.split}_{kind}"

    def make(self, labels, has_photos):
        """Makes the folders and writes the classes.

        Args:
            labels: `LabelSet`.
            has_photos: bool, whether there will be photographs.
        """
        for kind in ("label", "inst", "edits", *["img"] * has_photos):
            self.folder(kind).mkdir(parents=True, exist_ok=True)
        labels.save(pathlib.Path(self.output_dir) / "labels.json")

    def has_record(self, name, key):
        """Returns whether a scene is complete, and was made by these settings.

        Args:
            name: str, the scene's name, without ending.
            key: str, hash of everything that its making depends on.
        """
        try:
            record = json.loads(self._record(name).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(record, dict) and record.get("key") == key

    def write(self, name, scene, photo, record):
        """Writes a scene's files, its record last.

        Args:
            name: str, the scene's name, without ending.
            scene: `EditableScene`.
            photo: uint8 `(height, width, 3)`, or None.
            record: dict, for JSON.
        """
        label_map, instance_map = maps_for_files(scene)
        self._record(name).unlink(missing_ok=True)
        write_png(self.folder("label") / f"{name}.png", label_map)
        write_png(self.folder("inst") / f"{name}.png", instance_map)
        if photo is not None:
            write_png(self.folder("img") / f"{name}.png", photo)
        write_file(self._record(name), json.dumps(record, indent=1))

    def _record(self, name):
        return self.folder("edits") / f"{name}.json"


def edit_scenes(model, scenes, script, folders, resizing, labels, shapes=None):
    """Applies an edit script to every scene, with a progress bar.

    Args:
        model: `LabelToPhotoModel`; None writes maps without photographs.
        scenes: `SceneSource`.
        script: dict for `apply_edits`.
        folders: `EditedFolders`.
        resizing: `ResizePolicy` without a crop.
        labels: `LabelSet` of the scenes.
        shapes: `ShapeLibrary`, for objects to add. Defaults to None.

    Returns:
        Array of int, in how many scenes each edit changed something.

    Raises:
        ValueError: naming the scene and the edit that went wrong.
        OSError: if a file can't be written.
    """
    folders.make(labels, model is not None)
    progress = make_progress_bar(len(scenes))
    totals = np.zeros(len(script["edits"]), int)
    for index in range(len(scenes)):
        scene = read_editable_scene(scenes, index, resizing, labels)
        try:
            scene, counts = apply_edits(scene, script, model, shapes)
            photo = None if model is None else synthesize_scene(model, scene)
        except ValueError as error:
            raise ValueError(f"{scenes.place(index)}: {error}") from error
        source = scenes.names[index]
        record = {"source": source, **script, "counts": counts}
        folders.write(scenes.stem(index), scene, photo, record)
        totals += np.array(counts) > 0
        progress.add(1)
    return totals


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random edits of scenes: a pure function of scene, number and settings.

    Args:
        scenes: `SceneSource`.
        recipe: dict, as `load_recipe` returned it.
        folders: `EditedFolders`.
        resizing: `ResizePolicy` without a crop.
        labels: `LabelSet` of the scenes.
        shapes: `ShapeLibrary`, or None.
        samples: int, edited scenes per scene.
        seed: int >= 0.
        model_hash: str, the SHA-256 of the model's file.
    """

    scenes: object
    recipe: dict
    folders: EditedFolders
    resizing: object
    labels: object
    shapes: object
    samples: int
    seed: int
    model_hash: str

    def list_samples(self):
        """Returns `(index, number)` of each edited scene."""
        return [
            (index, number)
            for index in range(len(self.scenes))
            for number in range(self.samples)
        ]

    def is_done(self, index, number):
        """Returns whether a sample has been written by these settings.

        Args:
            index: int, position of the scene.
            number: int, number of the sample.
        """
        key = self._key(self._read(index), index, number)
        return self.folders.has_record(self._name(index, number), key)

    def make(self, model, index, number):
        """Edits a scene, makes its photograph and writes both.

        Args:
            model: `LabelToPhotoModel`.
            index: int, position of the scene.
            number: int, number of the sample.

        Raises:
            ValueError: naming the scene that went wrong.
            OSError: if a file can't be written.
        """
        scene = self._read(index)
        key = self._key(scene, index, number)
        rng = np.random.default_rng(int(key[:16], 16))
        try:
            scene, script = sample_edits(scene, self.recipe, rng, self.shapes)
            photo = synthesize_scene(model, scene)
        except ValueError as error:
            place = self.scenes.place(index)
            raise ValueError(f"{place}: {error}") from error
        record = {
            "source": self.scenes.names[index],
            "sample": number,
            **script,
            "seed": self.seed,
            "model": self.model_hash,
            "key": key,
        }
        self.folders.write(self._name(index, number), scene, photo, record)

    def _read(self, index):
        return read_editable_scene(
            self.scenes, index, self.resizing, self.labels
        )

    def _name(self, index, number):
        return f"{self.scenes.stem(index)}_edit{number}"

    def _key(self, scene, index, number):
        """Returns a hash of all that a sample depends on."""
        settings = (
            self.scenes.names[index],
            number,
            self.seed,
            self.model_hash,
            self.recipe,
        )
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        digest.update(scene.label_map.tobytes())
        digest.update(scene.instance_map.tobytes())
        return digest.hexdigest()


def augment(augmentation, model):
    """Makes all samples that are missing, with a progress bar.

    Args:
        augmentation: `Augmentation`.
        model: `LabelToPhotoModel`.

    Returns:
        int, samples that were there already.

    Raises:
        ValueError: naming the scene that went wrong.
        OSError: if a file can't be written.
    """
    samples = augmentation.list_samples()
    progress = make_progress_bar(len(samples))
    skipped = 0
    for index, number in samples:
        if augmentation.is_done(index, number):
            skipped += 1
        else:
            augmentation.make(model, index, number)
        progress.add(1)
    return skipped


def read_editable_scene(scenes, index, resizing, labels):
    """Reads a scene of a data set, to be edited.

    Args:
        scenes: `SceneSource`.
        index: int, position of the scene.
        resizing: `ResizePolicy` without a crop.
        labels: `LabelSet` of the scenes.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: naming the file that can't be read or has other ids.
    """
    arrays = read_scene(scenes, index, resizing)
    try:
        return EditableScene(
            arrays["label_map"], arrays.get("instance_map"), labels
        )
    except ValueError as error:
        raise ValueError(f"{scenes.place(index)}: {error}") from error
