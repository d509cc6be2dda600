"""Objects in COCO's JSON format, drawn over a background."""

import pathlib

import numpy as np

from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.coco_json import CocoFile, find_annotations
from hdgan.data.importing.coco_objects import draw_object, sort_for_painting
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_folder,
    flat_name,
    join_inside,
    read_field,
)

_BACKGROUND = "background"


def find(options):
    """Finds the scenes. Source: photographs, and a JSON file.

    Class 0 is the background, and the categories follow in the order of their
    ids; all of them are things. Larger objects are painted first. Images
    without annotations are left out.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    path = find_annotations(
        options,
        "annotations.json",
        f"annotations/instances_{options.split}.json",
        f"annotations/instances_{options.split}2017.json",
    )
    coco = CocoFile(path)
    photo_dir = _find_photo_dir(options)
    table, position_of = _make_table(coco, options)
    scenes, left_out = [], []
    for number, image in coco.images.items():
        photo = join_inside(photo_dir, image["file_name"], path)
        annotations = coco.annotations[number]
        if not annotations:
            left_out.append(f"{photo}: {path} has no annotation of it.")
            continue
        scenes.append(
            SourceScene(
                flat_name(photo_dir, photo),
                photo,
                _reader(image, annotations, path, table, position_of),
            )
        )
    return Source(table, scenes, left_out=left_out)


def _find_photo_dir(options):
    source = pathlib.Path(options.source)
    names = (options.photo_dir,)
    if options.photo_dir is None:
        split = options.split
        names = (split, f"{split}2017", f"images/{split}", "images")
    return find_folder(
        *(source / name for name in names),
        advice="Give the folder of the photographs with --photo_dir.",
    )


def _make_table(coco, options):
    """Returns the classes, and a dict from a category's id to its position."""
    classes = coco.make_classes(default_is_thing=True)
    # Some tools export the background as a category.
    others = [c for c in classes if c.name != _BACKGROUND]
    colors = [c.color for c in classes if c.name == _BACKGROUND] or [(0, 0, 0)]
    ordered = [SourceClass(0, _BACKGROUND, colors[0])]
    ordered += [
        SourceClass(position, c.name, c.color, c.is_thing)
        for position, c in enumerate(others, start=1)
    ]
    position_of = {c.source_id: 0 for c in classes}
    position_of.update({c.source_id: k for k, c in enumerate(others, start=1)})
    table = ClassTable(ordered, (), options.things, options.ignore or ())
    return table, position_of


def _reader(image, annotations, path, table, position_of):
    def read(size):
        declared = tuple(
            read_field(image, name, int, path) for name in ("height", "width")
        )
        if declared != size:
            raise ValueError(
                f"{path}: {image['file_name']} has {declared[1]}x{declared[0]} "
                f"pixels there (width x height), but the photograph has "
                f"{size[1]}x{size[0]}. Expected the photographs that were "
                "annotated: don't resize or turn them."
            )
        positions = np.zeros(size, "int32")
        objects = np.zeros(size, "int32")
        ordered = sort_for_painting(annotations, *size, path)
        for number, annotation in enumerate(ordered, start=1):
            category = read_field(annotation, "category_id", int, path)
            if category not in position_of:
                raise ValueError(
                    f"{path}: annotation {annotation.get('id')} has the "
                    f"category {category}, which the file does not list. "
                    "Correct it."
                )
            mask = draw_object(annotation, *size, path)
            positions[mask] = position_of[category]
            objects[mask] = 0 if annotation.get("iscrowd") else number
        return SourceMaps(table.convert(path, positions), objects, path=path)

    return read
