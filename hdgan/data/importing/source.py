"""The files, classes and scenes of a source."""

import collections
import dataclasses
import json
import os
import pathlib
import re
import typing
from collections.abc import Callable

import numpy as np

from hdgan.data.image_files import PHOTO_SUFFIXES
from hdgan.data.importing.class_table import ClassTable
from hdgan.data.printable import printable


class SourceMaps(typing.NamedTuple):
    """The maps of a scene, as a format reads them.

    Attributes:
        label_map: int32 `(height, width)`, labels and `VOID`.
        objects: int `(height, width)`, 0 for no object and else a number that
            tells the objects of a class apart. None if the source does not
            know: objects are then connected regions.
        instance_map: int `(height, width)`, ids that are coded already, which
            are written as they are. Defaults to None.
        path: path of the file that the maps come from, for errors. Defaults to
            None.
    """

    label_map: np.ndarray
    objects: np.ndarray | None = None
    instance_map: np.ndarray | None = None
    path: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True)
class SourceScene:
    """A scene of a source.

    Args:
        name: str, name of the files to write, without an ending.
        photo: path of the photograph.
        read: function from the photograph's `(height, width)` in pixels to
            `SourceMaps`. It raises `ValueError` that names the damaged file.
    """

    name: str
    photo: pathlib.Path
    read: Callable


@dataclasses.dataclass
class Source:
    """The classes and scenes that a format finds.

    Args:
        table: `ClassTable`.
        scenes: list of `SourceScene`.
        problems: list of str: a file, and why its scene can't be imported.
            Defaults to an empty one.
        left_out: list of str: a file, and why its scene is left out on
            purpose. Defaults to an empty one.
    """

    table: ClassTable
    scenes: list
    problems: list = dataclasses.field(default_factory=list)
    left_out: list = dataclasses.field(default_factory=list)


def find_folder(*candidates, advice="Check --source."):
    """Returns the first of some folders that exists.

    Args:
        *candidates: paths.
        advice: str, how to fix it, for the error.

    Raises:
        ValueError: if none is there. It lists what is there instead.
    """
    for folder in candidates:
        if folder.is_dir():
            return folder
    parent = candidates[0].parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    found = sorted(path.name for path in parent.iterdir())[:8]
    expected = " or ".join(map(str, candidates))
    raise ValueError(
        f"There is no folder {expected}. {parent} holds: "
        f"{', '.join(found) or 'nothing'}. {advice}"
    )


def find_file(*candidates, advice):
    """Returns the first of some files that exists.

    Args:
        *candidates: paths.
        advice: str, how to fix it, for the error.

    Raises:
        ValueError: if none is there.
    """
    for path in candidates:
        if path.is_file():
            return path
    expected = " or ".join(map(str, candidates))
    raise ValueError(f"There is no file {expected}. {advice}")


def list_files(folder, suffixes=PHOTO_SUFFIXES, end=""):
    """Lists files of a folder by their names without ending.

    Args:
        folder: path.
        suffixes: tuple of str, endings in lower case. Defaults to those of
            photographs.
        end: str, the end of the names before the ending, which is cut off.
            Other files are left out. Defaults to none.

    Returns:
        Dict from a name to its path, sorted by name.

    Raises:
        ValueError: if two files differ in their ending alone, or there are
            none.
    """
    found = collections.defaultdict(list)
    for path in sorted(folder.iterdir()):
        is_hidden = path.name.startswith(".")
        if path.suffix.lower() in suffixes and not is_hidden:
            found[path.stem].append(path)
    files = {}
    for stem, paths in found.items():
        if len(paths) > 1:
            raise ValueError(
                f"{paths[0]} and {paths[1].name} differ in their ending alone. "
                "Remove one of them, or rename it."
            )
        if stem.endswith(end) and stem != end:
            files[stem[: len(stem) - len(end)]] = paths[0]
    if not files:
        names = " or ".join(f"*{end}{suffix}" for suffix in suffixes)
        raise ValueError(f"{folder} holds no files {names}. Check the folder.")
    return files


