"""COCO panoptic: images whose colors are ids of segments, and their classes."""

import pathlib

import numpy as np

from hdgan.data.image_files import read_photo
from hdgan.data.importing.class_table import VOID, ClassTable
from hdgan.data.importing.coco_json import (
    CocoFile,
    find_annotations,
    find_coco_split,
    find_photos,
)
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_folder,
    flat_name,
    join_inside,
    read_field,
)


def find(options):
    """Finds the scenes. Source: `train2017` and `annotations`.

    `annotations` holds `panoptic_train2017.json` and the unpacked folder
    `panoptic_train2017`. Label ids are the positions of the categories in the
    order of their ids. Pixels of no segment have no class.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    split = find_coco_split(options)
    path = find_annotations(
        options, f"annotations/panoptic_{split}.json", f"panoptic_{split}.json"
    )
    coco = CocoFile(path)
    photo_dir = find_photos(options, split)
    mask_dir = find_folder(
        source / options.mask_dir if options.mask_dir else path.with_suffix(""),
        advice=f"Unpack panoptic_{split}.zip beside the JSON file, or give the "
        "folder with --mask_dir.",
    )
    table = ClassTable(
        coco.make_classes(default_is_thing=False),
        (),
        options.things,
        options.ignore or (),
        has_void=True,
    )
    scenes, left_out = [], []
    for number, image in coco.images.items():
        photo = join_inside(photo_dir, image["file_name"], path)
        # One annotation per image, with a segment each.
        annotations = coco.annotations[number]
        if len(annotations) != 1:
            left_out.append(
                f"{photo}: {path} has {len(annotations)} annotations of it. "
                "Expected one."
            )
            continue
        name = read_field(annotations[0], "file_name", str, path)
        mask = join_inside(mask_dir, name, path)
        segments = read_field(annotations[0], "segments_info", list, path)
        scenes.append(
            SourceScene(
                flat_name(photo_dir, photo),
                photo,
                _reader(mask, segments, path, table),
            )
        )
    return Source(table, scenes, left_out=left_out)


def _reader(mask, segments, path, table):
    def read(size):
        colors = read_photo(mask).astype("int32")
        ids = colors @ np.array([1, 256, 65536], "int32")
        found, numbers = np.unique(ids, return_inverse=True)
        label_of = np.full(len(found), -2, "int32")
        object_of = np.zeros(len(found), "int32")
        label_of[found == 0] = VOID
        for segment in segments:
            number = read_field(segment, "id", int, path)
            category = read_field(segment, "category_id", int, path)
            label = table.label_of(category)
            if label == -2:
                raise ValueError(
                    f"{path}: a segment of {mask.name} has the category "
                    f"{category}, which the file does not list. Correct it."
                )
            label_of[found == number] = label
            if not segment.get("iscrowd"):
                # By position, because ids go up to 2^24.
                object_of[found == number] = np.flatnonzero(found == number) + 1
        unknown = found[label_of == -2]
        if unknown.size:
            raise ValueError(
                f"{mask} holds the segment {unknown[0]}, which {path} does not "
                "list. Expected the mask and the JSON file of one release."
            )
        shape = ids.shape
        return SourceMaps(
            label_of[numbers].reshape(shape),
            object_of[numbers].reshape(shape),
            path=mask,
        )

    return read
