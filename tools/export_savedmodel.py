r"""Exports a trained model as a SavedModel for TF Serving.

    python -m hdgan.tools.export_savedmodel --model=runs/streets/model.keras \
        --output_dir=serving/hdgan

writes the next version: `serving/hdgan/1`, then `serving/hdgan/2`. Raw label
map (uint8) and instance map (int32) in, photograph (uint8) out, in any height,
width and batch; see `hdgan.export`.
"""

import pathlib

from absl import flags

from hdgan import command_line
from hdgan.model_file import load_model


def export_version(model, output_dir, version=None):
    """Writes a version of a served model.

    Args:
        model: `Pix2PixHD`.
        output_dir: path that a server polls.
        version: int >= 1; None is one more than the highest there.

    Returns:
        Path of the version.

    Raises:
        ValueError: if the version exists, is less than 1, or can't be written.
    """
    output_dir = pathlib.Path(output_dir)
    if version is None:
        taken = [
            int(path.name)
            for path in output_dir.glob("*")
            if path.name.isdecimal()
        ]
        version = max(taken, default=0) + 1
    if version < 1:
        raise ValueError(f"--version must be at least 1. Received: {version}")
    directory = output_dir / str(version)
    try:
        model.export(directory)
    except OSError as error:
        raise ValueError(f"{directory} can't be written: {error}.") from error
    return directory


def main():
    values = flags.FLAGS
    model = load_model(values.model)
    directory = export_version(model, values.output_dir, values.version)
    print(f"SavedModel: {directory}")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Model or run folder.", required=True)
    flags.DEFINE_string(
        "output_dir", None, "Folder of the versions.", required=True
    )
    flags.DEFINE_integer("version", None, "Version; by default the next.")
    command_line.run(main)
