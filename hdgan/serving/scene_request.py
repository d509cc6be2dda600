"""A scene's files as what the signature `synthesize_png` takes."""

import io

from hdgan.data.image_files import (
    check_photo,
    encode_png,
    read_id_map,
    read_photo,
)

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"


class _File(io.BytesIO):
    """A file's contents, which errors name by their path."""

    def __init__(self, contents, path):
        super().__init__(contents)
        self._path = path

    def __str__(self):
        return str(self._path)


def is_photo(path):
    """Whether a file of the output folder is a finished photograph.

    Args:
        path: `pathlib` path.
    """
    return path.suffix in (".png", ".jpg") and not path.name.startswith(".")


def photo_name(stem, contents):
    """Returns the name of a photograph's file.

    Args:
        stem: str, its label map's.
        contents: bytes, PNG or JPEG.
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
    """Returns of each scene the paths of its files, by the inputs' names.

    Args:
        scenes: `SceneFiles`.

    Returns:
        List of dicts: `label_bytes`, and where there are such files
        `instance_bytes`, `photo_bytes` and `style_bytes`.
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
    """Reads a scene's files.

    What the signature takes goes as it is, if it is whole. Ids in palettes and
    of one bit, and photos in other formats, are encoded anew.

    Args:
        paths: dict as of `list_requests`.
        is_rgb: bool, whether the label map is an RGB image.
        read: function from a path to the file's contents.

    Returns:
        Dict of bytes; `instance_bytes` is empty where there is no such file.

    Raises:
        ValueError: naming the file that can't be read.
        OSError: of `read`.
    """
    request = {"instance_bytes": b""}
    for name, path in paths.items():
        contents = read(path)
        is_map = name == "instance_bytes" or (
            name == "label_bytes" and not is_rgb
        )
        if is_map:
            is_taken = _is_grey_png(contents)
            decode = read_id_map
        else:
            is_taken = contents.startswith((_PNG, _JPEG))
            decode = read_photo
        file = _File(contents, path)
        if is_taken:
            check_photo(file)
        else:
            # Fast rather than small: it is sent once.
            contents = encode_png(path, decode(file), 1)
        request[name] = contents
    return request


def _is_grey_png(contents):
    # After the signature and the first chunk's head: width, height, bits per
    # channel, kind of colour.
    return contents.startswith(_PNG) and contents[24:26] in (
        b"\x08\x00",
        b"\x10\x00",
    )
