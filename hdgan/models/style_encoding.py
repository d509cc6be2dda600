"""Style maps that a model's encoder makes from photos, as image files."""

import pathlib

import tensorflow as tf

from hdgan.data.files import make_writable_folder
from hdgan.data.image_files import write_png
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_dataset import read_scene
from hdgan.models.synthesis import to_uint8
from hdgan.progress_bar import make_progress_bar


def encode_styles(model, scenes, output_dir, resizing):
    """Writes the style map of every scene, with a progress bar.

    Args:
        model: `LabelToPhotoModel` with an encoder of three style channels in
            [-1, 1].
        scenes: `SceneSource` with photos.
        output_dir: path of the folder to write to, which is created if it is
            missing.
        resizing: `ResizePolicy` without a crop. A style map is resized back to
            the size of the label map's file.

    Returns:
        List of paths of the written files.

    Raises:
        ValueError: if the model has no such encoder, the folder can't be
            written to, or a file does not fit, which is named.
    """
    if model.encoder is None:
        raise ValueError(
            "This model has no instance encoder. Expected one that was trained "
            "with --instance_feat or --label_feat."
        )
    if model.style_limit is None:
        raise ValueError(
            f"The styles of a {type(model).__name__} are not limited to "
            "[-1, 1], as the values of an image are. Expected a Pix2PixHD."
        )
    channels = model.encoder.style_channels
    if channels != 3:
        raise ValueError(
            f"This model's encoder makes styles of {channels} channels. "
            "Expected 3, the channels of an RGB image. Train one with "
            "--style_channels=3."
        )
    output_dir = pathlib.Path(output_dir)
    labels = model.labels
    sizes = check_scenes(
        scenes, len(labels or ()), labels.ignore_ids if labels else ()
    )
    try:
        make_writable_folder(output_dir)
    except OSError as error:
        raise ValueError(
            f"{output_dir} can't be written to: {error}. Remove what is in the "
            "way, or copy the data set to a folder that you may write to."
        ) from error

    # One graph for every size.
    @tf.function(reduce_retracing=True)
    def encode(scene, size):
        style_map = tf.image.resize(model.encode(scene), size, method="nearest")
        return to_uint8(style_map)

    progress = make_progress_bar(len(scenes))
    written = []
    for index, size in enumerate(sizes):
        scene = read_scene(scenes, index, resizing)
        batch = {key: tf.constant(array[None]) for key, array in scene.items()}
        written.append(output_dir / f"{scenes.stem(index)}.png")
        write_png(written[-1], encode(batch, tf.constant(size))[0].numpy())
        progress.add(1)
    return written
