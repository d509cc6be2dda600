"""Writing SavedModels for TF Serving."""

import pathlib
import shutil
import tempfile

import keras

from hdgan.layers.kernels.backend import tracing_for_inference
from hdgan.serving.description import describe_model, write_description
from hdgan.serving.options import ServingOptions
from hdgan.serving.signatures import make_signatures
from hdgan.serving.warmup import list_warmup, write_warmup


def export_savedmodel(model, directory, options=None):
    """Writes a SavedModel that holds the inference generator alone.

    Signatures, with named inputs and outputs, batch, height and width free, and
    photographs of the label maps' size:

    - `serving_default`: `label_map`, uint8 `(batch, height, width)` (int32 for
      more than 256 classes; RGB, uint8 `(batch, height, width, 3)`, for a model
      without labels), and
      `instance_map`, int32 `(batch, height, width)`, zeros where there is none;
      with an encoder also `photo`, uint8 `(batch, height, width, 3)`, whose
      styles are taken; where the generator takes one, `style_map`, uint8
      `(batch, height, width, style_map_channels)`. Output `photo`, uint8
      `(batch, height, width, 3)`.
    - `synthesize_png`: the same as files: `label_bytes`, `instance_bytes`
      (PNG of 8 or 16 bits; the latter empty where there is none), `photo_bytes`
      and `style_bytes` where they are needed, `(batch,)`, each example of its
      own size. Output `image_bytes`, PNG or JPEG. (Not for a model that takes
      features which no image holds.)
    - `encode`, of a model with an encoder: the inputs of `serving_default` to
      `style_map`, float32 `(batch, height, width, style_channels)` in
      [-1, 1], constant over each instance; and of each instance the number of
      its example, its id and its style: `style_examples`, `style_instances`
      and `style_vectors`.
    - `synthesize_with_style`, of a model with labels that takes styles:
      `label_map`, `instance_map`; `style_instances`, int32 `(batch, n)`, ids of
      instances, with `style_vectors`, float32 `(batch, n, style_channels)` in
      [-1, 1], or instead, where not negative, `style_clusters`, int32 `(batch,
      n)`, numbers of its class's clusters; `seed`, int32 `(batch,)`, which
      draws the styles of the other instances. Output `photo`.
    - `encode_png`, `synthesize_with_style_png`: the same of files, each example
      of its own size; the former without the style map.
    - `describe`: `request`, `(batch,)`, any text, to `description`, `(batch,)`,
      JSON with classes, colours, preset and versions; the file
      `assets.extra/describe.json` holds the same.
    - `synthesize_WIDTHxHEIGHT` for each fixed size: `serving_default` for that.

    Bad input is refused with INVALID_ARGUMENT and what to do about it.

    It is written beside its place and renamed into it, so that a server which
    polls the parent never sees half a model.

    Args:
        model: `Pix2PixHD`.
        directory: path to make; must not exist.
        options: `ServingOptions`; None for their defaults.

    Raises:
        ValueError: if the directory exists, or there are more warm-up requests
            than a server takes.
        OSError: if it can't be written; of TensorFlow's files it is a
            `tf.errors.OpError`.
    """
    directory = check_is_new(pathlib.Path(directory))
    archive = keras.export.ExportArchive()
    # The endpoints bring the weights that they use. `archive.track` would write
    # each of them a second time.
    options = options or ServingOptions()
    signatures = make_signatures(model, options)
    warmup = list_warmup(signatures, options.warmup_sizes)
    for name, (function, specs) in signatures.items():
        archive.add_endpoint(name, function, input_signature=specs)
    directory.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system, so that the rename is one step.
    workspace = pathlib.Path(
        tempfile.mkdtemp(prefix=".export-", dir=directory.parent)
    )
    try:
        with tracing_for_inference(options.device):
            archive.write_out(str(workspace / "model"), verbose=False)
        write_description(
            workspace / "model",
            describe_model(model, options, signatures),
        )
        if warmup:
            write_warmup(workspace / "model", warmup)
        try:
            (workspace / "model").rename(directory)
        except OSError:
            # Another export was faster.
            check_is_new(directory)
            raise
    finally:
        shutil.rmtree(workspace)


def check_is_new(directory):
    """Returns the path of a SavedModel that is to be made.

    Args:
        directory: `pathlib.Path`.

    Raises:
        ValueError: if it exists.
    """
    if directory.exists():
        raise ValueError(
            f"{directory} exists already. Expected a path to make; export to "
            "the next version's number, or remove it."
        )
    return directory
