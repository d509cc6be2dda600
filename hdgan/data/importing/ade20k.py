"""ADE20K, the release for scene parsing with 150 classes."""

import pathlib

import numpy as np

from hdgan.data.image_files import read_id_map, read_photo
from hdgan.data.importing.class_table import ClassTable, SourceClass
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_file,
    find_folder,
    list_files,
    pair,
    read_text,
)
from hdgan.data.scene_files import check_same_size

_SPLITS = {"train": "training", "val": "validation", "test": "validation"}
# The 100 classes of the instance annotations of the Places Challenge 2017, in
# the order of their ids, 1..100, by their names in objectInfo150.txt.
_INSTANCE_NAMES = (
    """
bed|windowpane|cabinet|person|door|table|curtain|chair|car|painting|sofa|shelf
mirror|armchair|seat|fence|desk|wardrobe|lamp|bathtub|railing|cushion|box
column|signboard|chest of drawers|counter|sink|fireplace|refrigerator|stairs
case|pool table|pillow|screen door|bookcase|coffee table|toilet|flower|book
bench|countertop|stove|palm|kitchen island|computer|swivel chair|boat
arcade machine|bus|towel|light|truck|chandelier|awning|streetlight|booth
television|airplane|apparel|pole|bannister|ottoman|bottle|van|ship|fountain
washer|plaything|stool|barrel|basket|bag|minibike|oven|ball|food|step
trade name|microwave|pot|animal|bicycle|dishwasher|screen|sculpture|hood|sconce
vase|traffic light|tray|ashcan|fan|plate|monitor|bulletin board|radiator|glass
clock|flag
""".strip()
    .replace("\n", "|")
    .split("|")
)


def find(options):
    """Finds the scenes. Source: `images`, `annotations`, `objectInfo150.txt`.

    Objects come from `annotations_instance` of the Places Challenge 2017, if it
    is there, and are connected regions otherwise; in that case no class is a
    thing unless `things` says so.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    split = options.source_split or _SPLITS.get(options.split, options.split)
    instance_dir = source / "annotations_instance" / split
    has_instances = instance_dir.is_dir()
    table = ClassTable(
        _read_classes(source, has_instances),
        [0],
        options.things,
        options.ignore or (),
    )
    photos = list_files(find_folder(source / "images" / split))
    masks = list_files(find_folder(source / "annotations" / split), (".png",))
    pairs, problems = pair(photos, masks, options)
    scenes = []
    for name, photo, mask in pairs:
        instances = instance_dir / mask.name if has_instances else None
        scenes.append(SourceScene(name, photo, _reader(mask, instances, table)))
    return Source(table, scenes, problems)


def _read_classes(source, has_instances):
    path = find_file(
        source / "objectInfo150.txt",
        advice="It is in ADEChallengeData2016.zip; --source is the folder that "
        "holds it.",
    )
    rows = [line.split("\t") for line in read_text(path).splitlines()[1:]]
    rows = [row for row in rows if any(map(str.strip, row))]
    if not rows or not all(
        len(row) == 5 and row[0].strip().isdecimal() for row in rows
    ):
        raise ValueError(
            f"{path} has other columns. Expected Idx, Ratio, Train, Val, Name "
            "with tabs between, as in ADEChallengeData2016.zip."
        )
    # The first of several synonyms, which differ from class to class.
    firsts = [row[4].split(",")[0].strip() for row in rows]
    names = firsts
    if len(set(firsts)) < len(firsts):
        names = [row[4].strip() for row in rows]
    return [
        SourceClass(
            int(row[0]), name, None, has_instances and first in _INSTANCE_NAMES
        )
        for row, first, name in zip(rows, firsts, names, strict=True)
    ]


def _reader(mask, instances, table):
    def read(size):
        labels = table.convert(mask, read_id_map(mask))
        if instances is None:
            return SourceMaps(labels, path=mask)
        colors = read_photo(instances)
        check_same_size(mask, labels.shape, instances, colors.shape[:2])
        categories, objects = colors[..., 0], colors[..., 1].astype("int32")
        if categories.max() > len(_INSTANCE_NAMES):
            raise ValueError(
                f"{instances} has the category {categories.max()} in its red "
                f"channel. Expected 0..{len(_INSTANCE_NAMES)}: check that it "
                "is of annotations_instance."
            )
        # Instances were annotated apart from the classes. An object counts
        # where both agree on its class.
        label_of = np.full(len(_INSTANCE_NAMES) + 1, -2, "int32")
        for number, name in enumerate(_INSTANCE_NAMES, start=1):
            if name in table.names:
                label_of[number] = table.names.index(name)
        is_same = label_of[categories] == labels
        return SourceMaps(labels, np.where(is_same, objects, 0), path=mask)

    return read
