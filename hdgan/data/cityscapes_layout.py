"""Cityscapes as it is downloaded, with a folder for each city.

leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png
gtFine/train/aachen/aachen_000000_000019_gtFine_instanceIds.png
"""

import pathlib

_PHOTO_END = "_leftImg8bit.png"
LABEL_END = "_gtFine_labelIds.png"
TRAIN_LABEL_END = "_gtFine_labelTrainIds.png"
INSTANCE_END = "_gtFine_instanceIds.png"


def is_cityscapes_layout(data_dir):
    """Returns whether a folder holds Cityscapes as it is downloaded.

    Args:
        data_dir: path of the data set.
    """
    data_dir = pathlib.Path(data_dir)
    return all((data_dir / n).is_dir() for n in ("gtFine", "leftImg8bit"))


def has_cityscapes_split(data_dir, split):
    """Returns whether a download of Cityscapes has label maps of a split.

    Args:
        data_dir: path of the data set.
        split: str, such as `"val"`. The maps of `"test"` hold no classes, so
            they do not count.
    """
    folder = pathlib.Path(data_dir) / "gtFine" / split
    return (
        is_cityscapes_layout(data_dir) and split != "test" and folder.is_dir()
    )


def list_cityscapes(data_dir, split, end=LABEL_END):
    """Lists the scenes of a split of a download of Cityscapes.

    Args:
        data_dir: path of the data set.
        split: str, `"train"` or `"val"`.
        end: str, end of the names of the label maps. Defaults to that of label
            ids.

    Returns:
        Dict from a scene's name, such as `"aachen_000000_000019"`, to the paths
        of its label map, instance map and photograph, sorted by name. A path
        is None if there is no such file.

    Raises:
        ValueError: if the split has no scenes with label maps.
    """
    data_dir = pathlib.Path(data_dir)
    if split == "test":
        raise ValueError(
            f"{data_dir}: the label maps of Cityscapes' test split are not "
            "public; its files hold no classes. Expected split train or val: "
            "use val to test."
        )
    kinds = (
        ("gtFine", end),
        ("gtFine", INSTANCE_END),
        ("leftImg8bit", _PHOTO_END),
    )
    found = [_list_cities(data_dir / f / split, e) for f, e in kinds]
    if not found[0]:
        raise ValueError(
            f"{data_dir / 'gtFine' / split} holds no */*{end}. "
            f"{_advise(data_dir, split, end)}"
        )
    names = sorted({*found[0], *found[2]})
    return {name: tuple(f.get(name) for f in found) for name in names}


def _list_cities(folder, end):
    """Returns a dict from a scene's name to its file of one kind."""
    return {
        path.name[: -len(end)]: path
        for path in sorted(folder.glob(f"*/*{end}"))
    }


def _advise(data_dir, split, end):
    if end == TRAIN_LABEL_END and _list_cities(
        data_dir / "gtFine" / split, LABEL_END
    ):
        return (
            "The download does not have the 19 training ids. Write them with "
            "hdgan import_dataset --format=cityscapes --labels=cityscapes19, "
            "or with createTrainIdLabelImgs of cityscapesScripts; or leave out "
            "--labels=cityscapes19."
        )
    splits = sorted(p.name for p in (data_dir / "gtFine").glob("*/"))
    return (
        f"Splits there: {', '.join(splits) or 'none'}. Unpack "
        "gtFine_trainvaltest.zip and leftImg8bit_trainvaltest.zip into one "
        "folder, or choose another split."
    )
