"""PASCAL VOC's segmentations: palette images of classes and of objects."""

import pathlib

import numpy as np

from hdgan.data.image_files import read_id_map
from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_file,
    find_folder,
    join_inside,
    read_names,
)
from hdgan.data.scene_files import check_same_size

_VOID = 255
_NAMES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus"),
    *("car", "cat", "chair", "cow", "diningtable", "dog", "horse"),
    *("motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
    "tvmonitor",
)


def find(options):
    """Finds the scenes. Source: `VOCdevkit/VOC2012`, or the folder above it.

    The split's list is `ImageSets/Segmentation/{split}.txt`. Colors are those
    of VOC's palette.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    inner = sorted(source.glob("VOC20*"))
    if not (source / "ImageSets").is_dir() and len(inner) == 1:
        source = inner[0]
    folders = {
        name: find_folder(
            source / name,
            advice="--source is the folder with ImageSets, JPEGImages and "
            "SegmentationClass, such as VOCdevkit/VOC2012.",
        )
        for name in ("JPEGImages", "SegmentationClass", "SegmentationObject")
    }
    split = options.source_split or options.split
    list_file = find_file(
        source / "ImageSets" / "Segmentation" / f"{split}.txt",
        advice="VOC has the splits train, val and trainval: choose one with "
        "--source_split.",
    )
    classes = [SourceClass(k, n, None, k > 0) for k, n in enumerate(_NAMES)]
    table = ClassTable(classes, [_VOID], options.things, options.ignore or ())
    scenes = []
    for name in read_names(list_file):
        paths = [
            join_inside(folder, f"{name}{suffix}", list_file)
            for folder, suffix in zip(
                folders.values(), (".jpg", ".png", ".png"), strict=True
            )
        ]
        scenes.append(SourceScene(name, paths[0], _reader(*paths[1:], table)))
    return Source(table, scenes)


def _reader(class_path, object_path, table):
    def read(size):
        labels = table.convert(class_path, read_id_map(class_path))
        objects = read_id_map(object_path)
        check_same_size(class_path, labels.shape, object_path, objects.shape)
        objects = np.where(objects == _VOID, 0, objects)
        return SourceMaps(labels, objects, path=class_path)

    return read
