r"""Makes photographs of a folder of label maps.

    python -m hdgan.tools.synthesize --model=runs/streets/model.keras \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

Each photograph has the size and the name of its label map, whatever they are,
and is a PNG. Nothing else is to be said of the model: it carries its classes
and sizes with it. With `--samples=N` a model that was trained with dropout, or
that has style clusters, draws N different photographs of each label map,
NAME_0.png, NAME_1.png, ...
A model with an encoder takes the styles of the photos in `--photo_dir`, one
that was trained on style maps those of `--style_dir`.
"""

import pathlib

import keras
from absl import flags, logging

from hdgan.command_line import program, scene_flags
from hdgan.data.image_files import write_png
from hdgan.data.scene_files import pair_files
from hdgan.models.model_file import load_model


def synthesize_folder(model, scenes, output_dir, samples=None, seed=0):
    """Synthesizes every scene, with a progress bar.

    Args:
        model: `Pix2PixHD`.
        scenes: `SceneFiles`.
        output_dir: path; made if it is missing.
        samples: int, different photographs of each scene; None: one, without
            noise.
        seed: int, seed of the first of them.

    Returns:
        List of the files written.

    Raises:
        ValueError: naming the file that does not fit the model.
    """
    output_dir = pathlib.Path(output_dir)
    program.make_folder("output_dir", output_dir)
    progress = keras.utils.Progbar(len(scenes), unit_name="scene")
    written = []
    for index, path in enumerate(scenes.inputs):
        scene = scenes.read(index)
        for number in range(samples or 1):
            try:
                photo = model.synthesize(
                    **scene, **_seeds(model, scenes, samples, seed + number)
                )
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
            ending = "" if samples is None else f"_{number}"
            written.append(output_dir / f"{path.stem}{ending}.png")
            write_png(written[-1], photo)
        progress.add(1)
    return written


def _seeds(model, scenes, samples, seed):
    """Returns the seeds of what is drawn for a photograph."""
    draws_styles = bool(model.style_channels) and (
        scenes.photos is None and scenes.style_maps is None
    )
    seeds = {"style_seed": seed} if draws_styles else {}
    if samples is not None and (model.generator.dropout_rate or not seeds):
        seeds["noise_seed"] = seed
    return seeds


def main():
    values = flags.FLAGS
    output_dir = pathlib.Path(values.output_dir)
    if values.samples is not None and values.samples < 1:
        raise ValueError(
            f"--samples must be at least 1. Received: {values.samples}"
        )
    scene_flags.check_output_dir()
    model = load_model(values.model)
    has_styles = (
        model.style_clusters is not None
        or (model.encoder is not None and values.photo_dir)
        or (model.style_channels and values.style_dir)
    )
    if model.encoder is not None and not has_styles:
        raise ValueError(
            "This model has an instance feature encoder: pass --photo_dir, the "
            "photos whose styles are taken, or --style_dir."
        )
    if model.style_map_channels and not has_styles:
        raise ValueError(
            "This model was trained on style maps: pass --style_dir, the "
            "style maps whose styles are taken, as the tool encode_styles "
            "writes them."
        )
    if values.style_dir and not model.style_channels:
        logging.warning(
            "This model was trained without style maps: --style_dir is "
            "not used."
        )
    scene_flags.warn_of_instances(model.use_instances)
    scenes = pair_files(
        values.label_dir,
        values.instance_dir if model.use_instances else None,
        values.photo_dir if model.encoder is not None else None,
        values.style_dir if model.style_channels else None,
        is_rgb=model.labels is None,
    )
    written = synthesize_folder(
        model, scenes, output_dir, values.samples, values.seed
    )
    print(f"{len(written)} photographs in {output_dir}")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Model or run folder.", required=True)
    scene_flags.define()
    flags.DEFINE_integer(
        "samples", None, "Photographs per map, by dropout or styles."
    )
    flags.DEFINE_integer("seed", 0, "Seed of the first sample.")
    program.run(main)
