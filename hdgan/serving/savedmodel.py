"""Exports of models as SavedModels for TF Serving."""

import pathlib
import shutil
import tempfile

import tensorflow as tf

from hdgan.layers.kernels.backend import tracing_for_inference
from hdgan.serving.description import describe_model, write_description
from hdgan.serving.options import ServingOptions
from hdgan.serving.signatures import make_signatures
from hdgan.serving.warmup import list_warmup, write_warmup


def export_savedmodel(model, directory, options=None):
    """Writes a SavedModel of the inference generator.

    All inputs and outputs have names; batch, height and width are free.
    Photographs have the size of the label map. The signatures are:

    - `serving_default`: `label_map`, uint8 `(batch, height, width)` (int32 for
      more than 256 classes; for a model without labels an RGB image, uint8
      `(batch, height, width, 3)`); `instance_map`, int32 `(batch, height,
      width)`, zeros if there is none; for a model with an encoder `photo`,
      uint8 `(batch, height, width, 3)`, whose styles are used; for a generator
      that takes style maps `style_map`, uint8 `(batch, height, width,
      style_map_channels)`. Output: `photo`, uint8 `(batch, height, width, 3)`.
    - `synthesize_png`: the same with files: `label_bytes`; `instance_bytes`,
      empty if there is none (both PNG of 8 or 16 bits); where needed,
      `photo_bytes` and `style_bytes` (PNG or JPEG). Each is `(batch,)`, and the
      examples may differ in size. Output: `image_bytes`, PNG or JPEG. Missing
      if no image file can hold the style maps.
    - `encode`, for a model with an encoder: takes the inputs of
      `serving_default`. Outputs: `style_map`, float32 `(batch, height, width,
      style_channels)` in [-1, 1], constant over each instance; and for each
      instance `style_examples`, the index of its example, `style_instances`,
      its id, and `style_vectors`, its style.
    - `synthesize_with_style`, for a model with labels that takes styles:
      `label_map`; `instance_map`; `style_instances`, int32 `(batch, n)`, ids of
      instances; `style_vectors`, float32 `(batch, n, style_channels)` in
      [-1, 1]; `style_clusters`, int32 `(batch, n)`, the index of a cluster of
      the instance's class, which replaces the vector unless it is negative;
      `seed`, int32 `(batch,)`, which draws the styles of all other instances.
      Output: `photo`.
    - `encode_png` and `synthesize_with_style_png`: the same with files, which
      may differ in size. `encode_png` returns no style map.
    - `describe`: `request`, `(batch,)`, any text. Output: `description`,
      `(batch,)`, JSON with classes, colors, preset and versions. The file
      `assets.extra/describe.json` holds the same text.
    - `synthesize_WIDTHxHEIGHT` for each fixed size: `serving_default` for
      images of that size.

    Invalid input is refused with INVALID_ARGUMENT and a message that says how
    to fix it.

    The model is written to a temporary folder beside `directory` and renamed:
    a server that polls the parent folder never sees half a model.

    Args:
        model: `LabelToPhotoModel`.
        directory: path of the SavedModel; must not exist.
        options: `ServingOptions`, or None for its defaults.

    Raises:
        ValueError: if the directory exists, or there are more warm-up requests
            than a server accepts.
        OSError: if it cannot be written. TensorFlow raises `tf.errors.OpError`
            for the files that it writes.
    """
    directory = check_is_new(pathlib.Path(directory))
    options = options or ServingOptions()
    signatures = make_signatures(model, options)
    warmup = list_warmup(signatures, options.warmup_sizes)
    directory.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system, so that the rename is atomic.
    workspace = pathlib.Path(
        tempfile.mkdtemp(prefix=".export-", dir=directory.parent)
    )
    try:
        with tracing_for_inference(options.device):
            _write_graphs(signatures, workspace / "model")
        write_description(
            workspace / "model",
            describe_model(model, options, signatures),
        )
        if warmup:
            write_warmup(workspace / "model", warmup)
        try:
            (workspace / "model").rename(directory)
        except OSError:
            # Another export may have made the directory in the meantime.
            check_is_new(directory)
            raise
    finally:
        shutil.rmtree(workspace)


def check_is_new(directory):
    """Returns the path of a new SavedModel, which must not exist.

    Args:
        directory: `pathlib.Path`.

    Raises:
        ValueError: if it exists.
    """
    if directory.exists():
        raise ValueError(
            f"{directory} exists already. Expected a path that does not exist: "
            "export to the next version, or remove the directory."
        )
    return directory


def _write_graphs(signatures, directory):
    """Writes a SavedModel of the signatures and the weights that they use."""
    # `keras.export.ExportArchive` passes functions that are not traced yet. It
    # traces each to find its weights, and TensorFlow again to save it.
    graphs = {
        name: tf.function(
            function, input_signature=specs, autograph=False
        ).get_concrete_function()
        for name, (function, specs) in signatures.items()
    }
    module = tf.Module()
    weights = {id(w): w for graph in graphs.values() for w in graph.variables}
    module.weights = list(weights.values())
    tf.saved_model.save(module, str(directory), signatures=graphs)
