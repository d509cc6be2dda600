"""The CMP Facade Database: rectified facades with 12 classes."""

import pathlib

from hdgan.data.image_files import read_id_map
from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_folder,
    list_files,
    pair,
)

# As in label_names.txt, with ids from 1.
_NAMES = (
    *("background", "facade", "window", "door", "cornice", "sill", "balcony"),
    *("blind", "deco", "molding", "pillar", "shop"),
)


def find(options):
    """Finds the scenes. Source: the folder with `base` or `extended`.

    Photographs are `*.jpg`, and palette images of the classes `*.png` beside
    them. `source_split` is `base` by default. The XML files of rectangles are
    not read, because the images hold them painted.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    if options.source_split is None and source.name in ("base", "extended"):
        folder = source
    else:
        folder = find_folder(source / (options.source_split or "base"))
    classes = [SourceClass(k, n) for k, n in enumerate(_NAMES, start=1)]
    table = ClassTable(classes, (), options.things, options.ignore or ())
    photos = list_files(folder, (".jpg", ".jpeg"))
    pairs, problems = pair(photos, list_files(folder, (".png",)), options)
    scenes = [
        SourceScene(name, photo, _reader(mask, table))
        for name, photo, mask in pairs
    ]
    return Source(table, scenes, problems)


def _reader(mask, table):
    return lambda size: SourceMaps(
        table.convert(mask, read_id_map(mask)), path=mask
    )
