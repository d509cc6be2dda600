r"""Makes new training data by random edits of scenes.

    hdgan augment_dataset --model=runs/first --data_dir=data \
        --recipe=edits.yaml --samples=2 --output_dir=augmented

edits each scene of `train_label` and `train_inst` twice, synthesizes the
photographs, and writes maps and photographs in the same layout. The recipe says
which edits, how often and how much:

    edits:
    - {edit: replace_class, old: tree, new: building, probability: 0.3}
    - {edit: add_objects, class: car, count: [0, 3], scale: [0.9, 1.1]}
    - {edit: remove_some_objects, class: person, share: [0, 0.5]}
    - {edit: draw_styles}

`train_edits` says of each scene how it was made, as a script for `edit_scenes`.
The result depends on data, model, recipe and `--seed` alone, and the same
command goes on where it was stopped. `--runner=DirectRunner` runs on Apache
Beam, `--beam_options='--direct_running_mode=multi_processing
--direct_num_workers=2'` in two processes.
"""

import pathlib
import sys

from absl import flags

from hdgan.command_line import beam_flags, editing_flags, program


def main():
    from hdgan.data.files import hash_file
    from hdgan.editing.edit_sampling import load_recipe
    from hdgan.editing.edit_script import check_edits
    from hdgan.editing.edited_data_set import (
        Augmentation,
        EditedFolders,
        augment,
    )

    values = flags.FLAGS
    recipe = load_recipe(values.recipe)
    pipeline = None
    if values.runner:
        pipeline = beam_flags.make_pipeline("Or leave --runner out.")
    model, model_file = editing_flags.open_model()
    labels, scenes = editing_flags.find_scenes(model)
    adds = any(edit["edit"] == "add_objects" for edit in recipe["edits"])
    shapes = editing_flags.cut_shapes(labels) if adds else None
    check_edits(recipe["edits"], labels, model, shapes)
    folders = EditedFolders(values.output_dir, values.split)
    program.make_folder("output_dir", pathlib.Path(values.output_dir))
    folders.make(labels, has_photos=True)
    augmentation = Augmentation(
        scenes,
        recipe,
        folders,
        editing_flags.choose_resizing(model),
        labels,
        shapes,
        values.samples,
        values.seed,
        hash_file(model_file),
    )
    total = len(augmentation.list_samples())
    if pipeline is None:
        skipped = augment(augmentation, model)
    else:
        skipped = _run(pipeline, augmentation, str(model_file))
    there = f", {skipped} of them there already" if skipped else ""
    print(f"{total} edited scenes{there}: {values.output_dir}")


def _run(pipeline, augmentation, model_file):
    """Runs the pipeline, and returns the number of samples skipped."""
    from apache_beam.runners.runner import PipelineState

    from hdgan.editing.augmentation_pipeline import add_augmentation
    from hdgan.serving.batch_pipeline import read_counters

    add_augmentation(pipeline, augmentation, model_file)
    result = pipeline.run()
    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        sys.exit(
            f"error: The run ended as {state}. Run the same command again to "
            "make the missing scenes."
        )
    return read_counters(result)["skipped"]


if __name__ == "__main__":
    editing_flags.define(split="train", needs_model=True)
    flags.DEFINE_string(
        "recipe", None, "YAML file of the edits.", required=True
    )
    flags.DEFINE_integer(
        "samples", 1, "Edited scenes per scene.", lower_bound=1
    )
    flags.DEFINE_integer("seed", 0, "Seed of the edits.", lower_bound=0)
    beam_flags.define(runner=None)
    program.run(main)
