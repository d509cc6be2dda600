"""Cityscapes, as downloaded, with 35 label ids or the 19 training ids."""

import pathlib

import numpy as np

from hdgan.data.cityscapes_layout import is_cityscapes_layout, list_cityscapes
from hdgan.data.image_files import read_id_map
from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_folder,
)
from hdgan.data.scene_files import check_same_size


def find(options):
    """Finds the scenes. Source: `gtFine` and `leftImg8bit`.

    With the training ids, objects of classes that are not trained have no ids.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = _find_source(options)
    table = _make_table(options)
    keeps_ids = (
        options.labels != "cityscapes19"
        and options.things is None
        and not options.ignore
    )
    scenes, problems = [], []
    split = options.source_split or options.split
    for name, paths in list_cityscapes(source, split).items():
        missing = [
            kind
            for kind, path in zip(
                ("label map", "instance map", "photograph"), paths, strict=True
            )
            if path is None
        ]
        if missing:
            problems.append(
                f"{source}: the scene {name} of the split {split} has no "
                f"{' and no '.join(missing)}. Add the files, or remove its "
                "others."
            )
            continue
        scenes.append(
            SourceScene(name, paths[2], _reader(*paths[:2], table, keeps_ids))
        )
    return Source(table, scenes, problems)


def _find_source(options):
    source = pathlib.Path(options.source)
    if not is_cityscapes_layout(source):
        for name in ("gtFine", "leftImg8bit"):
            find_folder(
                source / name,
                advice="Unpack gtFine_trainvaltest.zip and "
                "leftImg8bit_trainvaltest.zip into one folder and give that "
                "as --source.",
            )
    return source


def _make_table(options):
    # Plain data; preprocessing is built upon this department.
    from hdgan.preprocessing.named_label_sets import (
        CITYSCAPES_THINGS,
        CITYSCAPES_TRAINED,
        NAMED_LABEL_SETS,
    )

    classes = [
        SourceClass(number, name, color, name in CITYSCAPES_THINGS)
        for number, (name, color) in enumerate(NAMED_LABEL_SETS["cityscapes35"])
    ]
    void_ids = ()
    if options.labels == "cityscapes19":
        void_ids = {*range(len(classes))} - {*CITYSCAPES_TRAINED}
        classes = [classes[k] for k in CITYSCAPES_TRAINED]
    return ClassTable(classes, void_ids, options.things, options.ignore or ())


def _reader(label_path, instance_path, table, keeps_ids):
    def read(size):
        label_ids = read_id_map(label_path)
        instance_ids = read_id_map(instance_path)
        check_same_size(
            label_path, label_ids.shape, instance_path, instance_ids.shape
        )
        labels = table.convert(label_path, label_ids)
        objects = np.where(instance_ids >= 1000, instance_ids, 0)
        return SourceMaps(
            labels,
            objects,
            instance_ids if keeps_ids else None,
            label_path,
        )

    return read
