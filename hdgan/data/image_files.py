"""Reading and writing the image files of a data set."""

import io
import pathlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from hdgan.checks import check_range
from hdgan.data.files import write_file

# Lossless formats: JPEG would change ids.
ID_MAP_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
STYLE_MAP_SUFFIXES = (".png",)
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

_ID_MODES = ("L", "P", "1", "I", "I;16", "I;16B")
_PHOTO_MODES = ("L", "LA", "P", "RGB", "RGBA", "I;16", "1")


def list_images(directory, suffixes):
    """Returns the image files of a folder, sorted by name.

    Args:
        directory: path of the folder.
        suffixes: tuple of str, endings of the files' names in lower case.

    Returns:
        List of `pathlib.Path`.

    Raises:
        ValueError: if the folder is missing or holds no images.
    """
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise ValueError(
            f"{directory}: there is no such folder. Check the path."
        )
    return select_images(directory, directory.iterdir(), suffixes)


def select_images(directory, paths, suffixes):
    """Selects the image files among the files of a folder.

    Hidden files, whose names start with a dot, are left out.

    Args:
        directory: name of the folder, for the error.
        paths: iterable of paths.
        suffixes: tuple of str, endings of the files' names in lower case.

    Returns:
        List of the paths, sorted by name.

    Raises:
        ValueError: if there are no images.
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

    Gray images of 1, 8 or 16 bits hold the ids as gray values. Palette images
    hold them as indices into the palette.

    Args:
        path: image file.

    Returns:
        int32 array `(height, width)`.

    Raises:
        ValueError: if the file can't be read, is a JPEG or has several
            channels.
    """
    with _open(path) as image:
        if image.mode not in _ID_MODES:
            raise ValueError(
                f"{path} has {len(image.getbands())} channels ({image.mode}). "
                "Expected ids: one channel of 8 or 16 bits, or a palette. If "
                "it shows the classes in colors, replace each color by its "
                "class's id and save one channel."
            )
        if image.format == "JPEG":
            raise ValueError(
                f"{path} is a JPEG, which does not keep ids exactly. Expected "
                "PNG: save the ids again from their source."
            )
        scale = 1
        if image.format == "PNG":
            # Pillow scales gray values of 2 and 4 bits to 0..255.
            scale = {"L;2": 85, "L;4": 17}.get(image.tile[0].args, 1)
        return np.asarray(_load(image, path)).astype("int32") // scale


def read_photo(path):
    """Reads a photo as RGB.

    Gray images are repeated over three channels. An alpha channel is dropped.

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
            # Pillow would clip 16 bits to 8 instead of scaling them.
            # TensorFlow takes the high byte, too.
            gray = (np.asarray(image) >> 8).astype("uint8")
            return np.repeat(gray[..., None], 3, axis=-1)
        if image.mode == "P" and "transparency" in image.info:
            # Converted straight to RGB, Pillow would warn of transparency.
            return np.asarray(image.convert("RGBA"))[..., :3]
        return np.asarray(image.convert("RGB"))


def check_photo(path):
    """Checks a photo's file without decoding it, where the format allows.

    PNG is checked by its checksums and JPEG by its end marker. Other formats
    are decoded.

    Args:
        path: image file, or an open binary file whose `str` is its name.

    Returns:
        `(height, width)` in pixels.

    Raises:
        ValueError: if the file is no image, truncated, or of another mode than
            gray, RGB and RGBA.
    """
    with _open(path) as image:
        width, height = image.size
        if image.mode not in _PHOTO_MODES:
            raise ValueError(
                f"{path} has the mode {image.mode}. Expected a gray, RGB or "
                "RGBA image. Convert it."
            )
        if image.format == "PNG":
            try:
                image.verify()  # The checksums.
            except (OSError, SyntaxError) as error:
                raise _broken(path, error) from error
        elif image.format in ("JPEG", "MPO"):
            # An end marker must follow the start of the last scan.
            # Thumbnails, which have their own end markers, come before it, and
            # cameras append data after it.
            image.fp.seek(0)
            contents = image.fp.read()
            if contents.rfind(b"\xff\xd9") < contents.rfind(b"\xff\xda"):
                raise _broken(path, "the end is missing")
        else:
            _load(image, path)
    return height, width


def write_png(path, array):
    """Writes an image, or a map of ids, as a PNG file, atomically.

    Args:
        path: file to create or replace.
        array: image or map, as in `encode_png`.

    Raises:
        ValueError: if the array is not such an image or map, or empty.
    """
    write_file(path, encode_png(path, array))


def encode_png(name, array, compress_level=6):
    """Encodes an image, or a map of ids, as PNG.

    Args:
        name: str or path, file or argument, for the error.
        array: integers. `(height, width, 1 or 3)` in 0..255, or `(height,
            width)` uint8, is encoded in 8 bits. `(height, width)` of another
            dtype, in 0..65535, is encoded in 16 bits.
        compress_level: int in 0..9, from the fastest to the smallest. Defaults
            to 6.

    Returns:
        Bytes, the contents of a PNG file.

    Raises:
        ValueError: if the array is not such an image or map, or empty.
    """
    is_map = np.ndim(array) == 2
    array = as_integers(name, array, 65535 if is_map else 255)
    has_16_bits = is_map and array.dtype != np.uint8
    array = array.astype("uint16" if has_16_bits else "uint8")
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


def as_integers(name, array, highest):
    """Converts an image or map to NumPy and checks shape, dtype and range.

    Args:
        name: str or path, file or argument, for the error.
        array: integers, `(height, width)` or `(height, width, 1 or 3)`.
        highest: int, the largest value allowed; the smallest is 0.

    Returns:
        NumPy array `(height, width)` or `(height, width, 3)`.

    Raises:
        ValueError: if the array has another shape, is empty, or holds other
            values.
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
            f"{path} is no image that can be read. Expected PNG, or for a "
            "photo also JPEG."
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
        f"{path} can't be read: {error}. The file is cut short or damaged: "
        "replace it, or remove its scene from the data set."
    )
