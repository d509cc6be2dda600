"""Files that a page sends: maps, scene files and photographs."""

import base64
import binascii
import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from hdgan.data.image_files import read_id_map, read_photo
from hdgan.editing.scene import EditableScene
from hdgan.editing.scene_file import parse_scene

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF")


def read_scene(values, labels, max_pixels):
    """Reads the scene in an upload.

    Args:
        values: dict with `scene`, a scene file, or `label` and maybe
            `instance`, image files of ids; all in base64.
        labels: `LabelSet` of the model.
        max_pixels: int, the most pixels of an image.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if a file is damaged or holds something else, or the scene
            has other ids than the classes.
    """
    if values.get("scene") is not None:
        return parse_scene(_decode("scene", values))
    label_map = read_id_map(_open_image("label", values, max_pixels))
    instance_map = None
    if values.get("instance") is not None:
        instance_map = read_id_map(_open_image("instance", values, max_pixels))
    return EditableScene(label_map, instance_map, labels)


def read_style_photo(values, size, max_pixels):
    """Reads a photograph, and scales it to a scene's size.

    Args:
        values: dict with `photo`, an image file in base64.
        size: `(height, width)` of the scene in pixels.
        max_pixels: int, the most pixels of the photograph.

    Returns:
        uint8 `(height, width, 3)`.

    Raises:
        ValueError: if the file is no photograph, or too large.
    """
    photo = read_photo(_open_image("photo", values, max_pixels))
    if photo.shape[:2] == size:
        return photo
    image = Image.fromarray(photo).resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(image)


class _NamedFile(io.BytesIO):
    """An open file whose `str` is its name, for errors."""

    def __init__(self, name, contents):
        super().__init__(contents)
        self._name = name

    def __str__(self):
        return self._name


def _open_image(kind, values, max_pixels):
    """Returns an image file as an open file, if it is not too large."""
    names = {
        "label": "The label map",
        "instance": "The instance map",
        "photo": "The photograph",
    }
    contents = _decode(kind, values)
    try:
        # Reads the header alone: a small file can declare a huge image.
        with Image.open(io.BytesIO(contents), formats=_FORMATS) as image:
            width, height = image.size
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
    ) as error:
        raise ValueError(
            f"{names[kind]} is no image that can be read. Expected PNG, BMP or "
            "TIFF, or for a photograph also JPEG."
        ) from error
    if width * height > max_pixels:
        raise ValueError(
            f"{names[kind]} has {width}x{height} pixels, more than "
            f"{max_pixels:,}. Scale it down, or start the editor with a larger "
            "--max_pixels."
        )
    return _NamedFile(names[kind], contents)


def _decode(kind, values):
    text = values.get(kind)
    if not isinstance(text, str):
        raise ValueError(f"The request has no file {kind!r}.")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"The file {kind!r} is no base64.") from error
