"""Reading and writing the image files of a data set."""

import os
import pathlib
import tempfile

import numpy as np
from PIL import Image, UnidentifiedImageError

# Ids must come out as they went in, which JPEG does not promise.
ID_MAP_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

_ID_MODES = ("L", "P", "1", "I", "I;16", "I;16B")
_PHOTO_MODES = ("L", "LA", "P", "RGB", "RGBA", "I;16", "1")


def list_images(directory, suffixes):
    """Returns the image files of a folder, sorted by name.

    Args:
        directory: path of the folder.
        suffixes: endings to look for, in lower case.

    Raises:
        ValueError: if the folder is missing or holds none.
    """
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory}: there is no such folder.")
    files = sorted(
        path
        for path in directory.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )
    if not files:
        raise ValueError(
            f"{directory} holds no images. Expected files that end in "
            f"{', '.join(suffixes)}."
        )
    return files


def read_id_map(path):
    """Reads a map of label or instance ids.

    Grey images of 1, 8 or 16 bits hold the ids as grey values; of a palette
    image the ids are the palette's indices.

    Args:
        path: image file.

    Returns:
        int32 array `(height, width)`.

    Raises:
        ValueError: if the file can't be read or has several channels.
    """
    image = _open(path)
    if image.mode not in _ID_MODES:
        raise ValueError(
            f"{path} has {len(image.getbands())} channels ({image.mode}). "
            "Expected ids: one channel of 8 or 16 bits, or a palette. If it "
            "shows the classes in colours, replace each colour by its class's "
            "id and save one channel."
        )
    return np.asarray(_load(image, path)).astype("int32")


def read_photo(path):
    """Reads a photo; grey ones are spread over three channels, alpha dropped.

    Args:
        path: image file.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if the file can't be read.
    """
    image = _load(_open(path), path)
    if image.mode == "I;16":
        # Pillow would clip 16 bits to 8, not scale them.
        grey = (np.asarray(image) // 257).astype("uint8")
        return np.repeat(grey[..., None], 3, axis=-1)
    return np.asarray(image.convert("RGB"))


def check_photo(path):
    """Checks a photo's file without decoding it, and returns its size.

    Returns:
        `(height, width)`.

    Raises:
        ValueError: if it is no image, cut short, or of an unknown kind.
    """
    image = _open(path)
    if image.mode not in _PHOTO_MODES:
        raise ValueError(
            f"{path} is of kind {image.mode}. Expected a grey, RGB or RGBA "
            "image; convert it."
        )
    try:
        # Checks the checksums of a PNG, but nothing of a JPEG.
        image.verify()
    except (OSError, SyntaxError) as error:
        raise _broken(path, error) from error
    if image.format == "JPEG":
        with open(path, "rb") as file:
            file.seek(-min(64, os.path.getsize(path)), os.SEEK_END)
            if b"\xff\xd9" not in file.read():
                raise _broken(path, "its end is missing")
    return image.size[1], image.size[0]


def write_png(path, array):
    """Writes a uint8, uint16 or int32 (0..65535) array as PNG, in one step.

    Args:
        path: file to make or replace.
        array: `(height, width)` or `(height, width, 3)`.
    """
    path = pathlib.Path(path)
    array = np.asarray(array)
    if array.dtype != np.uint8:
        array = array.astype("uint16")
    # Elsewhere first: a run cut short leaves no half picture.
    handle, temporary = tempfile.mkstemp(
        prefix=".", suffix=".png", dir=path.parent
    )
    try:
        with os.fdopen(handle, "wb") as file:
            Image.fromarray(array).save(file, format="PNG")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _open(path):
    try:
        return Image.open(path)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path} is no image that can be read. Expected PNG or, for a "
            "photo, JPEG."
        ) from error
    except OSError as error:
        raise _broken(path, error) from error


def _load(image, path):
    try:
        image.load()
    except (OSError, SyntaxError) as error:
        raise _broken(path, error) from error
    return image


def _broken(path, error):
    return ValueError(
        f"{path} can't be read: {error}. The file is cut short or damaged; "
        "replace it, or take its pair out of the data set."
    )
