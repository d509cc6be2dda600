"""Mapillary Vistas: labels and instances in 16-bit images."""

import collections
import pathlib

from hdgan.data.image_files import read_id_map
from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_file,
    find_folder,
    list_files,
    pair,
    read_field,
    read_json,
)

_SPLITS = {"train": "training", "val": "validation", "test": "validation"}
_VERSIONS = ("v2.0", "v1.2")
_UNLABELED = "Unlabeled"


def find(options):
    """Finds the scenes. Source: `training/images`, `training/v2.0/instances`.

    The classes are those of `config_v2.0.json` or `config_v1.2.json`; in
    version 1.1, which has no folders for versions, of `config.json`. Unlabeled
    pixels have no class, unless `ignore` says otherwise.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    split = options.source_split or _SPLITS.get(options.split, options.split)
    version = options.version or _find_version(source, split)
    names = [f"config_{version}.json"] if version else []
    config = find_file(
        *(source / name for name in names or ["config.json"]),
        advice="It is in the download of Mapillary Vistas; --source is the "
        "folder that holds it.",
    )
    classes = _read_classes(config)
    ignore = options.ignore
    if ignore is None:
        ignore = [c.name for c in classes if c.name == _UNLABELED]
    table = ClassTable(classes, (), options.things, ignore)
    folder = source / split
    photos = list_files(find_folder(folder / "images"))
    masks = list_files(
        find_folder(folder / (version or "") / "instances"), (".png",)
    )
    pairs, problems = pair(photos, masks, options)
    scenes = [
        SourceScene(name, photo, _reader(mask, table))
        for name, photo, mask in pairs
    ]
    return Source(table, scenes, problems)


def _find_version(source, split):
    """Returns the newest version of the annotations; None in version 1.1."""
    for version in _VERSIONS:
        if (source / split / version).is_dir():
            return version
    return None


def _read_classes(path):
    labels = read_field(read_json(path), "labels", list, path)
    readable = [read_field(label, "readable", str, path) for label in labels]
    counts = collections.Counter(readable)
    classes = []
    for number, (label, name) in enumerate(zip(labels, readable, strict=True)):
        if counts[name] > 1:
            name = read_field(label, "name", str, path)
        color = tuple(read_field(label, "color", list, path))
        is_thing = read_field(label, "instances", bool, path)
        classes.append(SourceClass(number, name, color, is_thing))
    return classes


def _reader(mask, table):
    def read(size):
        ids = read_id_map(mask)
        labels = table.convert(mask, ids // 256)
        # From 1 on: the first object of a class has the number 0, and so do
        # pixels of classes whose objects are not counted.
        return SourceMaps(labels, ids % 256 + 1, path=mask)

    return read
