"""Label ids whose pixels are left out."""


def find_ignored(labels, ignore_labels=()):
    """Returns the label ids whose pixels don't count.

    Args:
        labels: `LabelSet`.
        ignore_labels: sequence of label ids, or names of classes, beside those
            that the label set ignores. Defaults to none.

    Returns:
        Sorted tuple of int. Where the label set ignores ids, its last class,
        which stands for them, is among them.

    Raises:
        ValueError: if a name is no class.

    Example:
        >>> find_ignored(labels, ["void", 255])
        (0, 255)
    """
    ids = set(labels.ignore_ids)
    if labels.ignore_ids:
        ids.add(len(labels) - 1)
    for label in ignore_labels:
        try:
            ids.add(int(label))
        except ValueError:
            ids.add(labels.index(label))
    return tuple(sorted(ids))
