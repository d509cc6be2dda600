"""Opening and saving models."""

import pathlib
import zipfile

import keras

from hdgan.data.files import replacing
from hdgan.models.label_to_photo import LabelToPhotoModel
from hdgan.models.presets import import_families


def load_model(path):
    """Opens a trained model for synthesis, without its optimizers.

    Args:
        path: a `.keras` file; the folder of a run, which holds `model.keras`;
            or `hf://OWNER/NAME`, a repository on the Hugging Face Hub that
            holds `model.keras` (needs `huggingface_hub`).

    Returns:
        `LabelToPhotoModel`.

    Raises:
        ValueError: if the file does not exist, is damaged, or holds something
            else.
    """
    import_families()
    if str(path).startswith("hf://"):
        path = _download(str(path))
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "model.keras"
    if not path.is_file():
        raise ValueError(
            f"{path} does not exist. Expected a .keras file that a recipe "
            "wrote, or the folder of its run."
        )
    if not _is_keras_file(path):
        raise ValueError(
            f"{path} is not a Keras model, or is incomplete. Expected a .keras "
            "file that a recipe wrote."
        )
    model = keras.models.load_model(path, compile=False)
    if not isinstance(model, LabelToPhotoModel):
        raise ValueError(
            f"{path} holds a {type(model).__name__}. Expected a "
            "LabelToPhotoModel of hdgan."
        )
    return model


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


def check_keras_file(path):
    """TEMPORARY"""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged: {error}.") from error
    if damaged:
        raise ValueError(f"{path} is damaged: {damaged}.")


def _is_keras_file(path):
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "config.json" in archive.namelist()
