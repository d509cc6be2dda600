"""The classes of a source: from its ids to those of the label maps."""

import dataclasses

import numpy as np

# The label of pixels without a class, before it is written.
VOID = -1
# Objects of a class are numbered 0..999: `class * 1000 + k`.
_OBJECTS_PER_CLASS = 1000


@dataclasses.dataclass(frozen=True)
class SourceClass:
    """A class as the source describes it.

    Args:
        source_id: int >= 0, the id in the source's masks.
        name: str.
        color: tuple of red, green and blue in 0..255, or None.
        is_thing: bool, whether objects are counted. Defaults to False.
    """

    source_id: int
    name: str
    color: tuple | None = None
    is_thing: bool = False


class ClassTable:
    """The classes of an import.

    Label ids are the positions of the classes in the source's order, without
    those that are ignored.

    Args:
        classes: sequence of `SourceClass`.
        void_ids: iterable of int, the source's ids of pixels without a class.
            Defaults to none.
        things: iterable of str, names of the classes whose objects are
            counted. Defaults to None, as the classes say.
        ignore: iterable of str, names of classes that become pixels without a
            class. Defaults to none.
        has_void: bool, whether scenes may have pixels without a class. Defaults
            to None: if there are void ids or ignored classes.

    Raises:
        ValueError: if a name is no class, or is there twice, or no class is
            left.
    """

    def __init__(
        self, classes, void_ids=(), things=None, ignore=(), has_void=None
    ):
        names = [c.name for c in classes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"The classes have the name {twice[0]!r} twice. Expected "
                "names that differ: rename one in the list of classes."
            )
        for option, given in (("things", things), ("ignore", ignore)):
            _check_names(option, given or (), names)
        self.classes = [c for c in classes if c.name not in ignore]
        if not self.classes:
            raise ValueError("`ignore` names all classes. Leave one.")
        self.names = [c.name for c in self.classes]
        if things is None:
            things = [c.name for c in self.classes if c.is_thing]
        self.things = [name for name in self.names if name in things]
        void_ids = {
            *void_ids,
            *(c.source_id for c in classes if c.name in ignore),
        }
        # The source does not tell their objects apart.
        self.regional_things = [
            c.name
            for c in self.classes
            if c.name in self.things and not c.is_thing
        ]
        self.has_void = bool(void_ids) if has_void is None else has_void
        self._map = self._make_map(void_ids)

    def _make_map(self, void_ids):
        """Returns an array from a source's id to the label; -2 is no class."""
        ids = [c.source_id for c in self.classes]
        label_of = np.full(max([*ids, *void_ids]) + 1, -2, "int32")
        label_of[list(void_ids)] = VOID
        label_of[ids] = range(len(ids))
        return label_of

    @property
    def void_label(self):
        """The id in label maps of pixels without a class."""
        return 255 if len(self.classes) <= 255 else 65535

    @property
    def label_dtype(self):
        """The dtype of label maps, the smallest that holds all ids."""
        return "uint8" if len(self.classes) <= 256 else "uint16"

    @property
    def highest_instance_id(self):
        """An upper bound of the ids in instance maps."""
        labels = [self.names.index(name) for name in self.things]
        return max(
            [len(self.classes), *((k + 1) * _OBJECTS_PER_CLASS for k in labels)]
        )

    def is_thing(self, label):
        """Returns whether objects of a class are counted."""
        return self.names[label] in self.things

    def label_of(self, source_id):
        """Returns the label of a source's id, `VOID`, or -2 for no class."""
        is_known = 0 <= source_id < len(self._map)
        return int(self._map[source_id]) if is_known else -2

    def convert(self, path, source_ids):
        """Converts the ids of a mask to labels.

        Args:
            path: the mask's file, for the error.
            source_ids: int array `(height, width)`.

        Returns:
            int32 array `(height, width)` of labels and `VOID`.

        Raises:
            ValueError: naming the file, if an id is no class.
        """
        clipped = np.clip(source_ids, 0, len(self._map) - 1)
        labels = np.where(source_ids == clipped, self._map[clipped], -2)
        unknown = np.unique(source_ids[labels == -2])
        if unknown.size:
            shown = ", ".join(map(str, unknown[:6]))
            known = np.flatnonzero(self._map > -2)
            raise ValueError(
                f"{path} holds ids without a class: {shown}. Expected those of "
                f"the format's classes, {known[0]}..{known[-1]}. Check that "
                "the file belongs to this data set and was not changed."
            )
        return labels

    def make_config(self):
        """Returns the arguments of the `LabelSet`, as a dict."""
        colors = [c.color for c in self.classes]
        return {
            "names": self.names,
            "colors": None if None in colors else colors,
            "ignore_ids": [self.void_label] if self.has_void else [],
            "things": self.things,
        }


def number_objects(name, label_map, objects, table):
    """Codes objects as Cityscapes does: `class * 1000 + k` for the k-th one.

    Pixels of other classes, and those of things that belong to no object, get
    their class. Pixels without a class get the number of classes, which is the
    id of the class "ignored" that a `LabelSet` adds.

    Objects of class 0 are numbered after these, so that ids of objects and of
    classes differ. The ids of an object are always above the number of classes.

    Args:
        name: str, file or scene, for the error.
        label_map: int32 array `(height, width)` of labels and `VOID`.
        objects: int array `(height, width)`: 0 for no object, and else a number
            that tells the objects of a class apart.
        table: `ClassTable`.

    Returns:
        int32 array `(height, width)`.

    Raises:
        ValueError: if a class has too many objects.
    """
    coded = np.where(label_map == VOID, len(table.classes), label_map)
    for label in np.unique(label_map[objects > 0]):
        if label == VOID or not table.is_thing(label):
            continue
        is_object = (label_map == label) & (objects > 0)
        found, numbers = np.unique(objects[is_object], return_inverse=True)
        start = len(table.classes) + 1 if label == 0 else 0
        if start + len(found) > _OBJECTS_PER_CLASS:
            raise ValueError(
                f"{name} has {len(found)} objects of the class "
                f"{table.names[label]!r}. Expected at most "
                f"{_OBJECTS_PER_CLASS - start}, because ids are class * 1000 + "
                "k. If they are noise of the mask, clean it, or leave the "
                "class out of the things."
            )
        coded[is_object] = label * _OBJECTS_PER_CLASS + start + numbers
    return coded


def find_components(label_map, table, names):
    """Finds the connected regions of some classes.

    Pixels that touch at a side or corner are connected.

    Args:
        label_map: int32 array `(height, width)` of labels and `VOID`.
        table: `ClassTable`.
        names: list of str, names of the classes.

    Returns:
        int32 array `(height, width)`: 0 for no object, and else the number of
        the region among those of its class.

    Raises:
        ValueError: if SciPy is not installed.
    """
    objects = np.zeros(label_map.shape, "int32")
    if not names:
        return objects
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ValueError(
            "Objects as connected regions need SciPy, which is not installed. "
            "Install it with: pip install scipy"
        ) from error
    for name in names:
        regions, _ = ndimage.label(
            label_map == table.names.index(name), np.ones((3, 3))
        )
        objects += regions
    return objects


def _check_names(option, given, names):
    unknown = [name for name in given if name not in names]
    if unknown:
        shown = ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")
        raise ValueError(
            f"`{option}` names {unknown[0]!r}, which is no class. Expected "
            f"some of: {shown}"
        )
