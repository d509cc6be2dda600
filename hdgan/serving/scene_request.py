"""The files of a scene as inputs of the signature `synthesize_png`."""

import io
import math
import os

from hdgan.data.image_files import (
    encode_png,
    read_id_map,
    read_photo,
)

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


class _File(io.BytesIO):
    """The contents of a file, named by its path in errors."""

    def __init__(self, contents, path):
        super().__init__(contents)
        self._path = path

    def __str__(self):
        return str(self._path)


def is_photo(path):
    """Returns whether a file in the output folder is a finished photograph.

    Args:
        path: `pathlib` path.
    """
    return path.suffix in (".png", ".jpg") and not path.name.startswith(".")


def time_of_change(path):
    """Returns when a local file was changed, in seconds.

    Args:
        path: path of the file. One that can't be read, such as a broken link,
            is newer than any other, so that reading it reports the error.
    """
    try:
        return os.stat(path).st_mtime
    except OSError:
        return math.inf


def photo_name(stem, contents):
    """Returns the file name of a photograph.

    Args:
        stem: str, the name of its label map without the suffix.
        contents: bytes of the photograph, PNG or JPEG.
    """
    return f"{stem}{'.png' if contents.startswith(_PNG) else '.jpg'}"


def describe_failure(path, error):
    """Returns the text of an error, preceded by the scene if it names no file.

    Args:
        path: path of the scene's label map.
        error: exception or str.
    """
    text = str(error)
    return text if str(path) in text else f"{path}: {text}"


def list_requests(scenes):
    """Returns the paths of each scene's files, by the names of the inputs.

    Args:
        scenes: `SceneFiles`.

    Returns:
        List of dicts from `label_bytes` and, for the files that the scenes
        have, `instance_bytes`, `photo_bytes` and `style_bytes` to paths.
    """
    columns = {
        "label_bytes": scenes.inputs,
        "instance_bytes": scenes.instance_maps,
        "photo_bytes": scenes.photos,
        "style_bytes": scenes.style_maps,
    }
    columns = {name: paths for name, paths in columns.items() if paths}
    return [
        dict(zip(columns, paths, strict=True))
        for paths in zip(*columns.values(), strict=True)
    ]


def read_request(paths, is_rgb, read):
    """Reads the files of a scene.

    Formats that the signature accepts are checked and passed on unchanged. Ids
    in palettes or of one bit, and photos in other formats, are encoded as PNG.

    Args:
        paths: dict, an entry of the list that `list_requests` returned.
        is_rgb: bool, whether the label map is an RGB image.
        read: function from a path to the contents of the file.

    Returns:
        Dict from the names of the inputs to bytes. `instance_bytes` is empty if
        there is no instance map.

    Raises:
        ValueError: if a file cannot be read as an image; names the file.
        OSError: if `read` raises it.
    """
    request = {"instance_bytes": b""}
    for name, path in paths.items():
        contents = read(path)
        is_map = name == "instance_bytes" or (
            name == "label_bytes" and not is_rgb
        )
        if is_map:
            is_accepted = _is_gray_png(contents)
            decode = read_id_map
        else:
            is_accepted = contents.startswith((_PNG, _JPEG))
            decode = read_photo
        file = _File(contents, path)
        image = decode(file)
        if not is_accepted:
            # Compressed fast rather than small, as it is sent only once.
            contents = encode_png(path, image, 1)
        request[name] = contents
    return request


def _is_gray_png(contents):
    # Bytes 16 to 25: width, height, bits per channel, color type.
    return contents.startswith(_PNG) and contents[24:26] in (
        b"\x08\x00",
        b"\x10\x00",
    )
