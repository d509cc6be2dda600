"""A data set of drawn street scenes in image files."""

import concurrent.futures
import os
import pathlib

from hdgan.data.image_files import write_png
from hdgan.data.street.scenes import (
    CLASS_COLORS,
    CLASS_NAMES,
    THING_CLASSES,
    draw_street_scene,
)
from hdgan.preprocessing.label_set import LabelSet
from hdgan.progress_bar import make_progress_bar


def draw_scenes(output_dir, split, count, height, width, seed=0, start=0):
    """Draws scenes into the folders of a split, with a progress bar.

    Args:
        output_dir: path of the data set, which is created if it is missing.
        split: str, start of the folders' names, such as `"train"`.
        count: int, number of scenes.
        height: int, pixels.
        width: int, pixels.
        seed: int >= 0. Defaults to 0.
        start: int >= 0, number of the first scene. Defaults to 0.

    Raises:
        ValueError: if a size is too small, or `seed` or `start` negative.
    """
    output_dir = pathlib.Path(output_dir)
    folders = {
        kind: output_dir / f"{split}_{kind}"
        for kind in ("label", "inst", "img")
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    labels = LabelSet(CLASS_NAMES, CLASS_COLORS, things=THING_CLASSES)
    labels.save(output_dir / "labels.json")

    def draw(index):
        scene = draw_street_scene(seed, index, height, width)
        name = f"street_{index:05d}.png"
        write_png(folders["label"] / name, scene.label_map)
        write_png(folders["inst"] / name, scene.instance_map)
        write_png(folders["img"] / name, scene.photo)

    progress = make_progress_bar(count)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(draw, range(start, start + count)):
            progress.add(1)
