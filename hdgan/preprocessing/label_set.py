"""Names and display colours of the classes of a label map."""

import json
import pathlib

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="hdgan")
class LabelSet:
    """Names and colours of the classes in a label map.

    Args:
        names: sequence of strings. The label id k belongs to `names[k]`.
        colors: sequence of `(red, green, blue)` integers in 0..255, one per
            class, which `colorize` uses. Defaults to None: the palette of the
            PASCAL VOC challenge.

    Raises:
        ValueError: if `names` is empty or holds a name twice, or if `colors`
            does not hold one colour per name.

    Example:
        >>> labels = hdgan.LabelSet(["sky", "road"])
        >>> labels.colorize(np.array([[0, 1]])).shape
        (1, 2, 3)
    """

    def __init__(self, names, colors=None):
        names = [str(name) for name in names]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                "`names` must hold at least one class name, each only once. "
                f"Received: {names}"
            )
        if colors is None:
            colors = [_palette_color(k) for k in range(len(names))]
        colors = np.asarray(colors)
        if colors.shape != (len(names), 3):
            raise ValueError(
                "`colors` must hold one (red, green, blue) per class, shape "
                f"({len(names)}, 3). Received: shape {colors.shape}"
            )
        self.names = tuple(names)
        self.colors = tuple(
            tuple(int(value) for value in color) for color in colors
        )

    @classmethod
    def numbered(cls, num_classes):
        """Returns a label set with the names `class 0`, `class 1`, ...

        Args:
            num_classes: int >= 1.
        """
        return cls([f"class {k}" for k in range(num_classes)])

    @classmethod
    def load(cls, path):
        """Reads a JSON file `{"names": [...], "colors": [[r, g, b], ...]}`.

        Args:
            path: path of the file, which may leave `colors` out.

        Raises:
            ValueError: if the file is missing or has another form.
        """
        try:
            return cls(**json.loads(pathlib.Path(path).read_text()))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(
                f'{path} is not a label set. Expected JSON {{"names": [...], '
                f'"colors": [[r, g, b], ...]}}. {error}'
            ) from error

    def save(self, path):
        """Writes the JSON file that `load` reads.

        Args:
            path: path of the file. An existing file is replaced.
        """
        pathlib.Path(path).write_text(json.dumps(self.get_config(), indent=1))

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

    def colorize(self, label_map):
        """Paints each class of a label map in its colour.

        Args:
            label_map: `(..., height, width)`, integers below the number of
                classes.

        Returns:
            uint8 `(..., height, width, 3)`.
        """
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
    """Returns a colour of the PASCAL VOC palette, in which neighbours differ.

    The bits of the index are spread over red, green and blue, the lowest bits
    to the highest of a channel.
    """
    color = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            color[channel] |= ((index >> channel) & 1) << (7 - bit)
        index >>= 3
    return color
