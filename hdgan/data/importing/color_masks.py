"""Masks of your own that show the classes in colors."""

import pathlib

from hdgan.data.importing.class_table import ClassTable
from hdgan.data.importing.color_table import read_color_mask, read_color_table
from hdgan.data.importing.source import (
    Source,
    SourceMaps,
    SourceScene,
    find_file,
    find_folder,
    list_files,
    pair,
)


def find(options):
    """Finds the scenes. Source: `images`, `masks` and `colors.txt`.

    Label ids are the positions in the color table. Objects are connected
    regions of the classes that `things` names.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    return find_masks(
        options,
        photo_dir=options.photo_dir or "images",
        mask_dir=options.mask_dir or "masks",
        mask_end=options.mask_suffix or "",
        color_table=options.color_table or "colors.txt",
        ignore=options.ignore or (),
    )


def find_masks(options, photo_dir, mask_dir, mask_end, color_table, ignore):
    """Finds photographs and masks of colors.

    Args:
        options: `ImportOptions`.
        photo_dir: path of the photographs, from the source.
        mask_dir: path of the masks, from the source.
        mask_end: str, end of the masks' names that photographs don't have.
        color_table: path of the color table, from the source.
        ignore: iterable of str, names of classes that are left out; None for
            the class "Void", if there is one.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file is missing or damaged.
    """
    source = pathlib.Path(options.source)
    path = find_file(
        source / color_table,
        advice="Write the classes there, one a line: RED GREEN BLUE NAME; or "
        "give the file with --color_table.",
    )
    classes = read_color_table(path)
    if ignore is None:
        ignore = [c.name for c in classes if c.name == "Void"]
    ignores_unknown = options.unknown_colors == "ignore"
    table = ClassTable(
        classes,
        (),
        options.things,
        ignore,
        has_void=ignores_unknown or bool(ignore),
    )
    photos = list_files(
        find_folder(
            source / photo_dir,
            advice="Give the folder of the photographs with --photo_dir.",
        )
    )
    masks = list_files(
        find_folder(
            source / mask_dir,
            advice="Give the folder of the masks with --mask_dir.",
        ),
        end=mask_end,
    )
    pairs, problems = pair(photos, masks, options)

    def make_reader(mask):
        return lambda size: SourceMaps(
            read_color_mask(
                mask, classes, table, options.tolerance, ignores_unknown
            ),
            path=mask,
        )

    scenes = [
        SourceScene(name, photo, make_reader(mask))
        for name, photo, mask in pairs
    ]
    return Source(table, scenes, problems)
