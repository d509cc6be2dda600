"""Names and display colors of the classes of a label map."""

import json
import operator
import pathlib

import keras
import numpy as np

from hdgan.checks import check_range, drop_channel
from hdgan.data.files import write_file
from hdgan.preprocessing.named_label_sets import (
    CITYSCAPES_THINGS,
    NAMED_LABEL_SETS,
)

_IGNORED = "ignored"
# Names of classes that `repr` shows before it leaves out the rest.
_NUM_SHOWN = 10


@keras.saving.register_keras_serializable(package="hdgan")
class LabelSet:
    """Names and colors of the classes in a label map.

    Two label sets are equal if they have the same names, colors and ignored
    ids.

    Args:
        names: sequence of strings. The label id k belongs to `names[k]`.
        colors: sequence of `(red, green, blue)` integers in 0..255, one per
            class, which `colorize` uses. Defaults to None: the palette of the
            PASCAL VOC challenge.
        ignore_ids: sequence of int, ids of pixels without a class, such as 255
            or -1. One more class, the last, called "ignored" and black, stands
            for all of them, as with `--contain_dontcare_label` of the original
            code of SPADE. Defaults to none.
        things: sequence of strings, the names of the classes whose objects are
            counted, such as cars: each object has an instance id of its own.
            Other classes, such as sky, are one region. Defaults to None, not
            known.

    Raises:
        ValueError: if `names` is empty, holds something else than strings or a
            name twice, if `colors` does not hold one color of integers in
            0..255 per name, if an ignored id is that of a class, or if one of
            the things is no class.

    Example:
        >>> labels = hdgan.LabelSet(["sky", "road"])
        >>> labels.colorize(np.array([[0, 1]])).shape
        (1, 2, 3)
    """

    def __init__(self, names, colors=None, ignore_ids=(), things=None):
        self.names = _check_names(names)
        if colors is None:
            colors = [_palette_color(k) for k in range(len(self.names))]
        self.colors = _check_colors(colors, len(self.names))
        self.ignore_ids = _check_ignore_ids(ignore_ids, self.names)
        if self.ignore_ids:
            self.names += (_IGNORED,)
            self.colors += ((0, 0, 0),)
        self.things = _check_things(things, self.names)

    @classmethod
    def numbered(cls, num_classes):
        """Returns a label set with the names `class 0`, `class 1`, ...

        Args:
            num_classes: int >= 1.
        """
        return cls([f"class {k}" for k in range(num_classes)])

    def ignoring(self, ids):
        """Returns a label set that also has ids of pixels without a class.

        Args:
            ids: sequence of int, as `ignore_ids` of the constructor.

        Raises:
            ValueError: if one is the id of a class.
        """
        config = self.get_config()
        return type(self)(
            **{**config, "ignore_ids": [*config["ignore_ids"], *ids]}
        )

    @classmethod
    def named(cls, name):
        """Returns a label set that ships with hdgan.

        Args:
            name: str. `"cityscapes35"` has the label ids of Cityscapes
                (`*_labelIds.png`), 0..33, and as id 34 the license plate,
                which no label map holds: the 35 classes of the original
                PyTorch code of pix2pixHD. `"cityscapes19"` has the training
                ids (`*_labelTrainIds.png`), 0..18, where 255 stands for pixels
                without a class.

        Raises:
            ValueError: if there is no label set of that name.

        Example:
            >>> labels = hdgan.LabelSet.named("cityscapes19").ignoring([255])
        """
        if name not in NAMED_LABEL_SETS:
            raise ValueError(
                f"There is no label set {name!r}. The label sets that ship "
                f"with hdgan are: {', '.join(NAMED_LABEL_SETS)}. For classes "
                "of your own, give a LabelSet or a list of names; "
                "`LabelSet.load` reads a labels.json."
            )
        names, colors = zip(*NAMED_LABEL_SETS[name], strict=True)
        things = [thing for thing in names if thing in CITYSCAPES_THINGS]
        return cls(names, colors, things=things)

    @classmethod
    def load(cls, path):
        """Reads a JSON file `{"names": [...], "colors": [[r, g, b], ...]}`.

        Args:
            path: path of the file, in UTF-8, which may leave `colors` out and
                have `ignore_ids` and `things`.

        Raises:
            ValueError: if the file is missing or has another form. It names
                the file.
        """
        try:
            # Notepad starts a file in UTF-8 with a byte order mark.
            text = pathlib.Path(path).read_text("utf-8-sig")
            return cls(**_check_keys(json.loads(text)))
        except (OSError, ValueError) as error:
            raise ValueError(
                f'{path} is not a label set. Expected JSON {{"names": [...], '
                f'"colors": [[r, g, b], ...]}}. {error}'
            ) from error

    def save(self, path):
        """Writes the JSON file that `load` reads, atomically.

        Args:
            path: path of the file. An existing file is replaced.

        Raises:
            OSError: if the file can't be written.
        """
        write_file(path, json.dumps(self.get_config(), indent=1))

    def __repr__(self):
        shown = [*self.names[:_NUM_SHOWN]]
        if len(shown) < len(self.names):
            shown.append("...")
        return f"<LabelSet of {len(self)} classes: {', '.join(shown)}>"

    def __eq__(self, other):
        if not isinstance(other, LabelSet):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def _key(self):
        return self.names, self.colors, self.ignore_ids

    def __len__(self):
        return len(self.names)

    def index(self, name):
        """Returns the label id of a class.

        Args:
            name: str, the name of the class.

        Raises:
            ValueError: if no class has that name.
        """
        if name not in self.names:
            raise ValueError(
                f"There is no class {name!r}. The classes are: "
                f"{', '.join(self.names)}"
            )
        return self.names.index(name)

    def is_thing(self, label):
        """Returns whether objects of a class have instance ids of their own.

        Args:
            label: int, the label id of the class.

        Returns:
            bool; None if the label set does not know.
        """
        if self.things is None:
            return None
        return self.names[label] in self.things

    def replace_ignored(self, label_map):
        """Replaces ignored ids by that of the class that stands for them.

        Args:
            label_map: NumPy array of integers.

        Returns:
            `label_map` itself if no ids are ignored, or else a copy.
        """
        if not self.ignore_ids:
            return label_map
        is_ignored = np.isin(label_map, self.ignore_ids)
        return np.where(is_ignored, len(self) - 1, label_map)

    def colorize(self, label_map):
        """Paints each class of a label map in its color.

        Args:
            label_map: `(..., height, width)` or `(..., height, width, 1)`,
                integers below the number of classes, or ignored ones.

        Returns:
            uint8 `(..., height, width, 3)`.

        Raises:
            ValueError: if `label_map` does not hold integers, or one has no
                class.
        """
        label_map = drop_channel(np.asarray(label_map))
        label_map = self.replace_ignored(label_map)
        if label_map.size:
            check_range("`label_map`", label_map, len(self) - 1, "label ids")
        return np.asarray(self.colors, "uint8")[label_map]

    def get_config(self):
        # The class of the ignored ids follows from these.
        count = len(self) - bool(self.ignore_ids)
        config = {
            "names": list(self.names[:count]),
            "colors": [list(color) for color in self.colors[:count]],
            "ignore_ids": list(self.ignore_ids),
        }
        if self.things is not None:
            config["things"] = list(self.things)
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def as_label_set(labels):
    """Returns the `LabelSet` that an argument stands for.

    Args:
        labels: `LabelSet`; a list or tuple of class names; str, the name of a
            label set that ships with hdgan; or None, which is returned.

    Raises:
        ValueError: if `labels` is something else.
    """
    if labels is None or isinstance(labels, LabelSet):
        return labels
    if isinstance(labels, str):
        return LabelSet.named(labels)
    if isinstance(labels, (list, tuple)):
        return LabelSet(labels)
    raise ValueError(
        "`labels` must be a LabelSet, a list of class names, the name of a "
        f"label set ({', '.join(NAMED_LABEL_SETS)}), or None for RGB input. "
        f"Received: {labels!r}. For a number of classes without names, give "
        "LabelSet.numbered(num_classes)."
    )


