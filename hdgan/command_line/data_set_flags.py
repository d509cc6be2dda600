"""The flags of programs that read the photographs of a data set."""

from absl import flags

from hdgan.preprocessing.named_label_sets import NAMED_LABEL_SETS

# They count as flags of the main module: the program that calls `define`.
flags.disclaim_key_flags()


def define(split):
    """Defines the flags of the data set and its classes.

    Args:
        split: str, default of the flag `split`.
    """
    flags.DEFINE_string(
        "data_dir",
        None,
        f"Folder of the data set, with {split}_label and {split}_img.",
        required=True,
    )
    flags.DEFINE_string("split", split, "Start of the folders' names.")
    flags.DEFINE_integer(
        "label_nc", None, "Number of classes. Default: that of the labels file."
    )
    flags.DEFINE_enum(
        "labels",
        None,
        list(NAMED_LABEL_SETS),
        "Name of a label set that ships with hdgan. Default: that of the "
        "labels file.",
    )
    flags.DEFINE_string(
        "labels_file",
        None,
        "JSON file with names and colors of the classes. Default: labels.json "
        "of the data set, if it has one.",
    )
    flags.DEFINE_list(
        "ignore_labels",
        [],
        "Label ids, or names of classes, whose pixels are left out, such as "
        "255 or void.",
    )
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )


def find_labels():
    """Finds the classes that the flags and the data set describe.

    Returns:
        `LabelSet`, whose ignored ids include those of `ignore_labels` that are
        no class; and the sorted tuple of all label ids that are left out.

    Raises:
        ValueError: if the classes are not known, or flags contradict.
    """
    from hdgan.preprocessing.data_set_labels import find_data_set_labels

    values = flags.FLAGS
    labels = find_data_set_labels(
        values.data_dir,
        values.label_nc,
        values.labels,
        values.labels_file,
    )
    if labels is None:
        raise ValueError(
            "--label_nc=0 means RGB input, which has no classes. Expected the "
            "number of classes."
        )
    return ignore(labels, values.ignore_labels)


def ignore(labels, ignore_labels):
    """Returns a label set without some labels, and the ids that are left out.

    Args:
        labels: `LabelSet`.
        ignore_labels: sequence of str, label ids or names of classes.

    Returns:
        `LabelSet`, with ids beyond its classes among the ignored ones, and a
        sorted tuple of int.

    Raises:
        ValueError: if a name is no class.
    """
    from hdgan.evaluation.ignored_labels import find_ignored

    ignored = find_ignored(labels, ignore_labels)
    others = [k for k in ignored if not 0 <= k < len(labels)]
    new = sorted(set(others) - set(labels.ignore_ids))
    return (labels.ignoring(new) if new else labels), ignored


def find_scenes(labels, split=None, use_instances=False, use_style_maps=False):
    """Finds and checks the scenes of a split.

    Args:
        labels: `LabelSet`, or None for RGB input.
        split: str. Defaults to None, the flag `split`.
        use_instances: bool, whether to include instance maps. Defaults to
            False.
        use_style_maps: bool, whether to include style maps. Defaults to False.

    Returns:
        `SceneFiles` with photos.

    Raises:
        ValueError: naming the file that is missing or damaged.
    """
    from hdgan.data.scene_checks import check_scenes
    from hdgan.data.scene_files import find_scenes as find

    values = flags.FLAGS
    scenes = find(
        values.data_dir,
        split or values.split,
        is_rgb=labels is None,
        use_instances=use_instances,
        use_style_maps=use_style_maps,
        pair_cores=values.pair_cores,
        labels=labels,
    )
    check_scenes(scenes, len(labels or ()), labels.ignore_ids if labels else ())
    return scenes
