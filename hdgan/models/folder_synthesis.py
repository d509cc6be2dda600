"""Photographs of a folder of label maps, as image files."""

import pathlib

from hdgan.data.image_files import write_png
from hdgan.data.scene_dataset import read_scene
from hdgan.progress_bar import make_progress_bar


def synthesize_folder(
    model, scenes, output_dir, samples=None, seed=0, resizing=None
):
    """Synthesizes every scene, with a progress bar.

    Args:
        model: `LabelToPhotoModel`.
        scenes: `SceneFiles`.
        output_dir: path of an existing folder to write to.
        samples: int, number of different photographs of each scene, which are
            named `NAME_0.png`, `NAME_1.png`, ... Defaults to None, one without
            noise, `NAME.png`.
        seed: int, seed of the first sample. Defaults to 0.
        resizing: `ResizePolicy` of the scenes. Defaults to None, the size that
            they have.

    Returns:
        Dict from the path of each label map to the list of the files that were
        written for it, and dict from the path of a label map to the
        `ValueError` that its scene ended in, for those that failed.
    """
    output_dir = pathlib.Path(output_dir)
    progress = make_progress_bar(len(scenes))
    written, errors = {}, {}
    for index, path in enumerate(scenes.inputs):
        try:
            if resizing is None:
                scene = scenes.read(index)
            else:
                scene = read_scene(scenes, index, resizing)
            if "photo" in scene:
                scene["style_photo"] = scene.pop("photo")
            files = []
            for number in range(samples or 1):
                photo = model.synthesize(
                    **scene, **_seeds(model, scenes, samples, seed + number)
                )
                ending = "" if samples is None else f"_{number}"
                file = output_dir / f"{path.stem}{ending}.png"
                write_png(file, photo)
                files.append(file)
            written[path] = files
        except ValueError as error:
            errors[path] = error
        progress.add(1)
    return written, errors


def _seeds(model, scenes, samples, seed):
    """Returns the seeds of the random parts of a photograph."""
    draws_styles = bool(model.style_channels) and (
        scenes.photos is None and scenes.style_maps is None
    )
    seeds = {"style_seed": seed} if draws_styles else {}
    if samples is not None and (model.generator.dropout_rate or not seeds):
        seeds["noise_seed"] = seed
    return seeds