def _check_keys(config):
    """Returns the dict that a file of a label set holds."""
    if not isinstance(config, dict):
        raise ValueError(f"Received: a {type(config).__name__}")
    known = {"names", "colors", "ignore_ids", "things"}
    unknown = sorted(config.keys() - known)
    if unknown:
        raise ValueError(f"Received the unknown key {unknown[0]!r}")
    if "names" not in config:
        raise ValueError("Received no `names`")
    return config


def _check_names(names):
    """Returns class names as a tuple."""
    # A string would be taken for a sequence of names of one letter.
    is_sequence = isinstance(names, (list, tuple, np.ndarray))
    if not is_sequence or not all(isinstance(name, str) for name in names):
        raise ValueError(
            "`names` must be a list of strings, the class names. "
            f"Received: {names!r}"
        )
    if not len(names) or len(set(names)) < len(names):
        raise ValueError(
            "`names` must hold at least one class name, each only once. "
            f"Received: {list(names)}"
        )
    return tuple(str(name) for name in names)


def _check_ignore_ids(ignore_ids, names):
    """Returns the ids of pixels without a class as a sorted tuple."""
    try:
        ids = sorted(set(map(operator.index, ignore_ids)))
    except TypeError as error:
        raise ValueError(
            f"`ignore_ids` must be integers. Received: {ignore_ids!r}"
        ) from error
    for number in ids:
        if 0 <= number < len(names):
            raise ValueError(
                f"`ignore_ids` holds {number}, which is the id of the class "
                f"{names[number]!r}. Expected ids without a class."
            )
    if ids and _IGNORED in names:
        raise ValueError(
            f"`names` holds {_IGNORED!r}, which is the name of the class that "
            "`ignore_ids` adds. Leave it out."
        )
    return tuple(ids)


