"""Scene files: everything about an edited scene in one JSON file.

    {
      "format": "hdgan scene", "version": 1,
      "height": 256, "width": 512,
      "labels": {"names": [...], "colors": [...], ...},
      "label_map": "...", "instance_map": "...",
      "styles": {"9001": [0.5, -0.25, 0.0]}, "seed": 7,
      "model": "0a1b..."
    }

The maps are int32 in little-endian byte order, row by row, compressed by zlib
("deflate" in browsers), in base64. The id -1 among the styles is the whole
image, and "model" the SHA-256 of the model's file, or null.
"""

import base64
import binascii
import json
import pathlib
import zlib

import numpy as np

from hdgan.data.files import write_file
from hdgan.data.printable import printable
from hdgan.editing.scene import EditableScene
from hdgan.preprocessing.label_set import LabelSet

_FORMAT = "hdgan scene"
_VERSION = 1
_KEYS = {
    "height": int,
    "width": int,
    "labels": dict,
    "label_map": str,
    "instance_map": str,
    "styles": dict,
    "seed": int,
}
# More than any model here makes; a wrong size must not fill the memory.
_MAX_SIDE = 16384


def save_scene(path, scene):
    """Writes a scene to a file, atomically.

    Args:
        path: path of the file, by custom `NAME.scene.json`.
        scene: `EditableScene`.

    Raises:
        OSError: if the file can't be written.
    """
    write_file(path, dump_scene(scene))


def load_scene(path):
    """Reads a scene from a file.

    Args:
        path: path of a file that `save_scene` or the editor wrote.

    Returns:
        `EditableScene`, equal to the one that was saved.

    Raises:
        ValueError: naming the file, if it is missing, damaged or no scene.
    """
    try:
        return parse_scene(pathlib.Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def dump_scene(scene):
    """Returns the text of a scene file.

    Args:
        scene: `EditableScene`.
    """
    height, width = scene.size
    return json.dumps(
        {
            "format": _FORMAT,
            "version": _VERSION,
            "height": height,
            "width": width,
            "labels": scene.labels.get_config(),
            "label_map": _pack(scene.label_map),
            "instance_map": _pack(scene.instance_map),
            "styles": {str(k): list(v) for k, v in scene.styles.items()},
            "seed": scene.seed,
            "model": scene.model_hash,
        }
    )


def parse_scene(text):
    """Returns the scene of a scene file.

    Args:
        text: str or bytes, the contents of the file.

    Returns:
        `EditableScene`.

    Raises:
        ValueError: if it holds something else.
    """
    try:
        values = json.loads(text)
    except (UnicodeDecodeError, ValueError) as error:
        raise _not_a_scene(f"This is not JSON: {error}") from error
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise _not_a_scene(f'It has no "format": "{_FORMAT}"')
    if values.get("version") != _VERSION:
        raise ValueError(
            f"This scene file has the version {values.get('version')!r}. "
            f"Expected {_VERSION}: open it with a newer hdgan."
        )
    for key, kind in _KEYS.items():
        value = values.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _not_a_scene(f"Its {key!r} is {printable(value, 60)}")
    size = values["height"], values["width"]
    if not all(1 <= side <= _MAX_SIDE for side in size):
        raise _not_a_scene(f"Its height and width are {size}")
    unknown = set(values["labels"]) - {
        "names",
        "colors",
        "ignore_ids",
        "things",
    }
    if unknown or "names" not in values["labels"]:
        raise _not_a_scene("Its 'labels' have no names or unknown keys")
    try:
        styles = {int(k): tuple(v) for k, v in values["styles"].items()}
    except (TypeError, ValueError) as error:
        raise _not_a_scene(f"Its 'styles' are wrong: {error}") from error
    return EditableScene(
        _unpack("label_map", values["label_map"], size),
        _unpack("instance_map", values["instance_map"], size),
        LabelSet(**values["labels"]),
        styles,
        values["seed"],
        values.get("model"),
    )


def _pack(array):
    return base64.b64encode(
        zlib.compress(array.astype("<i4").tobytes())
    ).decode()


def _unpack(name, text, size):
    count = 4 * size[0] * size[1]
    decompress = zlib.decompressobj()
    try:
        contents = decompress.decompress(
            base64.b64decode(text, validate=True), count + 1
        )
    except (binascii.Error, zlib.error) as error:
        raise _not_a_scene(f"Its {name!r} is damaged: {error}") from error
    if len(contents) != count:
        raise _not_a_scene(
            f"Its {name!r} has {len(contents):,} bytes, or more, where height "
            f"and width need {count:,}"
        )
    return np.frombuffer(contents, "<i4").reshape(size)


def _not_a_scene(reason):
    return ValueError(
        f"{reason}. Expected a scene file that the editor or "
        "hdgan.editing.save_scene wrote."
    )
