"""Drawn street scenes as a source, without files."""

import dataclasses
import hashlib

from hdgan.checks import check_integers
from hdgan.data.scene_source import SceneSource
from hdgan.data.street.scenes import draw_street_scene


@dataclasses.dataclass(frozen=True)
class DrawnStreets(SceneSource):
    """Street scenes that are drawn when they are read.

    Args:
        count: int >= 1, number of scenes.
        height: int >= 16, pixels.
        width: int >= 16, pixels.
        seed: int >= 0, chooses the data set. Defaults to 0.
        start: int >= 0, number of the first scene. Defaults to 0.
        indices: tuple of int, the numbers of the scenes; None for `count` from
            `start` on. Defaults to None.

    Raises:
        ValueError: if an argument is not an integer, or out of range.

    Example:
        >>> scenes = DrawnStreets(10_000, height=256, width=512)
        >>> dataset = make_dataset(scenes, ResizePolicy("none"))
    """

    count: int
    height: int
    width: int
    seed: int = 0
    start: int = 0
    indices: tuple | None = None

    def __post_init__(self):
        check_integers(count=self.count)
        check_integers(minimum=16, height=self.height, width=self.width)
        check_integers(minimum=0, seed=self.seed, start=self.start)

    def __len__(self):
        return len(self._numbers)

    @property
    def names(self):
        return tuple(f"street_{number:05d}.png" for number in self._numbers)

    @property
    def kinds(self):
        return "label_map", "instance_map", "photo"

    @property
    def is_rgb(self):
        return False

    def read(self, index):
        scene = draw_street_scene(
            self.seed, self._numbers[index], self.height, self.width
        )
        return {
            "label_map": scene.label_map.astype("int32"),
            "instance_map": scene.instance_map.astype("int32"),
            "photo": scene.photo,
        }

    def fingerprint(self):
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def select(self, indices):
        numbers = tuple(self._numbers[index] for index in indices)
        return dataclasses.replace(self, indices=numbers)

    @property
    def _numbers(self):
        if self.indices is not None:
            return self.indices
        return range(self.start, self.start + self.count)
