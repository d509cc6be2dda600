"""CamVid: frames of drives through Cambridge, with masks of colors."""

from hdgan.data.importing.color_masks import find_masks


def find(options):
    """Finds the scenes. Source: frames, masks `*_L.png`, `label_colors.txt`.

    Frames are in `701_StillsRaw_full` and masks in `LabeledApproved_full`. The
    class Void is left out, unless `ignore` says otherwise. CamVid has no lists
    of splits: `names_file` chooses frames.

    Args:
        options: `ImportOptions`.

    Returns:
        `Source`.

    Raises:
        ValueError: if a folder or file of that layout is missing or damaged.
    """
    return find_masks(
        options,
        photo_dir=options.photo_dir or "701_StillsRaw_full",
        mask_dir=options.mask_dir or "LabeledApproved_full",
        mask_end="_L",
        color_table=options.color_table or "label_colors.txt",
        ignore=options.ignore,
    )
