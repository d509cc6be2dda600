r"""Applies an edit script to a folder of scenes.

    hdgan edit_scenes --model=runs/first --data_dir=data \
        --script=edits.json --output_dir=edited

writes the edited maps of `test_label` and `test_inst` and, with a model, their
photographs, in the layout of a data set. `edits.json` lists the edits:

    {"edits": [
      {"edit": "replace_class", "old": "tree", "new": "building"},
      {"edit": "remove_objects", "objects": {"class": "car", "which": "all"}}
    ]}

`--schema` prints the JSON Schema of all edits. An edit does nothing in a scene
that lacks what it changes; one that does nothing in any scene is an error.
Objects to add are cut from the scenes of `--shape_split`.
"""

import json
import pathlib
import sys

from absl import flags

from hdgan.command_line import editing_flags, program


def main():
    from hdgan.editing.edit_schema import SCHEMA
    from hdgan.editing.edit_script import check_edits, load_script
    from hdgan.editing.edited_data_set import EditedFolders, edit_scenes

    values = flags.FLAGS
    if values.schema:
        print(json.dumps(SCHEMA, indent=2))
        return
    for name in ("script", "data_dir", "output_dir"):
        if values[name].value is None:
            raise ValueError(f"--{name} is missing.")
    script = load_script(values.script)
    model, _ = editing_flags.open_model()
    labels, scenes = editing_flags.find_scenes(model)
    adds = any(edit["edit"] == "add_object" for edit in script["edits"])
    shapes = editing_flags.cut_shapes(labels) if adds else None
    check_edits(script["edits"], labels, model, shapes)
    program.make_folder("output_dir", pathlib.Path(values.output_dir))
    totals = edit_scenes(
        model,
        scenes,
        script,
        EditedFolders(values.output_dir, values.split),
        editing_flags.choose_resizing(model),
        labels,
        shapes,
    )
    for edit, total in zip(script["edits"], totals, strict=True):
        print(f"{edit['edit']}: {total} of {len(scenes)} scenes changed")
    print(f"Data set: {values.output_dir}")
    if not totals.all():
        sys.exit("error: An edit changed no scene. Check its class.")


if __name__ == "__main__":
    editing_flags.define(split="test")
    flags.DEFINE_string("script", None, "JSON file of the edits.")
    flags.DEFINE_bool("schema", False, "Print the JSON Schema of scripts.")
    program.run(main)