def _check_things(things, names):
    """Returns the names of the classes of things as a tuple, or None."""
    if things is None:
        return None
    if not isinstance(things, (list, tuple)):
        raise ValueError(
            "`things` must be a list of class names, or None. Received: "
            f"{things!r}"
        )
    unknown = [name for name in things if name not in names]
    if unknown:
        raise ValueError(
            f"`things` holds {unknown[0]!r}, but there is no class of that "
            "name. Expected names of classes whose objects have instance ids "
            "of their own."
        )
    return tuple(name for name in names if name in things)


def _check_colors(colors, num_classes):
    """Returns the colors of classes as a tuple of tuples."""
    expected = (
        "`colors` must hold one (red, green, blue) of integers in 0..255 per "
        f"class, shape ({num_classes}, 3)."
    )
    try:
        array = np.asarray(colors)
    except ValueError as error:  # Rows of several lengths.
        raise ValueError(f"{expected} Received: {colors!r}") from error
    if array.shape != (num_classes, 3):
        raise ValueError(f"{expected} Received: shape {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        advice = ""
        if np.issubdtype(array.dtype, np.floating):
            advice = ". Round them, and multiply those in [0, 1] by 255 first."
        raise ValueError(
            f"{expected} Received: {array.dtype}, such as "
            f"{array[0].tolist()}{advice}"
        )
    for label, color in enumerate(array.tolist()):
        if min(color) < 0 or max(color) > 255:
            raise ValueError(f"{expected} Received: {color} for class {label}")
    return tuple(tuple(color) for color in array.tolist())


def _palette_color(index):
    """Returns a color of the PASCAL VOC palette, in which neighbours differ.

    The bits of the index are spread over red, green and blue, the lowest bits
    to the highest of a channel.
    """
    color = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            color[channel] |= ((index >> channel) & 1) << (7 - bit)
        index >>= 3
    return color
