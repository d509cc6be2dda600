r"""A small street model with styles: drawn streets, 512x256.

    hdgan train streets --workdir=runs/streets

draws street scenes, trains a small pix2pixHD with an encoder on them, stores
clusters of the styles, and writes `streets.keras`: weights in half precision,
about 4 MB. Run again, it resumes where it stopped.

Steps of batch size 1: 8 epochs of 1,500 scenes at half the size, 12,000 steps,
then 6 epochs at full size, 9,000 steps.

Hardware: two processor cores with AVX-512, about 3 hours.
"""

import dataclasses
import pathlib

from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.runs import TrainingOptions

OPTIONS = TrainingOptions(
    preset="pix2pixhd_512p",
    networks={
        "base_width": 16,
        "num_downsamplings": 3,
        "num_blocks": 5,
        "dropout_rate": 0.0,
        "norm": "instance",
        "upsampling": "resize",
        "discriminator_width": 16,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "spectral_norm": False,
        "encoder_width": 8,
        "style_channels": 3,
    },
    instance_feat=True,
    workdir="runs/streets",
    flip=False,  # The light of the drawn scenes comes from the left.
    resize_mode="scale_width",
    load_size=512,
    adversarial_loss="least_squares",
    losses={
        "feature_matching": 10.0,
        "perceptual": 10.0,
        "l1": 0.0,
    },
    perceptual_network="efficientnet_lite0",
    epochs=3,
    decay_epochs=3,
    batch_size=1,
    # Twice the published rate, for few steps.
    learning_rate=4e-4,
    beta_1=0.5,
    beta_2=0.999,
    ema_decay=0.999,
    sample_steps=1000,
    checkpoint_steps=500,
)
# A step at half the size takes a quarter of the time.
_HALF_SIZE = {"epochs": 8, "decay_epochs": 0, "learning_rate": 8e-4}


def main():
    from hdgan.data.resize_policy import ResizePolicy
    from hdgan.data.scene_files import find_scenes
    from hdgan.data.street.data_set import draw_scenes
    from hdgan.models.compact_file import save_compact
    from hdgan.models.style_clustering import cluster_styles
    from hdgan.runs import train

    values = flags.FLAGS
    workdir = pathlib.Path(values.workdir)
    data_dir = workdir / "data"
    options = training_flags.resolve(
        OPTIONS, data_dir=str(data_dir), resume=False
    )
    count, width = values.num_scenes, options.load_size
    drawn = list((data_dir / "train_img").glob("*.png"))
    if len(drawn) < count:
        print(f"1. Drawing {count} street scenes in {data_dir}")
        draw_scenes(data_dir, "train", count, width // 2, width)

    print("2. Training at half the size, then at full size")
    half = _in_folder(options, "half_size", load_size=width // 2, **_HALF_SIZE)
    model = train(half)
    if model is None:  # After --dry_run.
        return
    model = train(
        _in_folder(options, "full_size"), load_initial_model=lambda: model
    )

    print("3. Finding the typical styles of each class")
    scenes = find_scenes(data_dir, use_instances=True)
    model.style_clusters = cluster_styles(
        model, scenes.take(values.num_clustered), ResizePolicy("none")
    )
    output = workdir / "streets.keras"
    save_compact(model, output)
    print(f"\nModel: {output}, {output.stat().st_size / 1e6:.1f} MB")


def _in_folder(options, name, **changes):
    folder = pathlib.Path(options.workdir) / name
    return dataclasses.replace(
        options,
        workdir=str(folder),
        resume=(folder / "options.json").exists(),
        **changes,
    )


if __name__ == "__main__":
    flags.DEFINE_integer("num_scenes", 1500, "Drawn scenes to train on.")
    flags.DEFINE_integer(
        "num_clustered", 500, "Scenes in which typical styles are found."
    )
    training_flags.define(OPTIONS, fixed=("data_dir", "resume"))
    program.run(main)
