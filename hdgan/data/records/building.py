"""Building the records of a split, shard by shard."""

import dataclasses
import hashlib
import json
import pathlib

from hdgan.data.files import hash_file, replacing, write_file
from hdgan.data.records.array_record import open_reader, open_writer
from hdgan.data.records.record_folder import (
    MANIFEST,
    Manifest,
    load_manifest,
    names_file,
    shard_name,
)
from hdgan.data.records.scene_coding import decode_scene, encode_scene


@dataclasses.dataclass(frozen=True)
class RecordBuilding:
    """The records of scenes: a pure function of the files and the shards.

    Args:
        scenes: `SceneSource`.
        folder: path of the split's folder, which the records go to.
        num_shards: int >= 1, number of files.
        fingerprint: str, that of the scenes. An unfinished building goes on
            only if it is the same.
    """

    scenes: object
    folder: pathlib.Path
    num_shards: int
    fingerprint: str

    def indices(self, number):
        """Returns the range of the scenes of a shard.

        Args:
            number: int, of the shard, from 0.
        """
        count = len(self.scenes)
        return range(
            number * count // self.num_shards,
            (number + 1) * count // self.num_shards,
        )

    def find_shard(self, number):
        """Returns what the manifest says of a shard that is complete, or None.

        Args:
            number: int, of the shard, from 0.
        """
        name = shard_name(number, self.num_shards)
        try:
            facts = json.loads(self._facts(number).read_text("utf-8"))
            entry = facts["shard"]
        except FileNotFoundError:
            entry, facts = self._find_in_manifest(name)
        except (KeyError, OSError, TypeError, ValueError):
            return None
        if entry is None or facts["source"] != self.fingerprint:
            return None
        path = self.folder / name
        is_whole = path.is_file() and path.stat().st_size == entry["bytes"]
        return entry if is_whole else None

    def _find_in_manifest(self, name):
        """Returns a shard's entry in the manifest of a finished building."""
        try:
            manifest = load_manifest(self.folder)
        except ValueError:
            return None, None
        facts = {"source": manifest.source}
        entries = {shard["file"]: shard for shard in manifest.shards}
        return entries.get(name), facts

    def write_shard(self, number):
        """Writes a shard, and reads it back.

        Args:
            number: int, of the shard, from 0.

        Returns:
            Dict, what the manifest says of the shard.

        Raises:
            ValueError: naming the file of a scene that can't be read.
            OSError: if the shard can't be written, or reads back otherwise.
        """
        path = self.folder / shard_name(number, self.num_shards)
        names, digests = [], []
        with replacing(path) as temporary:
            with open_writer(temporary) as write:
                for index in self.indices(number):
                    name, record = self._encode(index)
                    write(record)
                    names.append(name)
                    digests.append(hashlib.sha256(record).digest())
            _read_back(temporary, digests)
        write_file(self.folder / names_file(path.name), "\n".join(names))
        entry = {
            "file": path.name,
            "count": len(names),
            "bytes": path.stat().st_size,
            "sha256": hash_file(path),
        }
        facts = {"source": self.fingerprint, "shard": entry}
        write_file(self._facts(number), json.dumps(facts))
        return entry

    def finish(self, shards):
        """Writes the manifest, and removes what only an unfinished build needs.

        Args:
            shards: list of dict, what `write_shard` returned, in order.

        Raises:
            OSError: if a file can't be written.
        """
        manifest = Manifest(
            tuple(self.scenes.kinds),
            self.scenes.is_rgb,
            len(self.scenes),
            tuple(shards),
            self.fingerprint,
        )
        write_file(self.folder / MANIFEST, manifest.dump())
        kept = {shard["file"] for shard in shards}
        kept |= {names_file(name) for name in kept}
        for path in self.folder.glob("shard-*"):
            if path.name not in kept:
                path.unlink()

    def _encode(self, index):
        scene = self.scenes.read(index)
        files = {}
        for kind in scene:
            if not self.scenes.holds_ids(kind):
                contents = self.scenes.read_jpeg(index, kind)
                if contents is not None:
                    files[kind] = contents
        name = self.scenes.names[index]
        return name, encode_scene(name, scene, files)

    def _facts(self, number):
        name = shard_name(number, self.num_shards)
        return self.folder / f"{name}.json"


def _read_back(path, digests):
    read = open_reader(path)
    for index, digest in enumerate(digests):
        record = read(index)
        if hashlib.sha256(record).digest() != digest:
            raise OSError(
                f"{path}: record {index} reads back otherwise than it was "
                "written. Check the disk."
            )
        decode_scene(record)
