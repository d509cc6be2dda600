r"""Exports a trained model as a SavedModel for TF Serving.

    python -m hdgan.tools.export_savedmodel --model=runs/streets/model.keras \
        --output_dir=serving/hdgan

writes the next version: `serving/hdgan/1`, then `serving/hdgan/2`. Raw label
map and instance map in, photograph out, as arrays or as files, in any height,
width and batch; `hdgan.serving.export_savedmodel` has the signatures.
"""

import pathlib

import tensorflow as tf
from absl import flags

from hdgan.command_line import program
from hdgan.models.model_file import load_model
from hdgan.models.precision import PRECISIONS, with_precision
from hdgan.serving import ServingOptions, write_server_files
from hdgan.serving.options import DEVICES, IMAGE_FORMATS
from hdgan.serving.savedmodel import check_is_new
from hdgan.serving.server_files import BATCH_SIZE, check_model_name


def export_version(model, output_dir, version=None, options=None):
    """Writes a version of a served model.

    Args:
        model: `Pix2PixHD`.
        output_dir: path that a server polls.
        version: int >= 1; None is one more than the highest there.
        options: `hdgan.serving.ServingOptions`; None for their defaults.

    Returns:
        Path of the version.

    Raises:
        ValueError: if the version exists, is out of range, or can't be written.
    """
    directory = _choose_directory(output_dir, version)
    try:
        model.export(directory, options)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "message", error)
        raise ValueError(f"{directory} can't be written: {reason}.") from error
    return directory


def _batch_size(options):
    """Returns how many requests a server may put together: the model's limit.

    Args:
        options: `ServingOptions`.
    """
    sizes = [width * height for width, height in options.fixed_sizes]
    return min(BATCH_SIZE, options.max_pixels // max(sizes, default=1))


def _choose_directory(output_dir, version):
    output_dir = pathlib.Path(output_dir)
    if version is None:
        taken = [
            int(path.name)
            for path in output_dir.glob("*")
            if path.name.isdecimal()
        ]
        version = max(taken, default=0) + 1
    if not 1 <= version < 2**63:
        raise ValueError(
            f"--version must be in 1..2**63 - 1. Received: {version}"
        )
    return check_is_new(output_dir / str(version))


def main():
    values = flags.FLAGS
    options = ServingOptions(
        values.image_format,
        values.jpeg_quality,
        values.max_pixels,
        program.parse_sizes("fixed_sizes", values.fixed_sizes),
        program.parse_sizes("warmup_sizes", values.warmup_sizes),
        values.device,
    )
    for name in ("model_name", "served_path"):
        if values[name].value is not None and values.config_dir is None:
            raise ValueError(
                f"--{name} is for models.config: give --config_dir, the folder "
                f"to write it to, or leave --{name} out."
            )
    base_path = pathlib.Path(values.output_dir).resolve()
    name = values.model_name or base_path.name
    if values.config_dir is not None:
        check_model_name(name)
        program.make_folder("config_dir", values.config_dir)
    # Loading takes long: what is wrong with the place is told before.
    _choose_directory(values.output_dir, values.version)
    model = load_model(values.model)
    if values.precision is not None:
        model = with_precision(model, PRECISIONS[values.precision])
    directory = export_version(
        model, values.output_dir, values.version, options
    )
    print(f"SavedModel: {directory}")
    if values.config_dir is not None:
        write_server_files(
            values.config_dir,
            name,
            values.served_path or base_path,
            _batch_size(options),
        )
        print(f"Server's files: {values.config_dir}")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Model or run folder.", required=True)
    flags.DEFINE_string(
        "output_dir", None, "Folder of the versions.", required=True
    )
    flags.DEFINE_integer("version", None, "Version; by default the next.")
    flags.DEFINE_enum(
        "image_format",
        "png",
        IMAGE_FORMATS,
        "Of the images that come encoded.",
    )
    flags.DEFINE_enum(
        "precision",
        None,
        list(PRECISIONS),
        "That the networks compute in; by default the one of the training.",
    )
    flags.DEFINE_enum(
        "device",
        None,
        DEVICES,
        "What the server has; by default what this machine has. It runs on "
        "either, but is faster on this.",
    )
    flags.DEFINE_integer("jpeg_quality", 95, "1..100.")
    flags.DEFINE_integer(
        "max_pixels",
        2**23,
        "The most pixels that are accepted, of a file, or of all label maps of "
        "a batch of arrays.",
    )
    flags.DEFINE_list(
        "fixed_sizes",
        [],
        "WIDTHxHEIGHT, ...: a signature for each, for servers that put "
        "requests together.",
    )
    flags.DEFINE_list(
        "warmup_sizes",
        [],
        "WIDTHxHEIGHT, ...: a server runs each signature at these sizes before "
        "it is ready. Needs the extra `serving`.",
    )
    flags.DEFINE_string(
        "config_dir",
        None,
        "Folder to write models.config, batching.config and monitoring.config "
        "to.",
    )
    flags.DEFINE_string(
        "model_name",
        None,
        "By which servers are asked for the model, in models.config; by "
        "default the name of --output_dir.",
    )
    flags.DEFINE_string(
        "served_path",
        None,
        "What the server calls --output_dir, in models.config.",
    )
    program.run(main)
