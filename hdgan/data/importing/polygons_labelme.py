"""LabelMe's JSON files of polygons, one per photograph."""

import pathlib
import re

import numpy as np

from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.labelme_shapes import draw_shape
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_file,
    find_folder,
    flat_name,
    join_inside,
    read_field,
    read_json,
    read_names,
)
from hdgan.data.printable import printable

_BACKGROUND = "background"
# The names of LabelMe's own lists of classes.
_BACKGROUND_NAMES = (_BACKGROUND, "_background_")
_IGNORED = "__ignore__"


def find(options):
    """Finds the scenes. Source: JSON files, in sub-folders too.

    A photograph is where its JSON file says, or under the same name in
    `photo_dir`. Class 0 is the background, and all other classes are things.
    Shapes of one label and group are one object. Later shapes cover earlier
    ones, as in LabelMe.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    output_dir = pathlib.Path(options.output_dir).absolute()
    paths = [
        path
        for path in sorted(source.rglob("*.json"))
        # An import into a folder of the source writes JSON files, too.
        if output_dir not in path.absolute().parents
    ]
    if not paths:
        raise ValueError(
            f"{source} holds no JSON files. Expected those that LabelMe "
            "writes, one per photograph."
        )
    problems = []
    if options.names_file is not None:
        paths, problems = _choose(source, paths, options.names_file)
    photo_dir = None
    if options.photo_dir is not None:
        photo_dir = find_folder(source / options.photo_dir)
    contents = {}
    for path in paths:
        try:
            contents[path] = _read(path, photo_dir)
        except ValueError as error:
            problems.append(str(error))
    labels = [labels for _, labels in contents.values()]
    table, ids = _make_table(options, labels)
    scenes = [
        SourceScene(flat_name(source, path), photo, _reader(path, table, ids))
        for path, (photo, _) in contents.items()
    ]
    return Source(table, scenes, problems)


def _choose(source, paths, names_file):
    """Returns the JSON files of the scenes that a list names, and problems."""
    by_name = {flat_name(source, path): path for path in paths}
    names = [name.removesuffix(".json") for name in read_names(names_file)]
    problems = [
        f"{names_file} names {name!r}, but {source} has no such JSON file. "
        "Correct the list."
        for name in names
        if name not in by_name
    ]
    return [by_name[name] for name in names if name in by_name], problems


def _read(path, photo_dir):
    """Returns the photograph of a JSON file and the set of its labels."""
    content = read_json(path)
    image_path = read_field(content, "imagePath", str, path)
    if photo_dir is not None:
        image_path = re.split(r"[/\\]", image_path)[-1]
    try:
        photo = join_inside(photo_dir or path.parent, image_path, path)
    except ValueError as error:
        raise ValueError(
            f"{error} If the photograph is in another folder, give it with "
            "--photo_dir."
        ) from error
    find_file(
        photo,
        advice=f"{path} names it: put the photograph there, or give its folder "
        "with --photo_dir.",
    )
    shapes = read_field(content, "shapes", list, path)
    return photo, {read_field(shape, "label", str, path) for shape in shapes}


def _make_table(options, labels):
    """Returns the classes, and a dict from a label to its source id."""
    found = set().union(*labels)
    names, has_ignored = sorted(found), _IGNORED in found
    if options.classes_file is not None:
        names, has_ignored = _read_class_names(options.classes_file)
    names = [n for n in names if n not in (*_BACKGROUND_NAMES, _IGNORED)]
    classes = [SourceClass(0, _BACKGROUND)]
    classes += [
        SourceClass(number, name, None, True)
        for number, name in enumerate(names, start=1)
    ]
    ids = {c.name: c.source_id for c in classes}
    ids |= dict.fromkeys(_BACKGROUND_NAMES, 0)
    ids[_IGNORED] = len(classes)
    table = ClassTable(
        classes,
        [ids[_IGNORED]],
        options.things,
        options.ignore or (),
        has_void=has_ignored or bool(options.ignore),
    )
    if not has_ignored:
        del ids[_IGNORED]
    return table, ids


def _read_class_names(path):
    """Returns the names, and whether there may be pixels without a class."""
    if pathlib.Path(path).suffix.lower() != ".json":
        names = read_names(path)
        return names, _IGNORED in names
    content = read_json(path)
    names = read_field(content, "names", list, path)
    return names, bool(content.get("ignore_ids"))


def _reader(path, table, ids):
    def read(size):
        # Again, because embedded photographs are too large to keep.
        content = read_json(path)
        for name, side in zip(("imageHeight", "imageWidth"), size, strict=True):
            if content.get(name) not in (None, side):
                raise ValueError(
                    f"{path}: {name} is {content[name]}, but the photograph "
                    f"has {side} pixels. Expected the photograph that was "
                    "annotated: don't resize or turn it."
                )
        source_ids = np.zeros(size, "int32")
        objects = np.zeros(size, "int32")
        number_of = {}
        for number, shape in enumerate(content["shapes"]):
            name = f"{path}: shape {number}"
            label = shape["label"]
            if label not in ids:
                raise ValueError(
                    f"{name} has the label {printable(label)!r}, which is no "
                    f"class. Expected one of {', '.join(ids)}. Correct it, or "
                    "add the class to the list."
                )
            group = shape.get("group_id")
            key = number if group is None else str(group)
            mask = draw_shape(name, shape, *size)
            source_ids[mask] = ids[label]
            objects[mask] = number_of.setdefault(key, len(number_of) + 1)
        return SourceMaps(table.convert(path, source_ids), objects, path=path)

    return read
