"""Small model files for synthesis: half precision, without optimizers."""

import pathlib
import tempfile
import zipfile

import h5py
import numpy as np

from hdgan.data.files import replacing

_WEIGHTS = "model.weights.h5"


def save_compact(model, path):
    """Writes a model for synthesis to a file a small part of a checkpoint's.

    The file has no optimizers; the moving average, where there is one, takes
    the generator's place; and weights are float16, which changes a photograph
    by about one level of 255. `hdgan.load_model` opens it like any other, with
    weights in float32.

    Args:
        model: `LabelToPhotoModel`.
        path: path of the `.keras` file. An existing file is replaced.

    Raises:
        ValueError: if a weight exceeds float16's range.
        OSError: if the file can't be written.
    """
    path = pathlib.Path(path)
    plain = type(model).from_config({**model.get_config(), "ema_decay": None})
    for network, source in (
        (plain.generator, model.inference_generator),
        (plain.discriminator, model.discriminator),
        (plain.encoder, model.encoder),
    ):
        if network is not None:
            network.set_weights(source.get_weights())
    with (
        tempfile.TemporaryDirectory() as folder,
        replacing(path) as temporary,
    ):
        whole = pathlib.Path(folder) / "model.keras"
        plain.save(whole)
        weights = pathlib.Path(folder) / _WEIGHTS
        with (
            zipfile.ZipFile(whole) as archive,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as compact,
        ):
            for name in archive.namelist():
                if name != _WEIGHTS:
                    compact.writestr(name, archive.read(name))
            with archive.open(_WEIGHTS) as file, h5py.File(file, "r") as old:
                _copy_in_half_precision(old, weights)
            compact.write(weights, _WEIGHTS)


def _copy_in_half_precision(old, path):
    with h5py.File(path, "w") as new:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            else:
                made = new.create_dataset(name, data=_halve(name, item[...]))
            made.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)


def _halve(name, array):
    if array.dtype != np.float32:
        return array
    if np.abs(array).max(initial=0) > np.finfo("float16").max:
        raise ValueError(
            f"The weight {name} is too large for float16: {array.max():g}. "
            "Its training has probably failed; use an earlier checkpoint."
        )
    return array.astype("float16")
