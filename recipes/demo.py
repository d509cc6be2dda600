"""The whole job in a few minutes, on drawn street scenes.

    hdgan demo --workdir=runs/demo

draws street scenes, trains a small pix2pixHD on them, writes a page of results
with an edited scene, exports a SavedModel and loads it back. Run again, it
resumes where it stopped.

Steps: 7 epochs of 240 scenes, 1680 steps of batch size 1.

Hardware: two processor cores, under six minutes. Expected:
recognizable streets.
"""

import pathlib

import numpy as np
from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.runs import TrainingOptions

EDITS = (("tree", "building"), ("road", "cobblestone"))
OPTIONS = TrainingOptions(
    preset="tiny",
    networks={
        "base_width": 16,
        "num_downsamplings": 3,
        "num_blocks": 4,
        "dropout_rate": 0.0,
        "norm": "instance",
        # Transposed convolutions leave a grid in so few steps.
        "upsampling": "resize",
        "discriminator_width": 16,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "spectral_norm": False,
    },
    workdir="runs/demo",
    flip=False,  # The light of the drawn scenes comes from the left.
    resize_mode="scale_width",
    load_size=256,
    adversarial_loss="least_squares",
    losses={
        "feature_matching": 10.0,
        "perceptual": 10.0,
        "l1": 0.0,
    },
    perceptual_network="efficientnet_lite0",
    epochs=4,
    decay_epochs=3,
    batch_size=1,
    # The published 2e-4 learns too little in so few steps.
    learning_rate=8e-4,
    beta_1=0.5,
    beta_2=0.999,
    ema_decay=0.998,
    sample_steps=250,
    checkpoint_steps=500,
)


def main():
    from hdgan.data.scene_files import find_scenes
    from hdgan.data.street.data_set import draw_scenes
    from hdgan.reports.page import write_page
    from hdgan.reports.scene_pictures import scene_pictures
    from hdgan.runs import train
    from hdgan.serving.versions import export_version

    values = flags.FLAGS
    workdir = pathlib.Path(values.workdir)
    data_dir, run_dir = workdir / "data", workdir / "run"
    options = training_flags.resolve(
        OPTIONS,
        data_dir=str(data_dir),
        workdir=str(run_dir),
        resume=(run_dir / "options.json").exists(),
    )
    if options.styles:
        raise ValueError(
            "`instance_feat`, `label_feat`, `load_style_maps`: the demo shows "
            "no styles. Leave them out, or train with "
            "hdgan.recipes.pix2pixhd_512p."
        )
    height, width = values.scene_height, values.scene_width
    print(f"1. Drawing {values.num_scenes} street scenes in {data_dir}")
    draw_scenes(data_dir, "train", values.num_scenes, height, width)
    # Other numbers than in training: scenes that the model does not know.
    draw_scenes(data_dir, "test", 4, height, width, start=1_000_000)

    print("2. Training")
    model = train(options)
    if model is None:  # After --dry_run.
        return

    print("3. Photographs of four unseen scenes, one of them edited")
    files = find_scenes(data_dir, "test")
    scenes = [files.read(index) for index in range(len(files))]
    page = workdir / "index.html"
    write_page(
        page,
        "hdgan: street scenes from label maps",
        f"A pix2pixHD of {model.generator.count_params():,} parameters, "
        "trained for a few minutes on drawn scenes. These four scenes are not "
        "among them.",
        [
            *(
                (
                    f"Scene {number}",
                    f"scene-{number}",
                    scene_pictures(model, **scene),
                )
                for number, scene in enumerate(scenes, 1)
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
    synthesize = program.command(
        "hdgan.tools.synthesize",
        model=run_dir / "model.keras",
        label_dir=data_dir / "test_label",
        instance_dir=data_dir / "test_inst",
        output_dir=workdir / "photos",
    )
    editor = program.command(
        "hdgan.tools.editor", model=run_dir / "model.keras"
    )
    print(
        f"\nPage:       {page}\n"
        f"Model:      {run_dir / 'model.keras'}\n"
        f"SavedModel: {directory}\n\n"
        "Next, paint a street in the browser:\n"
        f"  {editor}\n"
        "or make photographs of your own label maps:\n"
        f"  {synthesize}"
    )


def _edited_section(model, scenes):
    """Edits the first scene that has all the classes to be replaced."""
    from hdgan.editing import EditableScene, replace_class
    from hdgan.reports.scene_pictures import scene_pictures

    names = model.labels.names
    wanted = [names.index(old) for old, _ in EDITS]
    scene = next(
        (s for s in scenes if np.isin(wanted, s["label_map"]).all()), None
    )
    if scene is None:
        raise ValueError(
            "No drawn test scene has both trees and a road to edit. Choose a "
            "larger --scene_height and --scene_width."
        )
    maps = scene["label_map"], scene["instance_map"]
    edited = EditableScene(*maps, model.labels)
    for old, new in EDITS:
        edited = replace_class(edited, old, new)
    before = model.synthesize(*maps)
    pictures = scene_pictures(model, edited.label_map, edited.instance_map)
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
    import tensorflow as tf

    signature = tf.saved_model.load(directory).signatures["serving_default"]
    label_map, instance_map = scene["label_map"], scene["instance_map"]
    served = signature(
        label_map=tf.constant(label_map[None].astype("uint8")),
        instance_map=tf.constant(instance_map[None]),
    )["photo"].numpy()[0]
    own = model.synthesize(label_map, instance_map)
    return int(np.abs(served.astype(int) - own.astype(int)).max())


if __name__ == "__main__":
    flags.DEFINE_integer("num_scenes", 240, "Drawn scenes to train on.")
    flags.DEFINE_integer("scene_height", 128, "Height of a scene, in pixels.")
    flags.DEFINE_integer("scene_width", 256, "Width of a scene, in pixels.")
    training_flags.define(OPTIONS, fixed=("data_dir", "resume"))
    program.run(main)