def pair(photos, masks, options):
    """Pairs photographs and masks by name.

    Args:
        photos: dict from a name to a path.
        masks: dict from a name to a path.
        options: `ImportOptions`, whose `names_file` chooses scenes.

    Returns:
        List of `(name, photo, mask)`, and list of str, the problems: files
        without a match.
    """
    names = sorted({*photos, *masks})
    problems = []
    if options.names_file is not None:
        chosen = read_names(options.names_file)
        for name in chosen:
            if name not in photos:
                problems.append(
                    f"{options.names_file} names {printable(name)}, but there "
                    f"is no such photograph in {folder_of(photos)}. Correct "
                    "the list."
                )
        names = [name for name in chosen if name in photos]
    pairs = []
    for name in names:
        if name not in masks:
            problems.append(
                f"{photos[name]} has no mask in {folder_of(masks)}. Add it, or "
                "remove the photograph."
            )
        elif name not in photos:
            problems.append(
                f"{masks[name]} has no photograph in {folder_of(photos)}. Add "
                "it, or remove the mask."
            )
        else:
            pairs.append((name, photos[name], masks[name]))
    return pairs, problems


def folder_of(files):
    """Returns the folder of a dict of files, for errors."""
    return next(iter(files.values())).parent


def read_names(path):
    """Reads a text file with one name a line.

    Names may have endings of image files, which are dropped, and blank lines
    are skipped.

    Args:
        path: path of the file.

    Returns:
        List of str, without repetitions.

    Raises:
        ValueError: if the file can't be read or holds no name.
    """
    names = []
    for line in read_text(path).splitlines():
        name = line.strip()
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in PHOTO_SUFFIXES:
            name = stem
        if name:
            names.append(name)
    if not names:
        raise ValueError(f"{path} is empty. Expected one name a line.")
    return list(dict.fromkeys(names))


def read_text(path):
    """Reads a text file in UTF-8, with a byte order mark or without.

    Raises:
        ValueError: naming the file, if it can't be read.
    """
    try:
        return pathlib.Path(path).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} can't be read: {error}. Expected text in UTF-8."
        ) from error


def read_json(path):
    """Reads a JSON file that holds an object.

    Args:
        path: path of the file.

    Returns:
        dict.

    Raises:
        ValueError: naming the file, if it can't be read.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is no JSON file: {error}. It is damaged or incomplete: "
            "replace it."
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} holds a {type(content).__name__}. Expected a JSON object, "
            "{...}. Check that it is the right file."
        )
    return content


def read_field(record, name, kind, path):
    """Returns a field of a JSON object, and checks its type.

    Args:
        record: dict.
        name: str, the field.
        kind: type, or tuple of types.
        path: path of the file, for the error.

    Raises:
        ValueError: naming the file, if the field is missing or of another type.
    """
    value = record.get(name) if isinstance(record, dict) else None
    kinds = kind if isinstance(kind, tuple) else (kind,)
    # JSON's true is an int in Python.
    is_other = isinstance(value, bool) and bool not in kinds
    if not isinstance(value, kinds) or is_other:
        expected = " or ".join(k.__name__ for k in kinds)
        raise ValueError(
            f"{path}: expected a field {name!r} of the type {expected} in "
            f"{printable(record, 60)}. Received: {printable(value, 60)}. "
            "Correct the file."
        )
    return value


def join_inside(folder, name, path):
    """Returns the path of a file that an annotation names.

    Args:
        folder: path of the folder that must hold the file.
        name: str, path from there.
        path: path of the annotation's file, for the error.

    Raises:
        ValueError: if the name leads out of the folder.
    """
    parts = re.split(r"[/\\]", name)
    is_hostile = not all(parts) or {"..", "."} & {*parts} or ":" in parts[0]
    if is_hostile or not name.isprintable():
        raise ValueError(
            f"{path} names the file {printable(name)!r}. Expected a path "
            f"inside of {folder}, without '..'. Correct the file."
        )
    return folder.joinpath(*parts)


def flat_name(folder, path):
    """Returns the name of the scene of a file: its path, without slashes."""
    inner = path.relative_to(folder).with_suffix("")
    return "_".join(inner.parts)
