"""The check of every scene before training."""

import concurrent.futures
import os

import numpy as np
from absl import logging

from hdgan.checks import check_range
from hdgan.progress_bar import make_progress_bar

_NARROW_INSTANCES = (
    "holds the id 255 in 8 bits: it may be a 16-bit instance map that was cut "
    "to 8 bits. Cityscapes' instance ids, such as 26001, need 16-bit PNG."
)
_DARK_INPUT = (
    "is gray and nearly black, as a map of class ids looks. If it is one, put "
    "it into the folder of label maps and give the number of classes."
)
_TRANSPARENT_PHOTO = (
    "has transparent pixels, whose hidden colors would be learned. Remove the "
    "alpha channel, or fill them."
)


def check_scenes(scenes, num_classes, ignore_ids=()):
    """Checks every file of a data set before training, with a progress bar.

    Each file must be readable, label ids must be below the number of classes,
    and the files of a scene must have the same size.

    Args:
        scenes: `SceneSource`.
        num_classes: int, ignored for RGB inputs.
        ignore_ids: sequence of int, ids of pixels without a class. Defaults to
            none.

    Returns:
        List of each scene's `(height, width)`.

    Raises:
        ValueError: naming the first file, in the data set's order, that does
            not fit, what was found and how to fix it.
    """
    progress = make_progress_bar(len(scenes))
    sizes = []
    doubts = {}
    palettes = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = pool.map(
            lambda index: _check_scene(scenes, index, num_classes, ignore_ids),
            range(len(scenes)),
        )
        try:
            for index, (size, found, palette) in enumerate(checks):
                sizes.append(size)
                _compare_palettes(palettes, palette, scenes.place(index))
                # The first file of each kind of doubt.
                doubts = {**found, **doubts}
                progress.add(1)
        except ValueError:
            pool.shutdown(cancel_futures=True)
            print()  # So that the error gets its own line, below the bar.
            raise
    for doubt, place in doubts.items():
        logging.warning("%s %s", place, doubt)
    return sizes


def _check_scene(scenes, index, num_classes, ignore_ids):
    """Returns a scene's size, its doubts and the palette of its label map.

    The doubts are a dict from what is doubtful to its file.
    """
    scene = scenes.read(index)
    place, label_map = scenes.place(index), scene["label_map"]
    doubts, palette = {}, {}
    if not scenes.is_rgb:
        palette = scenes.read_palette(index, label_map)
        _check_label_ids(place, label_map, num_classes, ignore_ids)
    elif _looks_like_ids(label_map):
        doubts[_DARK_INPUT] = place
    if "instance_map" in scene:
        instance_map = scene["instance_map"]
        place = scenes.place(index, "instance_map")
        check_range(
            place,
            instance_map,
            2**31 - 1,
            "instance ids",
            "Give pixels without an instance the id 0.",
        )
        if instance_map.max() == 255:
            doubts[_NARROW_INSTANCES] = place
    if "photo" in scene and scenes.has_transparency(index):
        doubts[_TRANSPARENT_PHOTO] = scenes.place(index, "photo")
    return label_map.shape[:2], doubts, palette


def _compare_palettes(known, palette, path):
    """Checks that a color has the same id in the palettes of all label maps.

    Args:
        known: dict from a color to its id and file, which is extended.
        palette: dict from a color to its id.
        path: the label map.
    """
    for color, value in palette.items():
        first_value, first = known.setdefault(color, (value, path))
        if value != first_value:
            raise ValueError(
                f"{path} has the color {color} at index {value} of its "
                f"palette, and {first} at index {first_value}. The indices are "
                "the class ids, so the same class would have two ids. Save all "
                "label maps with one palette, or as gray images of ids."
            )


def _looks_like_ids(image):
    """Returns whether an RGB input is gray and nearly black."""
    return bool((image == image[..., :1]).all()) and image.max() < 64


def _check_label_ids(path, label_map, num_classes, ignore_ids):
    ids = label_map
    if ignore_ids:
        ids = np.where(np.isin(ids, ignore_ids), 0, ids)
    if ids.min() >= 0 and ids.max() < num_classes:
        return
    # Only now: finding the ids takes longer than reading the map.
    advice = _advise_on_ids(ids, num_classes)
    check_range(str(path), ids, num_classes - 1, "label ids", advice)


def _advise_on_ids(ids, num_classes):
    """Returns how to fix ids that are no classes, in a sentence or two."""
    wrong = np.unique(ids[(ids < 0) | (ids >= num_classes)])
    if set(wrong) <= {-1, 255}:
        names = " and ".join(map(str, wrong))
        mask = (
            " If the map is a mask of 0 and 255, save 1 in place of 255."
            if set(np.unique(ids)) == {0, 255}
            else ""
        )
        return (
            f"Where {names} means pixels without a class, pass --ignore_ids="
            f"{','.join(map(str, wrong))}, which gives them a class of their "
            f"own.{mask}"
        )
    return (
        f"The model has {num_classes} classes: correct the map, or train with "
        f"{ids.max() + 1} classes or more (--label_nc or labels.json)."
    )
