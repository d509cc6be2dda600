"""Opening and saving models."""

import contextlib
import errno
import json
import pathlib
import shutil
import zipfile

import keras

from hdgan.data.bounded_zip import open_bounded_zip, open_entry
from hdgan.data.files import replacing
from hdgan.data.hdf5_arrays import measure_arrays
from hdgan.data.printable import printable
from hdgan.models.declared_size import (
    check_counts,
    limit_variables,
    read_config,
)
from hdgan.models.finite_weights import describe_not_finite
from hdgan.models.label_to_photo import LabelToPhotoModel
from hdgan.models.presets import import_families

_WEIGHTS = "model.weights.h5"
_CONFIG = "config.json"
# Keras unpacks all of them to find the assets, of which models here have none.
_MAX_ENTRIES = 1000


def load_model(path):
    """Opens a trained model for synthesis, without its optimizers.

    No code in the file is run, and a file that declares more than it holds is
    refused before memory is allocated for it.

    Args:
        path: a `.keras` file; the folder of a run, which holds `model.keras`;
            or `hf://OWNER/NAME`, a repository on the Hugging Face Hub that
            holds `model.keras` (needs `huggingface_hub`).

    Returns:
        `LabelToPhotoModel`.

    Raises:
        ValueError: naming the file, if it does not exist, is damaged, holds
            something else, or has weights that are NaN or infinite.
    """
    import_families()
    path = find_model_file(path)
    check_keras_file(path)
    with _naming(path), path.open("rb") as file:
        archive = open_bounded_zip(file)
        config = read_config(archive)
        stored = measure_arrays(open_entry(file, archive, _WEIGHTS))
        check_counts(config, stored)
    _check_class(path, config)
    with _naming(path), limit_variables(stored):
        model = keras.models.load_model(path, compile=False)
    not_finite = describe_not_finite(model)
    if not_finite:
        raise ValueError(
            f"{path} {not_finite}: its training has failed. Use an earlier "
            "checkpoint, or train again with a lower learning rate."
        )
    return model


def find_model_file(path):
    """Returns the file of a trained model.

    Args:
        path: as in `load_model`. A repository of the Hub is downloaded.

    Returns:
        `pathlib.Path` of a `.keras` file, which may be missing.
    """
    if str(path).startswith("hf://"):
        path = _download(str(path))
    path = pathlib.Path(path)
    return path / "model.keras" if path.is_dir() else path


def check_keras_file(path):
    """Checks that a `.keras` file is complete and unchanged.

    It opens no model: it reads the archive's table and compares the CRC-32 of
    each entry, about a second for a gigabyte. It finds files that are cut
    short or damaged, not weights that are wrong.

    Args:
        path: path of the file.

    Raises:
        ValueError: naming the file, if it does not exist, can't be read, is no
            `.keras` file, is damaged, or unpacks to far more than its size.

    Example:
        >>> check_keras_file("runs/first/checkpoints/step-00001000.keras")
    """
    path = pathlib.Path(path)
    if not path.is_file():
        found = "is no regular file" if path.exists() else "does not exist"
        raise ValueError(
            f"{path} {found}. Expected a .keras file that a recipe wrote, or "
            "the folder of its run."
        )
    if path.suffix != ".keras":
        raise ValueError(f"{path}: expected a file name that ends in .keras.")
    with _naming(path), path.open("rb") as file:
        archive = open_bounded_zip(file)
        names = archive.namelist()
        if len(names) > _MAX_ENTRIES:
            raise ValueError(f"it holds {len(names):,} entries")
        for name in (_CONFIG, _WEIGHTS):
            if name not in names:
                raise ValueError(f"it holds no {name}")
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(
                f"{printable(damaged)} has another CRC-32 than when it was "
                "saved"
            )


def save_model(model, path):
    """Saves a model atomically: an interrupted save leaves the old file.

    Args:
        model: `LabelToPhotoModel`.
        path: path of the `.keras` file. An existing file is replaced; a missing
            folder is created.

    Raises:
        ValueError: if the name does not end in `.keras`, or the file can't be
            written.
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"{path}: expected a file name that ends in .keras.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            model.save(temporary)
    except OSError as error:
        raise ValueError(f"{path} can't be written: {error}.") from error


def store_style_clusters(path, clusters, output):
    """Writes a model's file with other style clusters; all else is kept.

    Args:
        path: path of the `.keras` file.
        clusters: `StyleClusters`.
        output: path of the `.keras` file to write, which may be the same.

    Raises:
        ValueError: if the model's file is not sound, or the other can't be
            written.
    """
    check_keras_file(path)
    output = pathlib.Path(output)
    if output.suffix != ".keras":
        raise ValueError(f"{output}: expected a file name that ends in .keras.")
    with _naming(path), zipfile.ZipFile(path) as archive:
        config = read_config(archive)
        config["config"]["style_clusters"] = (
            keras.saving.serialize_keras_object(clusters)
        )
        try:
            with (
                replacing(output) as temporary,
                zipfile.ZipFile(temporary, "w") as copy,
            ):
                for entry in archive.infolist():
                    if entry.filename == _CONFIG:
                        copy.writestr(entry, json.dumps(config))
                        continue
                    with (
                        archive.open(entry) as old,
                        copy.open(entry, "w") as new,
                    ):
                        shutil.copyfileobj(old, new)
        except OSError as error:
            raise ValueError(f"{output} can't be written: {error}.") from error


def _download(address):
    """Returns the local path of the model of a repository on the Hub."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise ValueError(
            f"{address} needs huggingface_hub, which is not installed: pip "
            "install huggingface_hub. Or give the path of a .keras file."
        ) from error
    repository = address.removeprefix("hf://")
    try:
        return huggingface_hub.hf_hub_download(repository, "model.keras")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{address} can't be opened: {error}. Expected hf://OWNER/NAME of "
            "a repository that holds model.keras."
        ) from error


@contextlib.contextmanager
def _naming(path):
    """Turns every error into a `ValueError` that names the file."""
    try:
        yield
    except OSError as error:
        # Damaged contents lead to no, or to an invalid, place in the file.
        if error.errno in (None, errno.EINVAL):
            raise _not_sound(path, error) from error
        raise ValueError(f"{path} can't be read: {error}.") from error
    except Exception as error:  # Damaged contents can raise any.
        raise _not_sound(path, error) from error


def _not_sound(path, error):
    # Keras wraps the error of a constructor in pages of configuration.
    while isinstance(error, TypeError) and error.__context__:
        error = error.__context__
    reason = printable(error)
    if not isinstance(error, OSError | ValueError | zipfile.BadZipFile):
        reason = f"{type(error).__name__}: {reason}"
    return ValueError(
        f"{path} is not a Keras model, or is damaged: {reason}. Expected a "
        ".keras file that a recipe wrote. Copy or download it again, or use "
        "an earlier checkpoint."
    )


def _check_class(path, config):
    name = str(config.get("registered_name"))
    found = keras.saving.get_registered_object(name)
    if isinstance(found, type) and issubclass(found, LabelToPhotoModel):
        return
    raise ValueError(
        f"{path} holds an object of the class "
        f"{printable(config.get('class_name'), 100)}. Expected a "
        "LabelToPhotoModel of hdgan. Import the module of a family of your own "
        "first."
    )
