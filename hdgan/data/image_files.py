"""Reading and writing the image files of a data set."""

import functools
import io
import os
import pathlib
import stat
import typing

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from hdgan.checks import check_range
from hdgan.data.files import write_file

# Lossless formats: JPEG would change ids.
ID_MAP_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
STYLE_MAP_SUFFIXES = (".png",)
PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")

# Pillow guesses the format by the contents, and would run Ghostscript on a file
# of PostScript.
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
_ID_MODES = ("L", "P", "1", "I", "I;16", "I;16B")
_PHOTO_MODES = ("L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B", "1")
# Files that are images to their owner, but not to a folder of this kind.
_OTHER_SUFFIXES = (
    *PHOTO_SUFFIXES,
    ".jfif",
    ".jp2",
    ".gif",
    ".webp",
    ".heic",
    ".avif",
    ".ppm",
    ".tga",
    ".exr",
)
# A PNG has EXIF data in a chunk, which may follow the pixels, or in text that
# ImageMagick writes.
_PNG_EXIF = (b"eXIf", b"Raw profile type exif")
# Functions that turn the pixels upright, by the EXIF orientation.
_TURNS = {
    2: np.fliplr,
    3: functools.partial(np.rot90, k=2),
    4: np.flipud,
    5: functools.partial(np.swapaxes, axis1=0, axis2=1),
    6: functools.partial(np.rot90, k=3),
    7: lambda pixels: np.rot90(np.swapaxes(pixels, 0, 1), 2),
    8: np.rot90,
}


def list_images(directory, suffixes):
    """Returns the image files of a folder, sorted by name.

    Args:
        directory: path of the folder.
        suffixes: tuple of str, endings of the files' names in lower case.

    Returns:
        List of `pathlib.Path`.

    Raises:
        ValueError: if the folder is missing, holds no images, or holds images
            that would not be read: of other formats, or in sub-folders.
    """
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise ValueError(
            f"{directory}: there is no such folder. Check the path."
        )
    files, folders = [], []
    for path in sorted(directory.iterdir()):
        (folders if path.is_dir() else files).append(path)
    for folder in folders:
        inner = next(_images_below(folder), None)
        if inner is not None:
            raise ValueError(
                f"{directory} holds images in sub-folders, such as "
                f"{inner.relative_to(directory)}, which would not be read. "
                f"Move them, or links to them, into {directory} itself."
            )
    return select_images(directory, files, suffixes)


