"""Writing the scenes of a source as the folders that training reads."""

import concurrent.futures
import dataclasses
import importlib
import io
import json
import os
import pathlib
import shutil

import numpy as np
from PIL import Image

from hdgan.data.files import replacing, write_file
from hdgan.data.image_files import PHOTO_SUFFIXES, read_photo, write_png
from hdgan.data.importing.class_table import (
    VOID,
    find_components,
    number_objects,
)
from hdgan.data.importing.options import FORMATS
from hdgan.data.printable import printable
from hdgan.data.scene_files import check_same_size
from hdgan.progress_bar import make_progress_bar


@dataclasses.dataclass(frozen=True)
class ImportResult:
    """The number of scenes that an import wrote, and the list of the others.

    Args:
        num_written: int, scenes that were written.
        num_kept: int, scenes that an earlier import had written.
        problems: tuple of str: a file, and why its scene was not imported.
        left_out: tuple of str: a file, and why its scene was left out on
            purpose.
        list_file: path of the text file that lists both, or None if there are
            none.
    """

    num_written: int
    num_kept: int
    problems: tuple
    left_out: tuple
    list_file: pathlib.Path | None


def import_data_set(options):
    """Imports a data set, with a progress bar.

    It writes `{split}_label`, `{split}_inst`, `{split}_img` and `labels.json`.
    Each file is written atomically. Scenes that an earlier import finished are
    kept, so that an import that was stopped goes on. Photographs are copied or
    linked as they are, never encoded again.

    Ids of instances are coded as in Cityscapes; `number_objects` has the rule.
    Instance maps are 16-bit PNG, or 32-bit TIFF if the classes are so many that
    ids exceed 65535.

    Args:
        options: `ImportOptions`.

    Returns:
        `ImportResult`. Scenes with damaged or missing files are listed in it;
        the others are written.

    Raises:
        ValueError: if the source has another layout, or the output folder
            holds an import with other options.
        OSError: if a file can't be written.

    Example:
        >>> options = ImportOptions("voc", "VOCdevkit/VOC2012", "data")
        >>> import_data_set(options)
    """
    if not pathlib.Path(options.source).is_dir():
        raise ValueError(
            f"--source={options.source}: there is no such folder. Unpack the "
            "data set and give the folder that holds it."
        )
    module = f"hdgan.data.importing.{FORMATS[options.format][0]}"
    source = importlib.import_module(module).find(options)
    writer = _SceneWriter(options, source)
    scenes = writer.choose_scenes()
    if not scenes:
        reasons = [*source.problems, *source.left_out, "it is empty"]
        raise ValueError(
            f"{options.source} holds no scene to import: {reasons[0]}"
        )
    writer.prepare()
    counts = _write_all(scenes, writer, source.problems)
    return ImportResult(
        *counts,
        tuple(source.problems),
        tuple(source.left_out),
        _write_list(options, source),
    )


def _write_all(scenes, writer, problems):
    """Writes all scenes; returns the numbers of those written and kept."""

    def write(scene):
        try:
            return writer.write(scene), None
        except ValueError as error:
            return None, str(error)

    counts = {True: 0, False: 0}
    progress = make_progress_bar(len(scenes))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for is_new, problem in pool.map(write, scenes):
                if problem is None:
                    counts[is_new] += 1
                else:
                    problems.append(problem)
                progress.add(1)
        except BaseException:
            # The pool would first write all other scenes.
            pool.shutdown(cancel_futures=True)
            print()  # So that the error gets its own line, below the bar.
            raise
    return counts[True], counts[False]


