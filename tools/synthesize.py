r"""Synthesizes photographs of a folder of label maps.

    hdgan synthesize --model=runs/streets/model.keras \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

Each photograph is a PNG with the size and the name of its label map, whatever
the size. No other flag describes the model, which knows its classes and sizes.
With `--samples=N`, a model with dropout, with style clusters or of SPADE with
an encoder synthesizes N different photographs of each label map, NAME_0.png,
NAME_1.png, ... A model with an encoder takes the styles of the photos in
`--photo_dir`. A model that was trained on style maps takes those in
`--style_dir`.
"""

import pathlib

from absl import flags, logging

from hdgan.command_line import program, scene_flags


def main():
    from hdgan.data.scene_files import pair_files
    from hdgan.models.folder_synthesis import synthesize_folder
    from hdgan.models.model_file import load_model

    values = flags.FLAGS
    output_dir = pathlib.Path(values.output_dir)
    if values.samples is not None and values.samples < 1:
        raise ValueError(
            f"--samples must be at least 1. Received: {values.samples}"
        )
    scene_flags.check_output_dir()
    model = load_model(values.model)
    _check_styles(model, values)
    scene_flags.warn_of_instances(model.use_instances)
    scenes = pair_files(
        values.label_dir,
        values.instance_dir if model.use_instances else None,
        values.photo_dir if model.encoder is not None else None,
        values.style_dir if model.style_channels else None,
        is_rgb=model.labels is None,
    )
    program.make_folder("output_dir", output_dir)
    written = synthesize_folder(
        model, scenes, output_dir, values.samples, values.seed
    )
    print(f"{len(written)} photographs in {output_dir}")


def _check_styles(model, values):
    """Checks that the model gets the styles it needs, and no others."""
    has_styles = (
        model.draws_styles
        or (model.encoder is not None and values.photo_dir)
        or (model.style_channels and values.style_dir)
    )
    if model.encoder is not None and not has_styles:
        raise ValueError(
            "This model has an encoder. Pass --photo_dir, the photos "
            "whose styles it takes, or --style_dir."
        )
    if model.style_map_channels and not has_styles:
        raise ValueError(
            "This model was trained on style maps. Pass --style_dir, style "
            "maps as hdgan.tools.encode_styles writes them."
        )
    if values.photo_dir and model.encoder is None:
        logging.warning(
            "This model was trained without an encoder: --photo_dir is not "
            "used."
        )
    if values.style_dir and not model.style_channels:
        logging.warning(
            "This model was trained without style maps: --style_dir is "
            "not used."
        )


if __name__ == "__main__":
    flags.DEFINE_string(
        "model",
        None,
        "Model to synthesize with: a .keras file, or the folder of its run.",
        required=True,
    )
    scene_flags.define()
    flags.DEFINE_integer(
        "samples",
        None,
        "Number of different photographs of each label map, by dropout or "
        "drawn styles. Default: one, without noise.",
    )
    flags.DEFINE_integer("seed", 0, "Seed of the first sample.")
    program.run(main)
