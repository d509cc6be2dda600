r"""Draws a data set of street scenes, free to use for anything.

    python -m hdgan.tools.draw_scenes --output_dir=scenes --count=200

makes `train_label`, `train_inst` and `train_img` in the layout that the recipes
read, and `labels.json`, the classes' names and colours. A scene depends only on
its number and the seed, and shows the same at every size.
"""

import concurrent.futures
import os
import pathlib

import keras
from absl import flags

from hdgan.command_line import program
from hdgan.data.image_files import write_png
from hdgan.data.street.scenes import (
    CLASS_COLORS,
    CLASS_NAMES,
    draw_street_scene,
)
from hdgan.preprocessing.label_set import LabelSet


def draw_scenes(output_dir, split, count, height, width, seed=0, start=0):
    """Draws scenes into the folders of a split, with a progress bar.

    Args:
        output_dir: path of the data set.
        split: start of the folders' names.
        count: int, number of scenes.
        height: int, pixels.
        width: int, pixels.
        seed: int >= 0.
        start: int >= 0, number of the first scene.

    Raises:
        ValueError: if a size is too small or a number negative.
    """
    output_dir = pathlib.Path(output_dir)
    folders = {
        kind: output_dir / f"{split}_{kind}"
        for kind in ("label", "inst", "img")
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    LabelSet(CLASS_NAMES, CLASS_COLORS).save(output_dir / "labels.json")

    def draw(index):
        scene = draw_street_scene(seed, index, height, width)
        name = f"street_{index:05d}.png"
        write_png(folders["label"] / name, scene.label_map)
        write_png(folders["inst"] / name, scene.instance_map)
        write_png(folders["img"] / name, scene.photo)

    progress = keras.utils.Progbar(count, unit_name="scene")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(draw, range(start, start + count)):
            progress.add(1)


def main():
    values = flags.FLAGS
    if values.count < 1:
        raise ValueError(
            f"--count must be at least 1. Received: {values.count}"
        )
    draw_scenes(
        values.output_dir,
        values.split,
        values.count,
        values.height,
        values.width,
        values.seed,
        values.start,
    )
    print(f"{values.count} scenes in {values.output_dir}/{values.split}_*")


if __name__ == "__main__":
    flags.DEFINE_string("output_dir", None, "Data set to make.", required=True)
    flags.DEFINE_string("split", "train", "Start of the folders' names.")
    flags.DEFINE_integer("count", 200, "Number of scenes.")
    flags.DEFINE_integer("height", 128, "Pixels.")
    flags.DEFINE_integer("width", 256, "Pixels.")
    flags.DEFINE_integer("seed", 0, "Seed of the scenes.")
    flags.DEFINE_integer("start", 0, "Number of the first scene.")
    program.run(main)
