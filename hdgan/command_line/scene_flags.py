"""The flags that the tools for folders of label maps share.

The tools are `synthesize`, `request` and `batch_synthesize`.
"""

import pathlib

from absl import flags, logging

# They count as flags of the main module: the tool that calls `define`.
flags.disclaim_key_flags()

_INPUTS = ("label_dir", "instance_dir", "photo_dir", "style_dir")


def define():
    """Defines the flags of the folders."""
    flags.DEFINE_string(
        "label_dir",
        None,
        "Folder with label maps, or with RGB images for a model without "
        "labels.",
        required=True,
    )
    flags.DEFINE_string(
        "instance_dir", None, "Folder with instance maps. Default: none."
    )
    flags.DEFINE_string(
        "photo_dir",
        None,
        "Folder with photos whose styles are used, for a model with an "
        "encoder. Default: none.",
    )
    flags.DEFINE_string(
        "style_dir",
        None,
        "Folder with style maps, for a model that was trained on style maps. "
        "Default: none.",
    )
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    flags.DEFINE_string(
        "output_dir", None, "Folder for the photographs.", required=True
    )


def check_folders():
    """Checks that the input folders exist, and that no two folders are equal.

    Raises:
        ValueError: if a local input folder is missing, or two are equal.
    """
    values = flags.FLAGS
    output_dir = _absolute(values.output_dir)
    names = {}
    for name in _INPUTS:
        folder = values[name].value
        if not folder:
            continue
        path = _absolute(folder)
        if isinstance(path, pathlib.Path) and not path.is_dir():
            raise ValueError(f"--{name}={folder}: there is no such folder.")
        if path in names:
            raise ValueError(
                f"--{name} and --{names[path]} are the same folder, {folder}. "
                "Each kind of file needs a folder of its own."
            )
        names[path] = name
        if path == output_dir:
            raise ValueError(
                f"--output_dir is --{name}: the photographs would replace its "
                "files, or its files would count as finished photographs. "
                "Choose another folder."
            )


def warn_of_instances(use_instances):
    """Warns if instance maps are missing or would be ignored.

    Args:
        use_instances: bool, whether the model was trained with instance maps.
    """
    is_given = bool(flags.FLAGS.instance_dir)
    if use_instances and not is_given:
        logging.warning(
            "This model was trained with instance maps. Without "
            "--instance_dir, only boundaries between classes are drawn."
        )
    if is_given and not use_instances:
        logging.warning(
            "This model was trained without instance maps: --instance_dir is "
            "not used."
        )


def check_export(description):
    """Checks that the folders hold the inputs that an exported model takes.

    Args:
        description: dict, the description of the exported model.

    Raises:
        ValueError: if an input is missing or is not used, or the model takes
            no files.
    """
    inputs = description["signatures"].get("synthesize_png")
    if inputs is None:
        raise ValueError(
            "This model has no signature synthesize_png, because no image file "
            "can hold its style maps. Send arrays to its signature "
            "serving_default."
        )
    for name, noun in (("photo", "photo"), ("style", "style map")):
        is_given = bool(flags.FLAGS[f"{name}_dir"].value)
        if is_given != (f"{name}_bytes" in inputs):
            advice = "Leave it out." if is_given else "Give it."
            raise ValueError(
                f"--{name}_dir: this model takes {'no' if is_given else 'a'} "
                f"{noun} for each scene. {advice}"
            )
    warn_of_instances(description["use_instances"])


def _absolute(folder):
    # A remote folder, such as gs://bucket/folder, has no local path.
    is_remote = "://" in folder
    return folder.rstrip("/") if is_remote else pathlib.Path(folder).resolve()
