"""Names and display colours of the classes of a label map."""

import json
import pathlib

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="hdgan")
class LabelSet:
    """The classes that a label map's ids stand for.

    Args:
        names: sequence of strings; class k is `names[k]`.
        colors: sequence of `(red, green, blue)`, 0..255, one per class, for
            display; None draws a palette of colours easily told apart.

    Raises:
        ValueError: if there are no names, two are the same, or there are not
            as many colours as names.

    Example:
        >>> labels = hdgan.LabelSet(["sky", "road"])
        >>> labels.colorize(np.array([[0, 1]])).shape
        (1, 2, 3)
    """

    def __init__(self, names, colors=None):
        names = [str(name) for name in names]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                "`names` must be one or more different class names. "
                f"Received: {names}"
            )
        if colors is None:
            colors = [_palette_color(k) for k in range(len(names))]
        colors = np.asarray(colors)
        if colors.shape != (len(names), 3):
            raise ValueError(
                "`colors` must hold one (red, green, blue) per class: shape "
                f"({len(names)}, 3). Received: shape {colors.shape}"
            )
        self.names = tuple(names)
        self.colors = tuple(
            tuple(int(value) for value in color) for color in colors
        )

    @classmethod
    def numbered(cls, num_classes):
        """Returns classes named `class 0`, `class 1`, ..."""
        return cls([f"class {k}" for k in range(num_classes)])

    @classmethod
    def load(cls, path):
        """Reads a JSON file `{"names": [...], "colors": [[r, g, b], ...]}`.

        Raises:
            ValueError: if the file is missing or not of that form.
        """
        try:
            return cls(**json.loads(pathlib.Path(path).read_text()))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(
                f'{path} is no label set. Expected JSON {{"names": [...], '
                f'"colors": [[r, g, b], ...]}}. {error}'
            ) from error

    def save(self, path):
        """Writes what `load` reads."""
        pathlib.Path(path).write_text(json.dumps(self.get_config(), indent=1))

    def __len__(self):
        return len(self.names)

    def index(self, name):
        """Returns the id of a class.

        Raises:
            ValueError: if there is no class of that name.
        """
        if name not in self.names:
            raise ValueError(
                f"There is no class {name!r}. The classes are: "
                f"{', '.join(self.names)}"
            )
        return self.names.index(name)

    def colorize(self, label_map):
        """Returns a label map `(..., height, width)` as uint8 RGB."""
        return np.asarray(self.colors, "uint8")[label_map]

    def get_config(self):
        return {
            "names": list(self.names),
            "colors": [list(color) for color in self.colors],
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _palette_color(index):
    """Spreads the bits of the index over red, green and blue.

    The palette of the PASCAL VOC challenge: neighbouring ids differ most.
    """
    color = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            color[channel] |= ((index >> channel) & 1) << (7 - bit)
        index >>= 3
    return color
