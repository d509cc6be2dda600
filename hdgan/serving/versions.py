"""The numbered versions of a served model, in a folder that a server polls."""

import pathlib

import tensorflow as tf

from hdgan.serving.savedmodel import check_is_new


def export_version(model, output_dir, version=None, options=None):
    """Exports a model as a version.

    Args:
        model: `LabelToPhotoModel`.
        output_dir: path of the folder that the server polls.
        version: int in 1..2**63 - 1. Defaults to one more than the highest
            version in the folder.
        options: `hdgan.serving.ServingOptions`, or None for its defaults.

    Returns:
        `pathlib.Path` of the version's folder.

    Raises:
        ValueError: if the version exists, is out of range or cannot be written.
    """
    directory = choose_directory(output_dir, version)
    try:
        model.export(directory, options)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "message", error)
        raise ValueError(
            f"{directory} cannot be written: {reason}. Check the path, its "
            "permissions and the free space."
        ) from error
    return directory


def choose_directory(output_dir, version=None):
    """Returns the path of a version that does not exist yet.

    Args:
        output_dir: as in `export_version`.
        version: as in `export_version`.

    Raises:
        ValueError: if the version exists or is out of range.
    """
    output_dir = pathlib.Path(output_dir)
    if version is None:
        taken = [
            int(path.name)
            for path in output_dir.glob("*")
            if path.name.isdecimal()
        ]
        version = max(taken, default=0) + 1
    if not 1 <= version < 2**63:
        raise ValueError(
            f"`version` must be in 1..2**63 - 1. Received: {version}"
        )
    return check_is_new(output_dir / str(version))
