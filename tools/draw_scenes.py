r"""Draws a data set of street scenes, free to use for anything.

    hdgan draw_scenes --output_dir=scenes --count=200

writes `train_label`, `train_inst` and `train_img` in the layout that the
recipes read, and `labels.json`, the classes' names and colors. A scene depends
only on its number and the seed, and shows the same at every size.
"""

from absl import flags

from hdgan.command_line import program


def main():
    from hdgan.data.street.data_set import draw_scenes

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
    flags.DEFINE_string(
        "output_dir", None, "Folder of the data set to write.", required=True
    )
    flags.DEFINE_string("split", "train", "Start of the folders' names.")
    flags.DEFINE_integer("count", 200, "Number of scenes.")
    flags.DEFINE_integer("height", 128, "Height of the scenes in pixels.")
    flags.DEFINE_integer("width", 256, "Width of the scenes in pixels.")
    flags.DEFINE_integer("seed", 0, "Seed of the scenes.")
    flags.DEFINE_integer("start", 0, "Number of the first scene.")
    program.run(main)
