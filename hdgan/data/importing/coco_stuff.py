"""COCO-Stuff: maps of 182 classes of things and stuff."""

import pathlib

import numpy as np

from hdgan.data.image_files import read_id_map
from hdgan.data.importing.class_table import VOID, ClassTable, SourceClass
from hdgan.data.importing.coco_json import (
    CocoFile,
    find_annotations,
    find_coco_split,
    find_photos,
)
from hdgan.data.importing.coco_objects import draw_object, sort_for_painting
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_folder,
    list_files,
    pair,
    read_field,
)

_VOID = 255
# The ids of COCO, 1..182, are one more than those of the maps.
_NUM_THINGS = 91
_NAMES = (
    """
person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light
fire hydrant|street sign|stop sign|parking meter|bench|bird|cat|dog|horse|sheep
cow|elephant|bear|zebra|giraffe|hat|backpack|umbrella|shoe|eye glasses|handbag
tie|suitcase|frisbee|skis|snowboard|sports ball|kite|baseball bat
baseball glove|skateboard|surfboard|tennis racket|bottle|plate|wine glass|cup
fork|knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog
pizza|donut|cake|chair|couch|potted plant|bed|mirror|dining table|window|desk
toilet|door|tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster
sink|refrigerator|blender|book|clock|vase|scissors|teddy bear|hair drier
toothbrush|hair brush|banner|blanket|branch|bridge|building-other|bush|cabinet
cage|cardboard|carpet|ceiling-other|ceiling-tile|cloth|clothes|clouds|counter
cupboard|curtain|desk-stuff|dirt|door-stuff|fence|floor-marble|floor-other
floor-stone|floor-tile|floor-wood|flower|fog|food-other|fruit|furniture-other
grass|gravel|ground-other|hill|house|leaves|light|mat|metal|mirror-stuff|moss
mountain|mud|napkin|net|paper|pavement|pillow|plant-other|plastic|platform
playingfield|railing|railroad|river|road|rock|roof|rug|salad|sand|sea|shelf
sky-other|skyscraper|snow|solid-other|stairs|stone|straw|structural-other|table
tent|textile-other|towel|tree|vegetable|wall-brick|wall-concrete|wall-other
wall-panel|wall-stone|wall-tile|wall-wood|water-other|waterdrops|window-blind
window-other|wood
""".strip()
    .replace("\n", "|")
    .split("|")
)


def find(options):
    """Finds the scenes. Source: `train2017`, or `images/train2017`, and maps.

    The maps of `stuffthingmaps_trainval2017.zip` are in
    `stuffthingmaps/train2017` or `annotations/train2017`. Objects come from the
    file of `annotations`, such as `annotations/instances_train2017.json`;
    without it, no class is a thing unless `things` says so, and objects are
    connected regions.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    source = pathlib.Path(options.source)
    split = find_coco_split(options)
    mask_dirs = [f"stuffthingmaps/{split}", f"annotations/{split}"]
    if options.mask_dir is not None:
        mask_dirs = [options.mask_dir]
    mask_dir = find_folder(
        *(source / name for name in mask_dirs),
        advice="Unpack stuffthingmaps_trainval2017.zip there, or give the "
        "folder with --mask_dir.",
    )
    coco = None
    if options.annotations is not None:
        coco = CocoFile(find_annotations(options))
    classes = [
        SourceClass(k, name, None, coco is not None and k < _NUM_THINGS)
        for k, name in enumerate(_NAMES)
    ]
    table = ClassTable(classes, [_VOID], options.things, options.ignore or ())
    masks = list_files(mask_dir, (".png",))
    pairs, problems = pair(
        list_files(find_photos(options, split)), masks, options
    )
    number_of = {}
    if coco is not None:
        number_of = {
            pathlib.PurePath(image["file_name"]).stem: number
            for number, image in coco.images.items()
        }
    scenes = [
        SourceScene(
            name, photo, _reader(mask, table, coco, number_of.get(name))
        )
        for name, photo, mask in pairs
    ]
    return Source(table, scenes, problems)


def _reader(mask, table, coco, number):
    def read(size):
        labels = table.convert(mask, read_id_map(mask))
        if coco is None:
            return SourceMaps(labels, path=mask)
        if number is None:
            raise ValueError(
                f"{mask}: {coco.path} has no image of that name. Expected the "
                "annotations of the same split."
            )
        return SourceMaps(
            labels,
            _draw_objects(labels, coco, number, table),
            path=mask,
        )

    return read


def _draw_objects(labels, coco, number, table):
    """Returns the map of objects, where they have the class of the label map.

    Boundaries of objects differ by some pixels between the two sources.
    """
    objects = np.zeros(labels.shape, "int32")
    ordered = sort_for_painting(
        coco.annotations[number], *labels.shape, coco.path
    )
    for position, annotation in enumerate(ordered, start=1):
        category = read_field(annotation, "category_id", int, coco.path)
        label = table.label_of(category - 1)
        if label == -2:
            raise ValueError(
                f"{coco.path}: annotation {annotation.get('id')} has the "
                f"category {category}. Expected those of COCO, 1..182."
            )
        if annotation.get("iscrowd") or label == VOID:
            continue
        mask = draw_object(annotation, *labels.shape, coco.path)
        objects[mask & (labels == label)] = position
    return objects
