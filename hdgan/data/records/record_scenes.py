"""Scenes from records."""

import bisect
import dataclasses
import functools
import hashlib
import itertools
import pathlib

from hdgan.data.records.array_record import open_reader
from hdgan.data.records.record_folder import load_manifest, names_file
from hdgan.data.records.scene_coding import decode_scene
from hdgan.data.scene_source import SceneSource


@dataclasses.dataclass(frozen=True)
class RecordScenes(SceneSource):
    """The scenes of a split in records, read by index.

    Args:
        folder: path of the split's folder, which holds `manifest.json`.
        wanted: tuple of str, the kinds of arrays to read; None for all.
            Defaults to None.
        indices: tuple of int, the records that are these scenes; None for all,
            in order. Defaults to None.

    Raises:
        ValueError: if the manifest or a shard is missing or damaged, or a
            wanted kind is not in the records. It names the file.

    Example:
        >>> scenes = find_scenes("records", "train")
    """

    folder: pathlib.Path
    wanted: tuple | None = None
    indices: tuple | None = None

    def __post_init__(self):
        missing = [k for k in self.kinds if k not in self._manifest.kinds]
        if missing:
            noun = missing[0].replace("_", " ")
            raise ValueError(
                f"{self.folder} holds records without a {noun}. They have: "
                f"{', '.join(self._manifest.kinds)}. Build them again from a "
                f"folder with each {noun}."
            )

    def __len__(self):
        return len(self._positions)

    @functools.cached_property
    def names(self):
        names = []
        for shard in self._manifest.shards:
            path = pathlib.Path(self.folder) / names_file(shard["file"])
            try:
                found = path.read_text("utf-8").split("\n")
            except (OSError, ValueError) as error:
                raise ValueError(f"{path} can't be read: {error}") from error
            if len(found) != shard["count"]:
                raise ValueError(
                    f"{path} holds {len(found)} names. Expected "
                    f"{shard['count']}. Build the records again: hdgan "
                    "build_records."
                )
            names += found
        return tuple(names[position] for position in self._positions)

    @property
    def kinds(self):
        if self.wanted is not None:
            return tuple(self.wanted)
        return self._manifest.kinds

    @property
    def is_rgb(self):
        return self._manifest.is_rgb

    def read(self, index):
        shard, record = self._find(index)
        try:
            contents = self._readers[shard](record)
            _, scene = decode_scene(contents, self.kinds)
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"{self.place(index)} can't be read: {error}. Copy the records "
                "again, or build them again: hdgan build_records."
            ) from error
        return {kind: scene[kind] for kind in self.kinds}

    def fingerprint(self):
        digest = hashlib.sha256(repr((self.kinds, self.is_rgb)).encode())
        for shard in self._manifest.shards:
            digest.update(shard["sha256"].encode())
        digest.update(repr(self.indices).encode())
        return digest.hexdigest()

    def select(self, indices):
        positions = tuple(self._positions[index] for index in indices)
        return dataclasses.replace(self, indices=positions)

    def place(self, index, kind="label_map"):
        shard, record = self._find(index)
        return (
            f"{self._paths[shard]}: record {record}, "
            f"{self.names[index]} ({kind.replace('_', ' ')})"
        )

    @functools.cached_property
    def _manifest(self):
        return load_manifest(self.folder)

    @functools.cached_property
    def _positions(self):
        if self.indices is not None:
            return self.indices
        return range(self._manifest.count)

    @functools.cached_property
    def _starts(self):
        counts = [shard["count"] for shard in self._manifest.shards]
        return list(itertools.accumulate([0, *counts[:-1]]))

    @functools.cached_property
    def _paths(self):
        folder = pathlib.Path(self.folder)
        return [folder / shard["file"] for shard in self._manifest.shards]

    @functools.cached_property
    def _readers(self):
        return [open_reader(path) for path in self._paths]

    def _find(self, index):
        """Returns the shard of a scene, and its record there."""
        position = self._positions[index]
        shard = bisect.bisect_right(self._starts, position) - 1
        return shard, position - self._starts[shard]
