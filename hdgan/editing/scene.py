"""A scene that can be edited."""

import dataclasses
import types

import numpy as np

from hdgan.checks import as_id_map, check_integers, check_range
from hdgan.preprocessing.label_set import LabelSet, as_label_set

# Ids of a class's objects: `1000 * class + k`, as in Cityscapes.
OBJECTS_PER_CLASS = 1000
# Id in `styles` for a model with one style per image.
WHOLE_IMAGE = -1
_INT32 = np.iinfo(np.int32)


@dataclasses.dataclass(frozen=True, eq=False)
class EditableScene:
    """A label map, an instance map, the styles and the seed: one value.

    Edits are functions that take a scene and return another; a scene never
    changes. The arrays are read-only.

    Args:
        label_map: `(height, width)` or `(height, width, 1)`, integers below the
            number of classes, or ignored ids, which become the class that
            stands for them.
        instance_map: the same size, integers that int32 holds, or None. Regions
            keep ids as in Cityscapes: `1000 * class + k` for an object, the
            class itself elsewhere. Maps with other ids, such as numbered
            components, get such ids. None or zeros: the regions of the label
            map. Defaults to None.
        labels: `LabelSet`, list of class names, or name of a label set.
        styles: dict from the id of a region to its style, a sequence of floats;
            other regions get a style that `seed` draws. For a model with one
            style per image the id is `WHOLE_IMAGE`, for one with a style per
            class that of the class. Defaults to none.
        seed: int >= 0, draws the styles of all other regions. Defaults to 0.
        model_hash: str, the SHA-256 of the file of the model that the styles
            were made for, or None. Defaults to None.

    Raises:
        ValueError: if a map has another shape or dtype or an id without a
            class, the maps' sizes differ, or a style or the seed is wrong.

    Example:
        >>> scene = EditableScene(label_map, instance_map, model.labels)
        >>> scene = replace_class(scene, "tree", "building")
        >>> photo = synthesize_scene(model, scene)
    """

    label_map: np.ndarray
    instance_map: np.ndarray | None = None
    labels: LabelSet | None = None
    styles: types.MappingProxyType = dataclasses.field(default_factory=dict)
    seed: int = 0
    model_hash: str | None = None

    def __post_init__(self):
        labels = as_label_set(self.labels)
        if labels is None:
            raise ValueError(
                "`labels` must be the classes of the label map: a LabelSet or "
                "a list of names. Received: None. A model without labels has "
                "no classes to edit."
            )
        check_integers(minimum=0, seed=self.seed)
        given = as_id_map("`label_map`", self.label_map)
        label_map = labels.replace_ignored(given)
        check_range("`label_map`", label_map, len(labels) - 1, "label ids")
        label_map = label_map.astype("int32")
        instance_map = _number_instances(
            self.instance_map, given, label_map, labels
        )
        for name, value in (
            ("label_map", _read_only(label_map)),
            ("instance_map", _read_only(instance_map)),
            ("labels", labels),
            ("styles", types.MappingProxyType(_check_styles(self.styles))),
            ("seed", int(self.seed)),
        ):
            object.__setattr__(self, name, value)

    @property
    def size(self):
        """(height, width) in pixels."""
        return self.label_map.shape

    def replace(self, **changes):
        """Returns a scene with other values of some attributes.

        Args:
            **changes: values by the names of the constructor's arguments.
        """
        return dataclasses.replace(self, **changes)

    def is_thing(self, label):
        """Returns whether objects of a class have ids of their own.

        A label set that does not know its things leaves it to the scene: the
        class has an object with an id of its own.

        Args:
            label: int, the label id of the class.
        """
        known = self.labels.is_thing(label)
        if known is not None:
            return known
        ids = self.instance_map[self.label_map == label]
        return bool((ids != label).any())

    def objects(self, name=None):
        """Returns the ids of the objects.

        Args:
            name: str, the class of the objects. Defaults to None, all classes.

        Returns:
            Dict from the id of an object to the name of its class, the largest
            area first.

        Raises:
            ValueError: if there is no such class.
        """
        is_object = self.instance_map != self.label_map
        if name is not None:
            is_object &= self.label_map == self.labels.index(name)
        ids, first, counts = np.unique(
            self.instance_map[is_object], return_index=True, return_counts=True
        )
        classes = self.label_map[is_object][first]
        order = np.lexsort((ids, -counts))
        return {int(ids[k]): self.labels.names[classes[k]] for k in order}

    def region(self, instance):
        """Returns the pixels of an object or region.

        Args:
            instance: int, its id in the instance map.

        Returns:
            bool `(height, width)`.

        Raises:
            ValueError: if no pixel has that id.
        """
        is_region = self.instance_map == instance
        if not is_region.any():
            ids = list(self.objects())
            more = "" if len(ids) <= 20 else ", ..."
            shown = ", ".join(map(str, ids[:20])) + more
            raise ValueError(
                f"The scene has no region of the id {instance}. Its objects "
                f"have the ids: {shown or 'none'}."
            )
        return is_region

    def class_of(self, instance):
        """Returns the label id of an object or region.

        Args:
            instance: int, its id in the instance map.
        """
        return int(self.label_map[self.region(instance)][0])

    def new_instance_id(self, label):
        """Returns the smallest free id for a new object of a class.

        Args:
            label: int, the label id of the class.

        Raises:
            ValueError: if the class has 1,000 objects already.
        """
        used = set(np.unique(self.instance_map).tolist()) | set(self.styles)
        return _free_ids(label, len(self.labels), used, 1)[0]

    def __eq__(self, other):
        if not isinstance(other, EditableScene):
            return NotImplemented
        return (
            self.labels == other.labels
            and self.seed == other.seed
            and self.model_hash == other.model_hash
            and dict(self.styles) == dict(other.styles)
            and np.array_equal(self.label_map, other.label_map)
            and np.array_equal(self.instance_map, other.instance_map)
        )

    __hash__ = None

    def __repr__(self):
        height, width = self.size
        return (
            f"<EditableScene of {width}x{height} pixels, "
            f"{len(self.objects())} objects, {len(self.styles)} styles>"
        )


