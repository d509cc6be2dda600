"""Semantic edits of a scene's maps."""

import numpy as np

from hdgan.checks import as_id_map, check_range
from hdgan.preprocessing.label_set import as_label_set


def replace_class(label_map, instance_map, labels, old, new):
    """Replaces one class by another, such as trees by buildings.

    The area becomes a single region of the new class, without the instances of
    the old class. Wang et al., 2018, section 4.2 edits scenes like this.

    Args:
        label_map: `(height, width)` or `(height, width, 1)`, integers below the
            number of classes.
        instance_map: the same size, integers, with ids as in Cityscapes; or
            None.
        labels: `LabelSet`, list of class names, or name of a label set.
        old: str, name of the class to replace.
        new: str, name of the class that replaces it.

    Returns:
        Edited copies of both maps, `(height, width)`; None in place of an
        instance map that is None.

    Raises:
        ValueError: if a class is unknown, the old one is not in the scene, a
            map does not hold integers of that size, or its dtype can't hold
            the new id.

    Example:
        >>> label_map, instance_map = replace_class(
        ...     label_map, instance_map, model.labels, "tree", "building"
        ... )
    """
    labels = as_label_set(labels)
    old_id, new_id = labels.index(old), labels.index(new)
    label_map = as_id_map("`label_map`", label_map)
    check_range("`label_map`", label_map, len(labels) - 1, "label ids")
    is_old = label_map == old_id
    if not is_old.any():
        shown = ", ".join(labels.names[k] for k in np.unique(label_map))
        raise ValueError(
            f"The scene has no {old!r} to replace. Expected one of its "
            f"classes: {shown}."
        )
    label_map = _paint("`label_map`", label_map, is_old, new_id)
    if instance_map is not None:
        instance_map = as_id_map("`instance_map`", instance_map)
        if instance_map.shape != label_map.shape:
            raise ValueError(
                f"`instance_map` must have the shape of `label_map`, "
                f"{label_map.shape}. Received: {instance_map.shape}"
            )
        # The label map decides, because the instance map may have other ids
        # there, or none.
        instance_map = _paint("`instance_map`", instance_map, is_old, new_id)
    return label_map, instance_map


def _paint(name, id_map, is_painted, new_id):
    if new_id > np.iinfo(id_map.dtype).max:
        raise ValueError(
            f"{name} is of {id_map.dtype}, which can't hold the id {new_id}. "
            "Convert it to int32."
        )
    return np.where(is_painted, id_map.dtype.type(new_id), id_map)
