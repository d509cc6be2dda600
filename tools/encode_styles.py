r"""Writes the styles that a model's encoder finds in photos, as style maps.

    python -m hdgan.tools.encode_styles --model=runs/styles/model.keras \
        --data_dir=data

reads `train_img`, with `train_label` and `train_inst`, and writes `train_feat`:
for each label map an RGB image of its name and size, in which 0..255 stand for
styles from -1 to 1, constant over each instance, or each class. A recipe with
`--load_style_maps` trains on them without an encoder. Give the `--load_size`
that the encoder was trained at: its styles are those of that scale.
"""

import pathlib
import tempfile

import keras
import tensorflow as tf
from absl import flags

from hdgan.command_line import program
from hdgan.data.image_files import write_png
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import read_scene
from hdgan.data.scene_files import check_scenes, find_scenes
from hdgan.models.model_file import load_model
from hdgan.models.synthesis import to_uint8


def encode_styles(model, scenes, output_dir, resizing):
    """Writes the style map of every scene, with a progress bar.

    Args:
        model: `Pix2PixHD` with an encoder of three channels.
        scenes: `SceneFiles` with photos.
        output_dir: path; made if it is missing.
        resizing: `ResizePolicy` without crop; style maps come back to the size
            of the label map's file.

    Returns:
        List of the files written.

    Raises:
        ValueError: if the model's encoder does not fit, the folder can't be
            written to, or a file does not fit, which is named.
    """
    if model.encoder is None:
        raise ValueError(
            "This model has no instance feature encoder. Expected one that was "
            "trained with --instance_feat or --label_feat."
        )
    channels = model.encoder.output_shape[-1]
    if channels != 3:
        raise ValueError(
            f"This model's encoder finds {channels} features, but an RGB image "
            "holds 3. Train one with --style_channels=3."
        )
    output_dir = pathlib.Path(output_dir)
    sizes = check_scenes(scenes, len(model.labels or ()))
    _make_writable(output_dir)

    # One graph for every size.
    @tf.function(reduce_retracing=True)
    def encode(scene, size):
        features = tf.image.resize(model.encode(scene), size, method="nearest")
        return to_uint8(features)

    progress = keras.utils.Progbar(len(scenes), unit_name="scene")
    written = []
    for index, (path, size) in enumerate(
        zip(scenes.inputs, sizes, strict=True)
    ):
        scene = read_scene(scenes, index, resizing)
        batch = {key: tf.constant(array[None]) for key, array in scene.items()}
        written.append(output_dir / f"{path.stem}.png")
        write_png(written[-1], encode(batch, tf.constant(size))[0].numpy())
        progress.add(1)
    return written


def _make_writable(directory):
    try:
        directory.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise ValueError(
            f"{directory} can't be written to: {error}. Remove what is in the "
            "way, or copy the data set to where you may write."
        ) from error


def main():
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
    )
    output_dir = pathlib.Path(values.data_dir) / f"{values.split}_feat"
    written = encode_styles(model, scenes, output_dir, resizing)
    print(f"{len(written)} style maps in {output_dir}")


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "Model or run folder.", required=True)
    flags.DEFINE_string("data_dir", None, "Data set.", required=True)
    flags.DEFINE_string("split", "train", "Start of the folders' names.")
    flags.DEFINE_integer(
        "load_size", None, "Pixels to scale to, as in training; default: none."
    )
    program.run(main)
