r"""Converts checkpoints of the original PyTorch code to models, and back.

    hdgan convert_checkpoint \
        --generator=checkpoints/label2city/latest_net_G.pth --label_nc=35 \
        --output=city.keras

reads the file without PyTorch and without running anything in it, derives the
architecture from the names and shapes of its tensors, prints what it found, and
writes a model for synthesis, training and export.

    --discriminator=latest_net_D.pth    to train on; else a new one
    --encoder=latest_net_E.pth          if trained with --instance_feat
    --style_clusters=features_clustered_010.npy
                                        styles to synthesize with
    --label_feat                        if the encoder was trained with it
    --load_style_maps                   if the generator was trained on them
    --label_nc=35                       the number of classes, as in training;
                                        0 if trained on RGB images
    --nouse_instances                   if trained with --no_instance

A file does not say whether its 36 input channels are 35 classes and a boundary
map, or 36 classes. `--label_nc` or `--labels_file` decides.

The way back needs PyTorch (`pip install torch`):

    hdgan convert_checkpoint --to_pytorch --model=city.keras \
        --output=checkpoints/label2city

writes `latest_net_G.pth`, `latest_net_D.pth` and, with an encoder,
`latest_net_E.pth`.
"""

import pathlib

from absl import flags

from hdgan.command_line import program


def main():
    values = flags.FLAGS
    _check_flags(values)
    if values.to_pytorch:
        _convert_to_pytorch(values)
    else:
        _convert_from_pytorch(values)


def _convert_from_pytorch(values):
    from hdgan.models.model_file import save_model
    from hdgan.models.pix2pixhd.pytorch_conversion import (
        PyTorchFiles,
        model_from_pytorch,
    )
    from hdgan.preprocessing.label_set import LabelSet

    output = pathlib.Path(values.output)
    if output.exists():
        raise ValueError(
            f"--output={output} exists already. Choose another name, or remove "
            "it."
        )
    files = PyTorchFiles(
        values.generator,
        values.discriminator,
        values.encoder,
        "labels" if values.label_feat else "instances",
        values.style_clusters,
        values.load_style_maps,
        values.use_instances,
        values.label_nc,
        LabelSet.load(values.labels_file) if values.labels_file else None,
    )
    model = model_from_pytorch(files)
    save_model(model, output)
    _report(model, files)
    print(f"Model: {output}")


def _convert_to_pytorch(values):
    from hdgan.models.model_file import load_model
    from hdgan.models.pix2pixhd.pytorch_conversion import write_pytorch

    model = load_model(values.model)
    for path in write_pytorch(model, values.output):
        print(path)
    if model.average_generator is not None:
        print("The generator is the moving average, which synthesizes.")


def _report(model, files):
    """Prints the networks and inputs that were found in the files."""
    from hdgan.models.pix2pixhd.pytorch_checkpoint import describe

    for name, file, network in (
        ("generator", files.generator, model.generator),
        ("encoder", files.encoder, model.encoder),
        (
            "discriminator",
            files.discriminator or "no file; new weights, to train on",
            model.discriminator,
        ),
    ):
        if network is not None:
            print(f"{name}: {file}")
            print(f"  {describe(network)}")
            print(f"  {network.count_params():,} parameters")
    if model.style_clusters is not None:
        print(f"style clusters: {files.style_clusters}")
        classes = ", ".join(map(str, model.style_clusters.centers))
        print(f"  of the classes {classes}")
    parts = ["RGB" if model.labels is None else f"{len(model.labels)} classes"]
    if model.use_instances:
        parts.append("boundary map")
    if model.style_channels:
        parts.append(f"{model.style_channels} style channels")
    print(f"Input: {', '.join(parts)}")


def _check_flags(values):
    for name, is_given in (
        ("label_feat", values.label_feat and not values.encoder),
        ("load_style_maps", values.load_style_maps and values.encoder),
        ("discriminator", values.discriminator and values.to_pytorch),
        ("encoder", values.encoder and values.to_pytorch),
        ("style_clusters", values.style_clusters and values.to_pytorch),
    ):
        if is_given:
            raise ValueError(
                f"--{name} does not fit the other flags: --label_feat needs an "
                "--encoder, --load_style_maps a model without one, and "
                "--to_pytorch takes everything from --model. Leave it out."
            )
    needed, other = "generator", "model"
    if values.to_pytorch:
        needed, other = other, needed
    if not values[needed].value or values[other].value:
        raise ValueError(
            "Expected --generator=FILE to convert from PyTorch, or "
            "--to_pytorch --model=FILE to convert to it."
        )


if __name__ == "__main__":
    flags.DEFINE_string(
        "generator", None, "Checkpoint of the generator, latest_net_G.pth."
    )
    flags.DEFINE_string(
        "discriminator",
        None,
        "Checkpoint of the discriminator, latest_net_D.pth. Default: a new "
        "discriminator.",
    )
    flags.DEFINE_string(
        "encoder",
        None,
        "Checkpoint of the encoder, latest_net_E.pth. Default: no encoder.",
    )
    flags.DEFINE_string(
        "style_clusters",
        None,
        "Style clusters, such as features_clustered_010.npy. Default: none.",
    )
    flags.DEFINE_bool(
        "label_feat", False, "The encoder averages over classes, not instances."
    )
    flags.DEFINE_bool(
        "load_style_maps", False, "The generator takes style maps from files."
    )
    flags.DEFINE_integer(
        "label_nc",
        None,
        "Number of classes; 0: RGB input. Default: that of --labels_file, or "
        "what --use_instances leaves.",
    )
    flags.DEFINE_string(
        "labels_file",
        None,
        "JSON file of the classes' names and colors. Default: numbers.",
    )
    flags.DEFINE_bool(
        "use_instances",
        None,
        "The generator takes a boundary map. Default: what --label_nc or "
        "--labels_file leaves.",
    )
    flags.DEFINE_bool("to_pytorch", False, "Convert to PyTorch, not from it.")
    flags.DEFINE_string(
        "model",
        None,
        "Model to convert to PyTorch: a .keras file, or the folder of its run.",
    )
    flags.DEFINE_string(
        "output",
        None,
        "Model file to write; with --to_pytorch, the folder to write to.",
        required=True,
    )
    program.run(main)