class _SceneWriter:
    """Writes scenes into the folders of a split.

    Args:
        options: `ImportOptions`.
        source: `Source`, whose problems are extended.
    """

    def __init__(self, options, source):
        self._options = options
        self._source = source
        self._table = source.table
        output_dir = pathlib.Path(options.output_dir)
        self._folders = {
            kind: output_dir / f"{options.split}_{kind}"
            for kind in ("label", "inst", "img")
        }
        is_large = self._table.highest_instance_id > 65535
        self._instance_suffix = ".tif" if is_large else ".png"

    def choose_scenes(self):
        """Returns the scenes whose files have names that can be written."""
        chosen, photo_of = [], {}
        for scene in self._source.scenes:
            problem = None
            other = photo_of.setdefault(scene.name, scene.photo)
            if other is not scene.photo:
                problem = (
                    f"{scene.photo} and {other} would both be written as "
                    f"{printable(scene.name)}. Rename one of them."
                )
            elif scene.photo.suffix.lower() not in PHOTO_SUFFIXES:
                problem = (
                    f"{scene.photo} ends in {scene.photo.suffix!r}. Expected "
                    f"a photograph: {', '.join(PHOTO_SUFFIXES)}. Convert it."
                )
            if problem is None:
                chosen.append(scene)
            else:
                self._source.problems.append(problem)
        return chosen

    def prepare(self):
        """Makes the folders; writes the classes and what is imported."""
        # Preprocessing is built upon this department.
        from hdgan.preprocessing.label_set import LabelSet

        try:
            labels = LabelSet(**self._table.make_config())
        except ValueError as error:
            raise ValueError(
                f"The classes of {self._options.source} can't be used: {error}"
            ) from error
        path = pathlib.Path(self._options.output_dir) / "labels.json"
        # Without scenes, the file is left from an import that failed.
        if path.exists() and any(path.parent.glob("*_label/*.png")):
            existing = LabelSet.load(path)
            if existing != labels or existing.things != labels.things:
                raise ValueError(
                    f"{path} has other classes than this import: {existing} "
                    f"there, {labels} here. Expected the same for all splits "
                    "of a data set: choose another --output_dir, or remove "
                    "that file and the import it belongs to."
                )
        self._check_record()
        for folder in self._folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        labels.save(path)

    def _check_record(self):
        """Compares the options with those of an earlier import; writes them.

        Finished scenes are kept, so they must not depend on what differs.
        """
        output_dir = pathlib.Path(self._options.output_dir)
        path = output_dir / f"{self._options.split}_import.json"
        config = _make_record(self._options)
        if path.exists() and any(self._folders["label"].glob("*.png")):
            try:
                earlier = json.loads(path.read_text("utf-8"))
            except ValueError as error:
                raise ValueError(
                    f"{path} is damaged: {error}. Remove it and the folders of "
                    "the split."
                ) from error
            for name, value in config.items():
                if earlier.get(name) == value:
                    continue
                raise ValueError(
                    f"{path}: an import with {name}={earlier.get(name)!r} was "
                    f"written there, but this one has {name}={value!r}. "
                    "Finished scenes are kept, so the two would be mixed: "
                    "choose another --output_dir or --split, or remove that "
                    "file and the folders of the split."
                )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, json.dumps(config, indent=1))

    def write(self, scene):
        """Writes a scene, unless all of its files are there.

        Args:
            scene: `SourceScene`.

        Returns:
            bool, whether it was written.

        Raises:
            ValueError: naming the file, if one can't be read, or sizes differ.
        """
        suffixes = {
            "label": ".png",
            "inst": self._instance_suffix,
            "img": scene.photo.suffix.lower(),
        }
        paths = {
            kind: self._folders[kind] / f"{scene.name}{suffix}"
            for kind, suffix in suffixes.items()
        }
        if all(path.is_file() for path in paths.values()):
            return False
        # Everything is read before anything is written.
        size = read_photo(scene.photo).shape[:2]
        maps = scene.read(size)
        path = maps.path or scene.photo
        check_same_size(path, maps.label_map.shape, scene.photo, size)
        instance_map = self._make_instance_map(path, maps)
        label_map = self._encode_void(maps.label_map)
        write_png(paths["label"], label_map)
        _write_ids(paths["inst"], instance_map)
        self._place_photo(scene.photo, paths["img"])
        return True

    def _make_instance_map(self, path, maps):
        if maps.instance_map is not None:
            return maps.instance_map
        table = self._table
        if maps.objects is None:
            objects = find_components(maps.label_map, table, table.things)
        else:
            regions = find_components(
                maps.label_map, table, table.regional_things
            )
            objects = np.where(regions > 0, regions, maps.objects)
        return number_objects(path, maps.label_map, objects, table)

    def _encode_void(self, label_map):
        coded = np.where(label_map == VOID, self._table.void_label, label_map)
        return coded.astype(self._table.label_dtype)

    def _place_photo(self, photo, path):
        with replacing(path) as temporary:
            if self._options.photos == "link":
                os.symlink(os.path.abspath(photo), temporary)
            else:
                shutil.copyfile(photo, temporary)


def _make_record(options):
    """Returns the options on which a finished scene depends."""
    config = dataclasses.asdict(options)
    # The classes are compared by themselves.
    for name in ("output_dir", "names_file", "classes_file"):
        del config[name]
    if options.unknown_colors == "error":
        # No color of a finished scene was beyond the tolerance.
        del config["tolerance"]
    config["source"] = os.path.abspath(config["source"])
    # As JSON gives it back, with lists for tuples.
    return json.loads(json.dumps(config, default=os.fspath))


def _write_ids(path, ids):
    """Writes a map of ids as 16-bit PNG or as 32-bit TIFF, atomically."""
    if path.suffix == ".png":
        write_png(path, ids.astype("uint16"))
        return
    buffer = io.BytesIO()
    image = Image.fromarray(ids.astype("int32"))
    image.save(buffer, "TIFF", compression="tiff_adobe_deflate")
    write_file(path, buffer.getvalue())


def _write_list(options, source):
    """Writes the list of what was not imported; returns its path, or None."""
    path = pathlib.Path(options.output_dir) / f"{options.split}_left_out.txt"
    lines = [
        *(f"error: {line}" for line in source.problems),
        *(f"left out: {line}" for line in source.left_out),
    ]
    if not lines:
        path.unlink(missing_ok=True)
        return None
    write_file(path, "\n".join(lines) + "\n")
    return path
