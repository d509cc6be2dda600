r"""The whole job in a few minutes, on drawn street scenes.

    python -m hdgan.recipes.demo --workdir=runs/demo

draws street scenes, trains a small pix2pixHD on them, writes a page of results
with an edited scene, exports a SavedModel, and loads it back. Run again, it
goes on where it stopped.

Hardware: two processor cores, under six minutes. Expected: recognisable
streets.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes
from hdgan.editing import replace_class
from hdgan.reports.page import write_page
from hdgan.reports.scene_pictures import scene_pictures
from hdgan.runs import training_run
from hdgan.tools.export_savedmodel import export_version

PRESET = "tiny"
EDITS = (("tree", "building"), ("road", "cobblestone"))


def main():
    values = flags.FLAGS
    for name in ("instance_feat", "label_feat", "load_style_maps"):
        if values[name].value:
            raise ValueError(
                f"--{name}: the demo shows no styles. Leave it out, or train "
                "with hdgan.recipes.pix2pixhd_512p."
            )
    workdir = pathlib.Path(values.workdir)
    data_dir = workdir / "data"
    height, width = values.scene_height, values.scene_width
    print(f"1. Drawing {values.num_scenes} street scenes in {data_dir}")
    draw_scenes(data_dir, "train", values.num_scenes, height, width)
    # Numbers of their own: scenes that training does not see.
    draw_scenes(data_dir, "test", 4, height, width, start=1_000_000)

    print("2. Training")
    flags.FLAGS["data_dir"].value = str(data_dir)
    run_dir = workdir / "run"
    flags.FLAGS["workdir"].value = str(run_dir)
    flags.FLAGS["resume"].value = (run_dir / "options.json").exists()
    model = training_run.run(PRESET, training_flags.resolve())
    if model is None:  # After --dry_run.
        return

    print("3. Photographs of scenes that it has not seen, one of them edited")
    files = find_scenes(data_dir, "test")
    scenes = [files.read(index) for index in range(len(files))]
    page = workdir / "index.html"
    write_page(
        page,
        "hdgan: street scenes from label maps",
        f"A pix2pixHD of {model.generator.count_params():,} parameters, "
        "trained for a few minutes on drawn scenes. These four it has not "
        "seen.",
        [
            *(
                (
                    f"Scene {number}",
                    f"scene-{number}",
                    scene_pictures(model, **s),
                )
                for number, s in enumerate(scenes, 1)
            ),
            _edited_section(model, scenes),
        ],
        model.labels,
    )

    print("4. Exporting, and loading back through the signature")
    directory = export_version(model, workdir / "serving" / "hdgan")
    difference = _largest_difference(model, directory, scenes[0])
    print(
        "   The served photograph differs from the model's by at most "
        f"{difference} of 255."
    )
    print(
        f"\nPage:       {page}\n"
        f"Model:      {run_dir / 'model.keras'}\n"
        f"SavedModel: {directory}\n\n"
        "Next, photographs of your own label maps:\n"
        f"  python -m hdgan.tools.synthesize --model={run_dir / 'model.keras'} "
        f"--label_dir={data_dir / 'test_label'} "
        f"--instance_dir={data_dir / 'test_inst'} "
        f"--output_dir={workdir / 'photos'}"
    )


def _edited_section(model, scenes):
    """Edits the first scene that has what the edits replace."""
    names = model.labels.names
    wanted = [names.index(old) for old, _ in EDITS]
    scene = next(
        (s for s in scenes if np.isin(wanted, s["label_map"]).all()), None
    )
    if scene is None:
        raise ValueError("No drawn scene has trees and a road to edit.")
    maps = scene["label_map"], scene["instance_map"]
    before = model.synthesize(*maps)
    for old, new in EDITS:
        maps = replace_class(*maps, model.labels, old, new)
    pictures = scene_pictures(model, *maps)
    return (
        "Edited: the trees turned into buildings, the road cobbled",
        "edited",
        {
            "Edited label map": pictures["Label map"],
            "Boundary map": pictures["Boundary map"],
            "Generated before": before,
            "Generated after": pictures["Generated"],
        },
    )


def _largest_difference(model, directory, scene):
    """Compares the SavedModel's photograph with the model's own."""
    signature = tf.saved_model.load(directory).signatures["serving_default"]
    label_map, instance_map = scene["label_map"], scene["instance_map"]
    served = signature(
        label_map=tf.constant(label_map[None].astype("uint8")),
        instance_map=tf.constant(instance_map[None]),
    )["photo"].numpy()[0]
    own = model.synthesize(label_map, instance_map)
    return int(np.abs(served.astype(int) - own.astype(int)).max())


if __name__ == "__main__":
    training_flags.define(
        PRESET,
        workdir="runs/demo",
        flip=False,  # The light of the drawn scenes comes from the left.
        load_size=256,
        epochs=4,
        decay_epochs=3,
        ema_decay=0.998,
        learning_rate=8e-4,  # In so few steps the published 2e-4 gets nowhere.
        perceptual_weight=0.0,
        sample_steps=250,
        checkpoint_steps=500,
    )
    flags.adopt_module_key_flags(training_flags)  # For --help.
    flags.DEFINE_integer("num_scenes", 240, "Drawn scenes to train on.")
    flags.DEFINE_integer("scene_height", 128, "Pixels.")
    flags.DEFINE_integer("scene_width", 256, "Pixels.")
    program.run(main)
