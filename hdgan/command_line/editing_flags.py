"""The flags that the tools for edited data sets share.

The tools are `edit_scenes` and `augment_dataset`.
"""

import pathlib

from absl import flags

# They count as flags of the main module: the tool that calls `define`.
flags.disclaim_key_flags()


def define(split, needs_model=False):
    """Defines the flags of model, data set and output.

    Args:
        split: str, default of the flag `split`.
        needs_model: bool, whether model and folders are required flags, because
            the tool does nothing without. Defaults to False.
    """
    without = "" if needs_model else " Default: none, maps without photographs."
    flags.DEFINE_string(
        "model",
        None,
        "Model to synthesize with: a .keras file, or the folder of its run."
        + without,
        required=needs_model,
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        f"Folder of the data set, with {split}_label.",
        required=needs_model,
    )
    flags.DEFINE_string("split", split, "Start of the folders' names.")
    flags.DEFINE_string(
        "shape_split",
        "train",
        "Start of the names of the folders whose objects are cut out, to be "
        "added to scenes.",
    )
    flags.DEFINE_integer(
        "load_size",
        None,
        "Width in pixels that maps are scaled to; 0 keeps their size. Default: "
        "the width that the model was trained at.",
    )
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    flags.DEFINE_string(
        "output_dir",
        None,
        "Folder for the edited data set.",
        required=needs_model,
    )


def open_model():
    """Returns the model of the flags and the path of its file, or twice None.

    Raises:
        ValueError: if it can't be opened, or takes no label maps.
    """
    from hdgan.models.model_file import find_model_file, load_model

    values = flags.FLAGS
    if values.model is None:
        return None, None
    path = find_model_file(values.model)
    model = load_model(path)
    if model.labels is None:
        raise ValueError(
            f"--model={values.model} takes RGB images, which have no classes "
            "to edit. Expected a model of label maps."
        )
    return model, path


def find_scenes(model):
    """Returns the classes and the checked scenes of the data set.

    Args:
        model: `LabelToPhotoModel`, or None.

    Returns:
        `LabelSet` and `SceneFiles` without photos.

    Raises:
        ValueError: if classes or files are missing or wrong; names the file.
    """
    from hdgan.preprocessing.label_set import LabelSet

    _check_output()
    if model is not None:
        labels = model.labels
    else:
        file = pathlib.Path(flags.FLAGS.data_dir) / "labels.json"
        if not file.is_file():
            raise ValueError(
                f"{file} is missing, which names the classes. Write it, or "
                "give --model."
            )
        labels = LabelSet.load(file)
    return labels, _find(labels, flags.FLAGS.split)


def cut_shapes(labels):
    """Returns the `ShapeLibrary` of the data set's objects.

    Args:
        labels: `LabelSet`.

    Raises:
        ValueError: if there are no instance maps, or a file is damaged.
    """
    from hdgan.editing.shape_library import ShapeLibrary

    return ShapeLibrary.cut(_find(labels, flags.FLAGS.shape_split), labels)


def choose_resizing(model):
    """Returns the `ResizePolicy` of the scenes.

    Args:
        model: `LabelToPhotoModel`, or None.

    Raises:
        ValueError: if a flag is out of range.
    """
    from hdgan.data.resize_policy import ResizePolicy

    width = flags.FLAGS.load_size
    if width is not None and width < 0:
        raise ValueError(f"--load_size must be at least 0. Received: {width}")
    if width is None and model is not None:
        width = model.scene_width
        if width:
            print(
                f"Maps are scaled to a width of {width} pixels, as in training "
                "(--load_size=0 keeps their size)."
            )
    if width:
        return ResizePolicy("scale_width", width)
    return ResizePolicy("none", size_multiple=1)


def _find(labels, split):
    from hdgan.data.scene_checks import check_scenes
    from hdgan.data.scene_files import pair_files

    values = flags.FLAGS
    folder = pathlib.Path(values.data_dir)
    instances = folder / f"{split}_inst"
    scenes = pair_files(
        folder / f"{split}_label",
        instances if instances.is_dir() else None,
        pair_cores=values.pair_cores,
    )
    check_scenes(scenes, len(labels), labels.ignore_ids)
    return scenes


def _check_output():
    values = flags.FLAGS
    data_dir = pathlib.Path(values.data_dir).resolve()
    if pathlib.Path(values.output_dir).resolve() == data_dir:
        raise ValueError(
            "--output_dir is --data_dir: the edited scenes would mix with its "
            "files. Choose another folder."
        )
