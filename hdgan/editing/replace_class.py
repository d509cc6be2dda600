"""Semantic edits of a scene's maps."""

import numpy as np


def replace_class(label_map, instance_map, labels, old, new):
    """Turns everything of one class into another: trees into buildings.

    The area becomes a single region of the new class; instances of the old
    class are gone. Wang et al., 2018, section 4.2 edits scenes like this.

    Args:
        label_map: integers `(height, width)`.
        instance_map: integers `(height, width)`, Cityscapes coding, or None.
        labels: `LabelSet`.
        old: name of the class to replace.
        new: name of the class to put there.

    Returns:
        Edited copies of both maps; None for an instance map that is None.

    Raises:
        ValueError: if there is no class of that name, or the scene has nothing
            of the old one.

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
            f"The scene has no {old!r} to replace. It has: {shown}."
        )
    label_map = np.where(is_old, label_map.dtype.type(new_id), label_map)
    if instance_map is not None:
        # The label map decides: an instance map may know the class by another
        # id, or not at all.
        instance_map = np.where(
            is_old, instance_map.dtype.type(new_id), instance_map
        )
    return label_map, instance_map
