"""The classes of a data set."""

import pathlib

from hdgan.data.cityscapes_layout import is_cityscapes_layout
from hdgan.preprocessing.label_set import LabelSet


def find_data_set_labels(
    data_dir, label_nc=None, labels=None, labels_file=None, ignore_ids=()
):
    """Finds the classes of a data set.

    Args:
        data_dir: path of the data set, whose `labels.json` counts if nothing
            else is given. Cityscapes as it is downloaded has the 35 classes of
            `"cityscapes35"`; with `"cityscapes19"` the id 255 is ignored.
        label_nc: int, the number of classes; 0 for RGB input. Defaults to
            None, which means that the label set tells.
        labels: str, name of a label set that ships with hdgan. Defaults to
            None.
        labels_file: path of a label set's JSON file. Defaults to None.
        ignore_ids: sequence of int, ids of pixels without a class, beside those
            of the label set. Defaults to none.

    Returns:
        `LabelSet`, or None for RGB input.

    Raises:
        ValueError: if the number of classes is not known, is not that of the
            label set, or the label set is given twice.
    """
    found = _find_classes(data_dir, label_nc, labels, labels_file)
    if not ignore_ids:
        return found
    if found is None:
        raise ValueError(
            f"`label_nc` is 0, for RGB input, but `ignore_ids` is "
            f"{tuple(ignore_ids)}. Leave one of them out."
        )
    return found.ignoring(ignore_ids)


def _find_classes(data_dir, count, name, file):
    """Returns the `LabelSet` without ignored ids, or None for RGB input."""
    given = {"labels": name, "labels_file": file}
    given = {key: value for key, value in given.items() if value is not None}
    if len(given) > 1:
        raise ValueError(
            f"`labels` is {name}, but `labels_file` is {file}. Leave one of "
            "them out."
        )
    if count == 0:
        for key, value in given.items():
            raise ValueError(
                f"`label_nc` is 0, for RGB input, but `{key}` is {value}. "
                "Leave one of them out."
            )
        return None
    if name is not None:
        named = _check_count(count, LabelSet.named(name), f"labels={name}")
        if name == "cityscapes19" and is_cityscapes_layout(data_dir):
            return named.ignoring([255])
        return named
    default = pathlib.Path(data_dir) / "labels.json"
    if file is None and default.is_file():
        file = default
    if file is None and is_cityscapes_layout(data_dir):
        return _check_count(
            count, LabelSet.named("cityscapes35"), "Cityscapes as downloaded"
        )
    if file is None:
        if count is None:
            raise ValueError(
                "The number of classes is not known. Pass `label_nc` (0 for "
                "RGB input), `labels_file` or `labels` (cityscapes35 for "
                "Cityscapes' labelIds)."
            )
        return LabelSet.numbered(count)
    return _check_count(count, LabelSet.load(file), file)


def _check_count(count, labels, source):
    """Returns a label set, if it has the number of classes that was given."""
    if count is not None and count != len(labels):
        raise ValueError(
            f"label_nc={count}, but {source} names {len(labels)} classes. "
            "Leave `label_nc` out, or correct it."
        )
    return labels
