"""SavedModels for TF Serving."""

import pathlib
import shutil
import tempfile

import keras
import tensorflow as tf

from hdgan.synthesis import to_uint8


def export_savedmodel(model, directory):
    """Writes a SavedModel that holds the inference generator alone.

    Signature `serving_default`: `label_map`, uint8 `(batch, height, width)`
    (RGB, `(batch, height, width, 3)`, for a model without labels), and
    `instance_map`, int32 `(batch, height, width)`, zeros where there is none;
    with an encoder also `photo`, uint8 `(batch, height, width, 3)`, whose
    styles are taken; where the generator takes one, `feature_map`, uint8
    `(batch, height, width, feature_map_channels)`. Output `photo`, uint8
    `(batch, height, width, 3)`. Batch, height and width are free.

    It is written beside its place and renamed into it, so that a server which
    polls the parent never sees half a model.

    Args:
        model: `Pix2PixHD`.
        directory: path to make; must not exist.

    Raises:
        ValueError: if the directory exists.
    """
    directory = pathlib.Path(directory)
    if directory.exists():
        raise ValueError(
            f"{directory} exists already. Expected a path to make; export to "
            "the next version's number, or remove it."
        )
    names = ["label_map", "instance_map"]
    if model.encoder is not None:
        names.append("photo")
    if model.feature_map_channels:
        names.append("feature_map")

    def synthesize(*maps):
        inputs = dict(zip(names, maps, strict=True))
        return {"photo": to_uint8(model(inputs, training=False))}

    specs = {
        "label_map": tf.TensorSpec(
            (None, None, None) + ((3,) if model.labels is None else ()),
            tf.uint8,
            "label_map",
        ),
        "instance_map": tf.TensorSpec(
            (None, None, None), tf.int32, "instance_map"
        ),
        "photo": tf.TensorSpec((None, None, None, 3), tf.uint8, "photo"),
        "feature_map": tf.TensorSpec(
            (None, None, None, model.feature_map_channels),
            tf.uint8,
            "feature_map",
        ),
    }
    archive = keras.export.ExportArchive()
    # The endpoint brings the weights that it uses. `archive.track` would write
    # each of them a second time.
    archive.add_endpoint(
        "serving_default",
        synthesize,
        input_signature=[specs[name] for name in names],
    )
    directory.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system, so that the rename is one step.
    workspace = pathlib.Path(
        tempfile.mkdtemp(prefix=".export-", dir=directory.parent)
    )
    try:
        archive.write_out(str(workspace / "model"), verbose=False)
        (workspace / "model").rename(directory)
    finally:
        shutil.rmtree(workspace)
