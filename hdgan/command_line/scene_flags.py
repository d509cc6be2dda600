"""What the tools that make photographs of folders of label maps have in common.

They are `synthesize`, `request` and `batch_synthesize`.
"""

import pathlib

from absl import flags, logging

_INPUTS = ("label_dir", "instance_dir", "photo_dir", "style_dir")


def define():
    """Defines the flags of the folders."""
    flags.DEFINE_string("label_dir", None, "Label maps.", required=True)
    flags.DEFINE_string("instance_dir", None, "Instance maps.")
    flags.DEFINE_string(
        "photo_dir", None, "Photos whose styles a model with encoder takes."
    )
    flags.DEFINE_string(
        "style_dir", None, "Style maps, for a model trained on them."
    )
    flags.DEFINE_string("output_dir", None, "For photographs.", required=True)


def check_output_dir():
    """Checks that photographs get a folder of their own.

    Raises:
        ValueError: if `--output_dir` is a folder of input files.
    """
    values = flags.FLAGS
    output_dir = _absolute(values.output_dir)
    for name in _INPUTS:
        folder = values[name].value
        if folder and _absolute(folder) == output_dir:
            raise ValueError(
                f"--output_dir is --{name}: photographs would replace its "
                "files, or be taken for made already. Choose another folder."
            )


def warn_of_instances(use_instances):
    """Warns of instance maps that a model misses, or does not look at.

    Args:
        use_instances: bool, whether it was trained with them.
    """
    is_given = bool(flags.FLAGS.instance_dir)
    if use_instances and not is_given:
        logging.warning(
            "This model was trained with instance maps. Without "
            "--instance_dir, only borders between classes are drawn."
        )
    if is_given and not use_instances:
        logging.warning(
            "This model was trained without instance maps: --instance_dir is "
            "not used."
        )


def check_export(description):
    """Checks that an exported model takes just what the folders hold.

    Args:
        description: dict, what it says of itself.

    Raises:
        ValueError: if it doesn't, or takes no files at all.
    """
    inputs = description["signatures"].get("synthesize_png")
    if inputs is None:
        raise ValueError(
            "This model has no signature synthesize_png: it takes features "
            "that no image holds. Ask its signature serving_default."
        )
    for name, noun in (("photo", "photo"), ("style", "style map")):
        is_given = bool(flags.FLAGS[f"{name}_dir"].value)
        if is_given != (f"{name}_bytes" in inputs):
            advice = "Leave it out." if is_given else "Give it."
            raise ValueError(
                f"--{name}_dir: this model takes {'no' if is_given else 'a'} "
                f"{noun} of each scene. {advice}"
            )
    warn_of_instances(description["use_instances"])


def _absolute(folder):
    # Such as gs://bucket/folder.
    is_remote = "://" in folder
    return folder.rstrip("/") if is_remote else pathlib.Path(folder).resolve()
