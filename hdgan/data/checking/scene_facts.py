"""Facts about the files of one scene."""

import dataclasses
import hashlib

import numpy as np
from PIL import Image

from hdgan.data.image_files import (
    has_transparency,
    read_id_map,
    read_orientation,
    read_palette,
    read_photo,
)

# Modes of Pillow as people say them.
_MODES = {
    "1": "1 bit",
    "L": "gray, 8 bits",
    "P": "palette",
    "LA": "gray with alpha",
    "RGB": "RGB",
    "RGBA": "RGB with alpha",
    "I;16": "gray, 16 bits",
    "I;16B": "gray, 16 bits",
    "I": "gray, 32 bits",
    "F": "floats",
}


@dataclasses.dataclass
class FileFacts:
    """Facts about one file.

    Attributes:
        path: path of the file.
        kind: `"label_map"`, `"instance_map"` or `"photo"`.
        mode: str, channels and bits; None if the file is no image.
        size: `(height, width)` in pixels, upright; None if it can't be read.
        error: str, why the file can't be used; None if it can.
        colors: bool, whether it has several channels where ids are expected.
        digest: bytes, a hash of the pixels.
    """

    path: object
    kind: str
    mode: str | None = None
    size: tuple | None = None
    error: str | None = None
    colors: bool = False
    digest: bytes | None = None


@dataclasses.dataclass
class SceneFacts:
    """Facts about a scene.

    Attributes:
        files: dict from kind to `FileFacts`.
        id_counts: dict from a label id to its pixels.
        palette: dict from a color to the one id that it has in the palette.
        instance_ids: int, how many ids the instance map has.
        largest_instance: int, its largest id.
        smallest_instance: int, its smallest id.
        instances_are_labels: bool, whether both maps are equal.
        object_labels: list of int, the classes with instances of their own.
        is_transparent: bool, whether the photo has transparent pixels.
        is_one_color: bool, whether all pixels of the photo are equal.
        orientation: int, EXIF orientation of the photo.
    """

    files: dict
    id_counts: dict = dataclasses.field(default_factory=dict)
    palette: dict = dataclasses.field(default_factory=dict)
    instance_ids: int = 0
    largest_instance: int = 0
    smallest_instance: int = 0
    instances_are_labels: bool = False
    object_labels: list = dataclasses.field(default_factory=list)
    is_transparent: bool = False
    is_one_color: bool = False
    orientation: int = 1

    @property
    def is_readable(self):
        """bool, whether all files can be used."""
        return all(file.error is None for file in self.files.values())


def read_facts(paths):
    """Reads the files of a scene, as training does.

    Args:
        paths: dict from kind to path.

    Returns:
        `SceneFacts`. Files that can't be read have an `error`; nothing is
        raised.
    """
    facts = SceneFacts({kind: FileFacts(p, kind) for kind, p in paths.items()})
    arrays = {}
    for kind, file in facts.files.items():
        file.mode, file.colors = _read_mode(file.path, kind)
        read = read_photo if kind == "photo" else read_id_map
        try:
            array = arrays[kind] = read(file.path)
        except ValueError as error:
            file.error = str(error)
            continue
        file.size = array.shape[:2]
        contents = np.ascontiguousarray(array)
        file.digest = hashlib.blake2b(contents, digest_size=16).digest()
    _add_ids(facts, arrays)
    if "photo" in arrays:
        photo, path = arrays["photo"], facts.files["photo"].path
        facts.is_transparent = has_transparency(path)
        facts.is_one_color = bool((photo == photo[:1, :1]).all())
        facts.orientation = read_orientation(path) if _may_turn(path) else 1
    return facts


def _add_ids(facts, arrays):
    label_map = arrays.get("label_map")
    if label_map is not None:
        facts.id_counts = _count(label_map)
        facts.palette = read_palette(facts.files["label_map"].path, label_map)
    instance_map = arrays.get("instance_map")
    if instance_map is None:
        return
    counts = _count(instance_map)
    facts.instance_ids = len(counts)
    facts.smallest_instance = min(counts)
    facts.largest_instance = max(counts)
    if label_map is None or label_map.shape != instance_map.shape:
        return
    is_object = (label_map != instance_map) & (instance_map != 0)
    facts.object_labels = np.unique(label_map[is_object]).tolist()
    facts.instances_are_labels = np.array_equal(label_map, instance_map)


def _count(id_map):
    """Returns a dict from each id to its pixels."""
    low, high = int(id_map.min()), int(id_map.max())
    if low >= 0 and high < 2**16:
        counts = np.bincount(id_map.ravel())
        ids = np.flatnonzero(counts)
        counts = counts[ids]
    else:
        ids, counts = np.unique(id_map, return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def _read_mode(path, kind):
    """Returns how an image stores its pixels, and whether ids are colors."""
    try:
        with Image.open(path) as image:
            mode, bands = image.mode, len(image.getbands())
    # Damaged files make Pillow's decoders raise errors of many types; reading
    # the file says what is wrong.
    except Exception:
        return None, False
    return _MODES.get(mode, mode), kind != "photo" and bands >= 3


def _may_turn(path):
    return str(path).lower().endswith((".jpg", ".jpeg", ".tif", ".tiff"))
