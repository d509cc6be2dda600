"""The interface that everything reads scenes through."""

import abc
import pathlib


class SceneSource(abc.ABC):
    """Scenes with a fixed order, read by index.

    Folders (`SceneFiles`), records (`RecordScenes`) and drawn streets
    (`DrawnStreets`) implement it. Access by index is part of it, because the
    order of a training's scenes is a function of (seed, step).

    A subclass defines `names`, `kinds`, `is_rgb`, `read`, `fingerprint` and
    `select`. All methods may be called by several threads at once.
    """

    @property
    @abc.abstractmethod
    def names(self):
        """The name of each scene, its label map's file: tuple of str."""

    @property
    @abc.abstractmethod
    def kinds(self):
        """The kinds of arrays in each scene, a tuple of str.

        `"label_map"`, then some of `"instance_map"`, `"photo"` and
        `"style_map"`.
        """

    @property
    @abc.abstractmethod
    def is_rgb(self):
        """bool, whether `"label_map"` is an RGB image."""

    @abc.abstractmethod
    def read(self, index):
        """Reads one scene at full size.

        Args:
            index: int, the position of the scene.

        Returns:
            Dict of NumPy arrays: `label_map`, int32 `(height, width)`, or uint8
            `(height, width, 3)` for RGB inputs; where there are such files also
            `instance_map`, int32 `(height, width)`, `photo` and `style_map`,
            uint8 `(height, width, 3)`.

        Raises:
            ValueError: naming the file, if it can't be read, or has another
                size than the label map.
        """

    @abc.abstractmethod
    def fingerprint(self):
        """Returns a hash that changes with the scenes, their order or files.

        Returns:
            Str of 64 hexadecimal digits.
        """

    @abc.abstractmethod
    def select(self, indices):
        """Returns the scenes at some positions, in the order given.

        Args:
            indices: iterable of int.
        """

    def __len__(self):
        return len(self.names)

    def take(self, count):
        """Returns the first `count` scenes."""
        return self.select(range(min(count, len(self))))

    def holds_ids(self, kind):
        """Returns whether arrays of a kind hold ids, and not colors.

        Args:
            kind: str, one of `kinds`.
        """
        if kind == "label_map":
            return not self.is_rgb
        return kind == "instance_map"

    def stem(self, index):
        """Returns the name of a scene without its ending.

        Args:
            index: int, the position of the scene.
        """
        return pathlib.PurePath(self.names[index]).stem

    def place(self, index, kind="label_map"):
        """Returns where an array comes from, a str for messages.

        Args:
            index: int, the position of the scene.
            kind: str, one of `kinds`. Defaults to `"label_map"`.
        """
        return f"{self.names[index]} ({kind.replace('_', ' ')})"

    def read_jpeg(self, index, kind):
        """Returns the bytes of a JPEG file, where that is what is read.

        Args:
            index: int, the position of the scene.
            kind: str, one of `kinds`.

        Returns:
            Bytes, or None.
        """
        return None

    def read_palette(self, index, label_map):
        """Returns the colors of the ids in the palette of a label map.

        Args:
            index: int, the position of the scene.
            label_map: array, what `read` returned.

        Returns:
            Dict from `(red, green, blue)` to the id; empty without a palette.
        """
        return {}

    def has_transparency(self, index):
        """Returns whether a photo was read that has transparent pixels.

        Args:
            index: int, the position of the scene.
        """
        return False
