"""Reading and writing the image files of a data set."""

import io
import pathlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from hdgan.checks import check_range
from hdgan.data.files import write_file

# Ids must come out as they went in, which JPEG does not promise.
ID_MAP_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
STYLE_MAP_SUFFIXES = (".png",)
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
    return select_images(directory, directory.iterdir(), suffixes)


def select_images(directory, paths, suffixes):
    """Returns those of a folder's files that are images, sorted by name.

    Args:
        directory: what the folder is called in the error.
        paths: iterable of paths.
        suffixes: endings to look for, in lower case.

    Raises:
        ValueError: if there are none.
    """
    files = sorted(
        path
        for path in paths
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
    with _open(path) as image:
        if image.mode not in _ID_MODES:
            raise ValueError(
                f"{path} has {len(image.getbands())} channels ({image.mode}). "
                "Expected ids: one channel of 8 or 16 bits, or a palette. If "
                "it shows the classes in colours, replace each colour by its "
                "class's id and save one channel."
            )
        if image.format == "JPEG":
            raise ValueError(
                f"{path} is a JPEG, which does not keep ids exactly. Expected "
                "PNG: save the ids anew from what they were made of."
            )
        scale = 1
        if image.format == "PNG":
            # Pillow spreads grey of few bits over 0..255.
            scale = {"L;2": 85, "L;4": 17}.get(image.tile[0].args, 1)
        return np.asarray(_load(image, path)).astype("int32") // scale


def read_photo(path):
    """Reads a photo; grey ones are spread over three channels, alpha dropped.

    Args:
        path: image file.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if the file can't be read.
    """
    with _open(path) as image:
        _load(image, path)
        if image.mode == "I;16":
            # Pillow would clip 16 bits to 8, not scale them. The high byte, as
            # TensorFlow takes it.
            grey = (np.asarray(image) >> 8).astype("uint8")
            return np.repeat(grey[..., None], 3, axis=-1)
        if image.mode == "P" and "transparency" in image.info:
            # Straight to RGB, Pillow would warn of what it can't keep.
            return np.asarray(image.convert("RGBA"))[..., :3]
        return np.asarray(image.convert("RGB"))


def check_photo(path):
    """Checks a photo's file, without decoding PNG and JPEG; returns its size.

    Args:
        path: image file; or a binary file that is open, whose `str` is its
            name.

    Returns:
        `(height, width)`.

    Raises:
        ValueError: if it is no image, cut short, or of an unknown kind.
    """
    with _open(path) as image:
        width, height = image.size
        if image.mode not in _PHOTO_MODES:
            raise ValueError(
                f"{path} is of kind {image.mode}. Expected a grey, RGB or RGBA "
                "image; convert it."
            )
        if image.format == "PNG":
            try:
                image.verify()  # The checksums.
            except (OSError, SyntaxError) as error:
                raise _broken(path, error) from error
        elif image.format in ("JPEG", "MPO"):
            # The last scan has an end. Thumbnails, with ends of their own, come
            # before it, and cameras append what they like after it.
            image.fp.seek(0)
            contents = image.fp.read()
            if contents.rfind(b"\xff\xd9") < contents.rfind(b"\xff\xda"):
                raise _broken(path, "its end is missing")
        else:
            _load(image, path)
    return height, width


def write_png(path, array):
    """Writes an image, or a map of ids, as a PNG file, in one step.

    Args:
        path: file to make or replace.
        array: as of `encode_png`.

    Raises:
        ValueError: as of `encode_png`.
    """
    write_file(path, encode_png(path, array))


def encode_png(name, array, compress_level=6):
    """Returns an image, or a map of ids, as the contents of a PNG.

    Args:
        name: file or argument, for the error.
        array: integers 0..255, `(height, width, 1 or 3)`; or of
            `(height, width)` uint8, or others in 0..65535: 16 bits.
        compress_level: int in 0..9, from the fastest to the smallest.

    Raises:
        ValueError: if it is none of these, or empty.
    """
    is_map = np.ndim(array) == 2
    array = as_integers(name, array, 65535 if is_map else 255)
    has_16_bits = is_map and array.dtype != np.uint8
    array = array.astype("uint16" if has_16_bits else "uint8")
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


def as_integers(name, array, highest):
    """Returns an image or map in NumPy, if it holds what it may hold.

    Args:
        name: file or argument, for the error.
        array: integers, `(height, width)` or `(height, width, 1 or 3)`.
        highest: int; expected are 0..highest.

    Raises:
        ValueError: if it is of another kind, empty, or out of range.
    """
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if not is_image or not array.size:
        raise ValueError(
            f"{name} must be (height, width) or (height, width, 3), each at "
            f"least 1. Received: shape {array.shape}"
        )
    check_range(name, array, highest)
    return array


def _open(path):
    try:
        return Image.open(path)
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is too large: {error}") from error
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