def _images_below(folder):
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder.parent).parts
        is_hidden = any(part.startswith(".") for part in parts)
        if path.suffix.lower() in _OTHER_SUFFIXES and not is_hidden:
            yield path


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
        ValueError: if there are no images, or images of other formats.
    """
    paths = sorted(path for path in paths if not path.name.startswith("."))
    files = [path for path in paths if path.suffix.lower() in suffixes]
    others = [
        path
        for path in paths
        if path.suffix.lower() in _OTHER_SUFFIXES and path not in files
    ]
    expected = f"Expected files that end in {', '.join(suffixes)}"
    if others:
        advice = "convert or remove the others."
        if ".jpg" not in suffixes and others[0].suffix.lower() == ".jpg":
            advice = (
                "JPEG does not keep ids and styles exactly. Save them again "
                "from their source as PNG."
            )
        raise ValueError(
            f"{directory} holds {len(others)} images of another format, such "
            f"as {others[0].name}. {expected}: {advice}"
        )
    if not files:
        raise ValueError(f"{directory} holds no images. {expected}.")
    return files


def read_id_map(path):
    """Reads a map of label or instance ids.

    Gray images of 1, 8, 16 or 32 bits hold the ids as gray values. Palette
    images hold them as indices into the palette.

    Args:
        path: image file, or an open binary file whose `str` is its name.

    Returns:
        int32 array `(height, width)`.

    Raises:
        ValueError: if the file can't be read, is a JPEG or has several
            channels.
    """
    image, pixels, packing, orientation = _decode(path)
    if image.mode not in _ID_MODES:
        raise ValueError(
            f"{path} has {len(image.getbands())} channels ({image.mode}). "
            "Expected ids: one channel of 8 or 16 bits, or a palette. If it "
            "shows the classes in colors, replace each color by its class's "
            "id: hdgan import_dataset --format=color_masks does."
        )
    if image.format in ("JPEG", "MPO"):
        raise ValueError(
            f"{path} is a JPEG, which does not keep ids exactly. Expected PNG: "
            "save the ids again from their source."
        )
    if pixels.ndim == 3:  # With transparency.
        pixels = pixels[..., 0]
    # Pillow scales gray values of 2 and 4 bits to 0..255.
    pixels = pixels // {"L;2": 85, "L;4": 17}.get(packing, 1)
    return _upright(pixels, orientation).astype("int32")


def read_photo(path):
    """Reads a photo as RGB, turned upright as its EXIF orientation says.

    Gray images are repeated over three channels. An alpha channel is dropped.

    Args:
        path: image file, or an open binary file whose `str` is its name.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if the file can't be read, or is neither gray, RGB nor RGBA.
    """
    image, pixels, _, orientation = _decode(path)
    if image.mode not in _PHOTO_MODES:
        raise ValueError(
            f"{path} has the mode {image.mode}. Expected a gray, RGB or RGBA "
            "image. Convert it."
        )
    if image.mode == "P":
        # Through RGBA, because Pillow warns of transparency otherwise.
        pixels = np.asarray(image.convert("RGBA"))
    elif image.mode == "1":
        pixels = pixels * np.uint8(255)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype("uint8")
    pixels = _upright(np.atleast_3d(pixels), orientation)
    if pixels.shape[2] < 3:  # Gray, with alpha or not.
        return np.repeat(pixels[..., :1], 3, axis=-1)
    return np.ascontiguousarray(pixels[..., :3])


def read_palette(path, id_map):
    """Reads the colors that an image's palette gives to the ids in it.

    Args:
        path: image file.
        id_map: int array, what `read_id_map` reads from it.

    Returns:
        Dict from `(red, green, blue)` to the one id of that color; empty for an
        image without a palette.
    """
    with Image.open(path, formats=_FORMATS) as image:
        if image.mode != "P":
            return {}
        palette = np.reshape(image.getpalette("RGB") or [], (-1, 3))
    found = {}
    ids = np.unique(id_map)
    for value in ids[ids < len(palette)].tolist():
        found.setdefault(tuple(palette[value].tolist()), []).append(value)
    return {
        color: values[0] for color, values in found.items() if len(values) == 1
    }


def has_transparency(path):
    """Returns whether an image has pixels that are not opaque.

    Args:
        path: image file that `read_photo` reads.
    """
    with Image.open(path, formats=_FORMATS) as image:
        if not image.has_transparency_data:
            return False
        alpha = image.convert("RGBA").getchannel("A")
        return alpha.getextrema()[0] < 255


def read_orientation(path):
    """Returns the EXIF orientation of an image, 1 to 8; 1 is upright.

    Args:
        path: image file.

    Raises:
        ValueError: if the file can't be read.
    """
    return _decode(path).orientation


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


class _Decoded(typing.NamedTuple):
    image: Image.Image
    pixels: np.ndarray
    # How Pillow unpacked the pixels, such as "L;4".
    packing: str
    orientation: int


def _decode(path):
    contents = _read_bytes(path)
    try:
        with Image.open(io.BytesIO(contents), formats=_FORMATS) as image:
            # Gone once the image is loaded.
            packing = image.tile[0].args if image.tile else ""
            if not isinstance(packing, str):
                packing = packing[0]
            pixels = None
            if image.format == "PNG":
                pixels = _decode_png(contents)
                is_exact = contents[24] >= 8 and image.mode != "P"
                # Not a regular expression, which takes 20 ms for 2 MB.
                if is_exact and not any(name in contents for name in _PNG_EXIF):
                    return _Decoded(image, pixels, packing, 1)
                pixels = pixels if is_exact else None
            image.load()
            if pixels is None:
                pixels = np.asarray(image)
            return _Decoded(image, pixels, packing, _orientation(image))
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is too large: {error}") from error
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path} is no image that can be read. Expected PNG, BMP or TIFF, "
            "or for a photo also JPEG."
        ) from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise errors of many types.
        raise ValueError(
            f"{path} can't be read: {error}. The file is cut short or damaged: "
            "replace it, or remove its scene from the data set."
        ) from error


def _decode_png(contents):
    """Returns the pixels of a PNG, `(height, width)` or with channels.

    Pillow accepts pixels that are missing, and wrong checksums of them.
    TensorFlow is also faster, but converts palettes and fewer bits than 8.
    """
    # Only here: a client that sends arrays to a server needs no TensorFlow.
    import tensorflow as tf

    dtype = tf.uint16 if contents[24] == 16 else tf.uint8
    try:
        pixels = tf.io.decode_png(contents, dtype=dtype).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise OSError("its pixels are incomplete") from error
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def _read_bytes(path):
    if hasattr(path, "read"):
        return path.read()
    try:
        # Opening a FIFO or a device would wait for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError(
                f"{path} is no regular file. Expected an image: put it there, "
                "or remove its scene from the data set."
            )
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        problem = "a broken link" if os.path.islink(path) else error.strerror
        raise ValueError(
            f"{path} can't be opened: {problem}. Correct that, or remove its "
            "scene from the data set."
        ) from error


def _upright(pixels, orientation):
    turn = _TURNS.get(orientation)
    return pixels if turn is None else turn(pixels)


def _orientation(image):
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Viewers show a photo whose EXIF data is damaged as it is.
        return 1
    return orientation if orientation in _TURNS else 1
