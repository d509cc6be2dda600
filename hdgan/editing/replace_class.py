"""Semantic edits of a scene's maps."""

import numpy as np


def replace_class(label_map, instance_map, labels, old, new):
    """Replaces one class by another, such as trees by buildings.

    The area becomes a single region of the new class, without the instances of
    the old class. Wang et al., 2018, section 4.2 edits scenes like this.

    Args:
        label_map: integers `(height, width)`.
        instance_map: integers `(height, width)` with ids as in Cityscapes, or
            None.
        labels: `LabelSet`.
        old: str, name of the class to replace.
        new: str, name of the class that replaces it.

    Returns:
        Edited copies of both maps; None in place of an instance map that is
        None.

    Raises:
        ValueError: if a class is unknown, or the old one is not in the scene.

    Example:
        >>> label_map, instance_map = replace_class(
        ...     label_map, instance_map, model.labels, "tree", "building"
        ... )
    """
    old_id, new_id = labels.index(old), labels.index(new)
    is_old = label_map == old_id
    if not is_old.any():
        shown = ", ".join(labels.names[k] for k in np.unique(label_map))
        raise ValueError(
            f"The scene has no {old!r} to replace. Expected one of its "
            f"classes: {shown}."
        )
    label_map = np.where(is_old, label_map.dtype.type(new_id), label_map)
    if instance_map is not None:
        # The label map decides, because the instance map may have other ids
        # there, or none.
        instance_map = np.where(
            is_old, instance_map.dtype.type(new_id), instance_map
        )
    return label_map, instance_map
