"""The files of a split in records, and their manifest."""

import dataclasses
import json
import pathlib

FORMAT = "hdgan records"
VERSION = 1
MANIFEST = "manifest.json"
_KEYS = {
    "kinds": list,
    "is_rgb": bool,
    "count": int,
    "shards": list,
    "source": str,
}
_SHARD_KEYS = {"file": str, "count": int, "bytes": int, "sha256": str}


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What the manifest of a split says.

    Attributes:
        kinds: tuple of str, the kinds of arrays in each record.
        is_rgb: bool, whether `label_map` is an RGB image.
        count: int, number of scenes.
        shards: tuple of dict: the name of a shard's `file`, the `count` of its
            scenes, its `bytes` and their `sha256`.
        source: str, the fingerprint of the scenes that the records were built
            from.
    """

    kinds: tuple
    is_rgb: bool
    count: int
    shards: tuple
    source: str

    def dump(self):
        """Returns the text of the manifest's file."""
        values = dataclasses.asdict(self)
        return json.dumps(
            {"format": FORMAT, "version": VERSION, **values}, indent=1
        )


def shard_name(number, num_shards):
    """Returns the name of a shard's file.

    Args:
        number: int, from 0.
        num_shards: int.
    """
    return f"shard-{number:05d}-of-{num_shards:05d}.array_record"


def names_file(shard):
    """Returns the name of the file with the names of a shard's scenes.

    Args:
        shard: str, the name of the shard's file.
    """
    return shard.removesuffix(".array_record") + ".names"


def has_records(data_dir, split):
    """Returns whether a split of a data set is in records.

    Args:
        data_dir: path of the data set.
        split: str.
    """
    return (pathlib.Path(data_dir) / split / MANIFEST).is_file()


def load_manifest(folder):
    """Reads a manifest and checks that all shards are there.

    Args:
        folder: path of the split's folder.

    Returns:
        `Manifest`.

    Raises:
        ValueError: naming the file that is missing, damaged or of another size.
    """
    folder = pathlib.Path(folder)
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text("utf-8"))
        manifest = _parse(values)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is no manifest of records: {error}. Build the records "
            "again: hdgan build_records."
        ) from error
    for shard in manifest.shards:
        file = folder / shard["file"]
        found = file.stat().st_size if file.is_file() else None
        if found != shard["bytes"]:
            state = "is missing" if found is None else f"has {found:,} bytes"
            raise ValueError(
                f"{file} {state}. Expected {shard['bytes']:,} bytes, by the "
                "manifest. Copy the records again, or build them again: hdgan "
                "build_records."
            )
    return manifest


def _parse(values):
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f'it has no "format": "{FORMAT}"')
    if values.get("version") != VERSION:
        raise ValueError(
            f"it has the version {values.get('version')!r}, not {VERSION}"
        )
    _check_types(values, _KEYS)
    for shard in values["shards"]:
        if not isinstance(shard, dict):
            raise ValueError(f"it has the shard {shard!r}")
        _check_types(shard, _SHARD_KEYS)
        # A name from a file must not lead out of the folder.
        if pathlib.PurePath(shard["file"]).name != shard["file"]:
            raise ValueError(f"it names the file {shard['file']!r}")
    if sum(shard["count"] for shard in values["shards"]) != values["count"]:
        raise ValueError("the counts of its shards differ from its count")
    return Manifest(
        kinds=tuple(map(str, values["kinds"])),
        is_rgb=values["is_rgb"],
        count=values["count"],
        shards=tuple(values["shards"]),
        source=values["source"],
    )


def _check_types(values, types):
    for key, kind in types.items():
        if type(values.get(key)) is not kind:
            raise ValueError(f"its {key!r} is {values.get(key)!r}")
