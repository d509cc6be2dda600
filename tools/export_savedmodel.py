r"""Exports a trained model as a SavedModel for TF Serving.

    hdgan export_savedmodel --model=runs/streets/model.keras \
        --output_dir=serving/hdgan

writes the next version: first `serving/hdgan/1`, then `serving/hdgan/2`. The
exported model takes raw label maps and instance maps and returns photographs,
as arrays or as image files, for any batch size, height and width.
`hdgan.serving.export_savedmodel` documents the signatures.
"""

import pathlib

from absl import flags

from hdgan.command_line import program
from hdgan.models.precision_names import PRECISIONS
from hdgan.serving.options import DEVICES, IMAGE_FORMATS, ServingOptions


def main():
    # Imported here so that --help does not wait for TensorFlow.
    from hdgan.models.model_file import load_model
    from hdgan.models.precision import with_precision
    from hdgan.serving import server_files, versions

    values = flags.FLAGS
    options = _read_options(values)
    for name in ("model_name", "served_path"):
        if values[name].value is not None and values.config_dir is None:
            raise ValueError(
                f"--{name} is written to models.config, but there is no "
                "--config_dir. Give --config_dir, the folder for that file, or "
                f"leave out --{name}."
            )
    base_path = pathlib.Path(values.output_dir).resolve()
    name = values.model_name or base_path.name
    if values.config_dir is not None:
        server_files.check_model_name(name)
        program.make_folder("config_dir", values.config_dir)
    # Checked before the model is loaded, which takes long.
    versions.choose_directory(values.output_dir, values.version)
    model = load_model(values.model)
    if values.precision is not None:
        model = with_precision(model, PRECISIONS[values.precision])
    directory = versions.export_version(
        model, values.output_dir, values.version, options
    )
    print(f"SavedModel: {directory}")
    if values.config_dir is not None:
        server_files.write_server_files(
            values.config_dir,
            name,
            values.served_path or base_path,
            server_files.choose_batch_size(options),
        )
        print(f"Server configuration: {values.config_dir}")


def _read_options(values):
    return ServingOptions(
        values.image_format,
        values.jpeg_quality,
        values.max_pixels,
        program.parse_sizes("fixed_sizes", values.fixed_sizes),
        program.parse_sizes("warmup_sizes", values.warmup_sizes),
        values.device,
    )


def _define_flags():
    flags.DEFINE_string(
        "model", None, "Model file (.keras) or folder of a run.", required=True
    )
    flags.DEFINE_string(
        "output_dir",
        None,
        "Folder that holds the versions of the exported model.",
        required=True,
    )
    flags.DEFINE_integer(
        "version", None, "Number of the version. Default: the next one."
    )
    flags.DEFINE_enum(
        "image_format",
        "png",
        IMAGE_FORMATS,
        "File format of the photographs that the model returns as files.",
    )
    flags.DEFINE_integer(
        "jpeg_quality", 95, "Quality of JPEG photographs, 1..100."
    )
    flags.DEFINE_enum(
        "precision",
        None,
        list(PRECISIONS),
        "Compute precision of the exported networks. Default: as trained.",
    )
    flags.DEFINE_enum(
        "device",
        None,
        DEVICES,
        "Device that the export is optimized for; it runs on the other one "
        "too. Default: gpu if this machine has one, else cpu.",
    )
    flags.DEFINE_integer(
        "max_pixels",
        2**23,
        "Largest number of pixels that the model accepts, in one image file or "
        "in all label maps of a batch of arrays.",
    )
    flags.DEFINE_list(
        "fixed_sizes",
        [],
        "Sizes, WIDTHxHEIGHT with commas between. Each gets a signature of its "
        "own, for servers that batch requests.",
    )
    flags.DEFINE_list(
        "warmup_sizes",
        [],
        "Sizes, WIDTHxHEIGHT with commas between. The server runs each "
        "signature at these sizes before it is ready. Needs "
        "tensorflow-serving-api.",
    )
    flags.DEFINE_string(
        "config_dir",
        None,
        "Folder to write models.config, batching.config and monitoring.config "
        "to. Default: they are not written.",
    )
    flags.DEFINE_string(
        "model_name",
        None,
        "Name of the model on the server, for models.config. Default: the name "
        "of the folder --output_dir.",
    )
    flags.DEFINE_string(
        "served_path",
        None,
        "Path of --output_dir on the server, for models.config. Default: the "
        "path on this machine.",
    )


if __name__ == "__main__":
    _define_flags()
    program.run(main)
