r"""Writes the styles that a model's encoder finds in photos, as style maps.

    hdgan encode_styles --model=runs/styles/model.keras \
        --data_dir=data

reads `train_img`, `train_label` and `train_inst`, and writes `train_feat`: for
each label map an RGB image of its name and size, in which 0..255 stand for
styles from -1 to 1, constant over each instance or class. A recipe with
`--load_style_maps` trains on them without an encoder. Give the `--load_size`
that the encoder was trained at: its styles depend on the scale.
"""

import pathlib

from absl import flags

from hdgan.command_line import program


def main():
    from hdgan.data.resize_policy import ResizePolicy
    from hdgan.data.scene_files import find_scenes
    from hdgan.models.model_file import load_model
    from hdgan.models.style_encoding import encode_styles

    values = flags.FLAGS
    resizing = ResizePolicy("none", size_multiple=1)
    if values.load_size is not None:
        resizing = ResizePolicy("scale_width", values.load_size)
    model = load_model(values.model)
    scenes = find_scenes(
        values.data_dir,
        values.split,
        is_rgb=model.labels is None,
        use_instances=model.use_instances,
        pair_cores=values.pair_cores,
        labels=model.labels,
    )
    output_dir = pathlib.Path(values.data_dir) / f"{values.split}_feat"
    written = encode_styles(model, scenes, output_dir, resizing)
    print(f"{len(written)} style maps in {output_dir}")


if __name__ == "__main__":
    flags.DEFINE_string(
        "model",
        None,
        "Model with an encoder: a .keras file, or the folder of its run.",
        required=True,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data set.", required=True
    )
    flags.DEFINE_string("split", "train", "Start of the folders' names.")
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    flags.DEFINE_integer(
        "load_size",
        None,
        "Width in pixels that scenes are scaled to, as in training. Default: "
        "as they are.",
    )
    program.run(main)