def _number_instances(instance_map, given, label_map, labels):
    """Returns int32 ids as in Cityscapes, by which no two classes share one.

    `given` is the label map with ignored ids, which the instance map may have
    in their place, too.
    """
    if instance_map is None:
        return label_map.copy()
    instance_map = as_id_map("`instance_map`", instance_map)
    if instance_map.shape != label_map.shape:
        raise ValueError(
            f"`instance_map` must have the shape of `label_map`, "
            f"{label_map.shape}. Received: {instance_map.shape}"
        )
    low, high = int(instance_map.min()), int(instance_map.max())
    if low < _INT32.min or high > _INT32.max:
        raise ValueError(
            f"`instance_map` holds ids {low}..{high}. Expected ids that int32 "
            "holds."
        )
    if low == high == 0:
        return label_map.copy()
    is_region = instance_map == given
    instance_map = np.where(is_region, label_map, instance_map.astype("int64"))
    # One number for each pair of a class and an id.
    keys = label_map.astype("int64") * 2**32 + instance_map
    pairs, inverse = np.unique(keys, return_inverse=True)
    classes, ids = pairs >> 32, (pairs & (2**32 - 1)).astype("uint32")
    ids = ids.view("int32").astype("int64")
    # The high half of a key is one less than the class for negative ids.
    classes += ids < 0
    is_right = (ids == classes) | (
        (ids >= len(labels)) & (ids // OBJECTS_PER_CLASS == classes)
    )
    if is_right.all():
        return instance_map.astype("int32")
    # Zero is no object in most instance maps with ids of their own.
    new_ids = np.where(is_right, ids, classes)
    used = set(ids[is_right].tolist())
    for label in np.unique(classes):
        missing = ~is_right & (classes == label) & (ids != 0)
        free = _free_ids(int(label), len(labels), used, int(missing.sum()))
        new_ids[missing] = free
    return new_ids[inverse.reshape(label_map.shape)].astype("int32")


def _free_ids(label, num_classes, used, count):
    """Returns the first ids of objects of a class that are not used."""
    # Objects of class 0, and of label sets with 1,000 classes and more, must
    # not get the id that stands for a class.
    start = max(OBJECTS_PER_CLASS * label, num_classes)
    candidates = range(start, OBJECTS_PER_CLASS * (label + 1))
    free = [number for number in candidates if number not in used][:count]
    if len(free) < count:
        raise ValueError(
            f"A scene can have {len(candidates):,} objects of the class "
            f"{label}, whose ids are {candidates.start}..{candidates.stop - 1}."
            " These are used up. Merge small objects of the class."
        )
    return free


def _check_styles(styles):
    checked = {}
    for key, style in dict(styles).items():
        vector = np.asarray(style, "float32")
        if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
            raise ValueError(
                "`styles` must map ids of regions to sequences of finite "
                f"numbers. Received for {key!r}: {style!r}"
            )
        check_integers(minimum=WHOLE_IMAGE, **{"id of a style": key})
        checked[int(key)] = tuple(vector.tolist())
    return checked


def _read_only(array):
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
