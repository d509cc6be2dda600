r"""Synthesizes photographs of a folder of label maps.

    hdgan synthesize --model=runs/streets/model.keras \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

Each photograph is a PNG with the name of its label map. Maps are scaled to the
width of the scenes that the model was trained on, because a model that has
learned small cars paints large ones badly; `--load_size=0` keeps their own
size. Scenes that fail are listed at the end, and the exit code is then 1.
`index.html` shows the photographs beside their label maps. No other flag
describes the model, which knows its classes and sizes.
With `--samples=N`, a model with dropout, with style clusters or of SPADE with
an encoder synthesizes N different photographs of each label map, NAME_0.png,
NAME_1.png, ... A model with an encoder takes the styles of the photos in
`--photo_dir`. A model that was trained on style maps takes those in
`--style_dir`.
"""

import pathlib
import sys

from absl import flags, logging

from hdgan.command_line import program, scene_flags

# Scenes on the page of results.
_MAX_SHOWN = 100


def main():
    from hdgan.data.scene_files import pair_files
    from hdgan.models.folder_synthesis import synthesize_folder
    from hdgan.models.model_file import load_model
    from hdgan.serving.scene_request import describe_failure

    values = flags.FLAGS
    output_dir = pathlib.Path(values.output_dir)
    if values.samples is not None and values.samples < 1:
        raise ValueError(
            f"--samples must be at least 1. Received: {values.samples}"
        )
    scene_flags.check_folders()
    model = load_model(values.model)
    _check_styles(model, values)
    _check_samples(model, values)
    scene_flags.warn_of_instances(model.use_instances)
    scenes = pair_files(
        values.label_dir,
        values.instance_dir if model.use_instances else None,
        values.photo_dir if model.encoder is not None else None,
        values.style_dir if model.style_channels else None,
        is_rgb=model.labels is None,
        pair_cores=values.pair_cores,
    )
    resizing = _choose_resizing(model, values)
    program.make_folder("output_dir", output_dir)
    written, errors = synthesize_folder(
        model, scenes, output_dir, values.samples, values.seed, resizing
    )
    num_photos = sum(map(len, written.values()))
    print(f"{num_photos} photographs in {output_dir}")
    if written:
        print(f"Page: {_write_page(model, written, output_dir)}")
    for path, error in errors.items():
        print(describe_failure(path, error), file=sys.stderr)
    if errors:
        sys.exit(f"error: {len(errors)} of {len(scenes)} scenes failed.")


def _write_page(model, written, output_dir):
    """Writes a page of the first photographs, and returns its path."""
    from hdgan.data.image_files import read_id_map, read_photo
    from hdgan.reports.page import PictureFile, write_page

    sections = []
    for number, (path, files) in enumerate(list(written.items())[:_MAX_SHOWN]):
        if model.labels is None:
            pictures = {"Input": read_photo(path)}
        else:
            pictures = {"Label map": model.labels.colorize(read_id_map(path))}
        for file in files:
            pictures[file.name] = PictureFile(read_photo(file).shape, file.name)
        sections.append((path.stem, f"scene-{number}", pictures))
    page = output_dir / "index.html"
    write_page(
        page,
        "Photographs of label maps",
        f"The first {len(sections)} of {len(written)} scenes.",
        sections,
        model.labels,
        # Hidden, so that the folder still counts as one of photographs.
        folder=".maps",
    )
    return page


def _choose_resizing(model, values):
    """Returns the `ResizePolicy` of the maps, or None for their own size."""
    from hdgan.data.resize_policy import ResizePolicy

    width = values.load_size
    if width is not None and width < 0:
        raise ValueError(f"--load_size must be at least 0. Received: {width}")
    if width is None:
        width = model.scene_width
        if width:
            print(
                f"Maps are scaled to a width of {width} pixels, as in training "
                "(--load_size=0 keeps their size)."
            )
    return ResizePolicy("scale_width", width) if width else None


def _check_samples(model, values):
    """Checks that the model can draw different photographs."""
    if values.samples is None or model.generator.dropout_rate:
        return
    if not model.draws_styles or values.photo_dir or values.style_dir:
        raise ValueError(
            "--samples was given, but this model draws nothing: it was trained "
            "without dropout, and has no styles to draw from, or takes those "
            "of --photo_dir or --style_dir. Leave --samples out."
        )


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
        "load_size",
        None,
        "Width in pixels that maps are scaled to; 0 keeps their size. Default: "
        "the width that the model was trained at.",
    )
    flags.DEFINE_integer(
        "samples",
        None,
        "Number of different photographs of each label map, by dropout or "
        "drawn styles. Default: one, without noise.",
    )
    flags.DEFINE_integer("seed", 0, "Seed of the first sample.")
    program.run(main)
