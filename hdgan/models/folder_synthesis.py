"""Photographs of a folder of label maps, as image files."""

import pathlib

import keras

from hdgan.data.image_files import write_png


def synthesize_folder(model, scenes, output_dir, samples=None, seed=0):
    """Synthesizes every scene, with a progress bar.

    Args:
        model: `LabelToPhotoModel`.
        scenes: `SceneFiles`.
        output_dir: path of an existing folder to write to.
        samples: int, number of different photographs of each scene, which are
            named `NAME_0.png`, `NAME_1.png`, ... Defaults to None, one without
            noise, `NAME.png`.
        seed: int, seed of the first sample. Defaults to 0.

    Returns:
        List of paths of the written files.

    Raises:
        ValueError: naming the file that does not fit the model.
    """
    output_dir = pathlib.Path(output_dir)
    progress = keras.utils.Progbar(len(scenes), unit_name="scene")
    written = []
    for index, path in enumerate(scenes.inputs):
        scene = scenes.read(index)
        if "photo" in scene:
            scene["style_photo"] = scene.pop("photo")
        for number in range(samples or 1):
            try:
                photo = model.synthesize(
                    **scene, **_seeds(model, scenes, samples, seed + number)
                )
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
            ending = "" if samples is None else f"_{number}"
            written.append(output_dir / f"{path.stem}{ending}.png")
            write_png(written[-1], photo)
        progress.add(1)
    return written


def _seeds(model, scenes, samples, seed):
    """Returns the seeds of the random parts of a photograph."""
    draws_styles = bool(model.style_channels) and (
        scenes.photos is None and scenes.style_maps is None
    )
    seeds = {"style_seed": seed} if draws_styles else {}
    if samples is not None and (model.generator.dropout_rate or not seeds):
        seeds["noise_seed"] = seed
    return seeds
