"""The options of an import, and which formats take them.

This module imports neither NumPy nor TensorFlow, because the program reads the
names of the formats from it for `--help`.
"""

import dataclasses

# From a format to its module in this folder, and the options that it takes
# beside those that all formats take.
FORMATS = {
    "cityscapes": ("cityscapes", ("source_split", "labels")),
    "ade20k": ("ade20k", ("source_split",)),
    "coco_panoptic": (
        "coco_panoptic",
        ("source_split", "photo_dir", "mask_dir", "annotations"),
    ),
    "coco_stuff": (
        "coco_stuff",
        ("source_split", "photo_dir", "mask_dir", "annotations"),
    ),
    "mapillary_vistas": ("mapillary_vistas", ("source_split", "version")),
    "cmp_facades": ("cmp_facades", ("source_split", "names_file")),
    "camvid": (
        "camvid",
        ("photo_dir", "mask_dir", "color_table", "names_file"),
    ),
    "voc": ("voc", ("source_split",)),
    "color_masks": (
        "color_masks",
        (
            *("photo_dir", "mask_dir", "mask_suffix", "color_table"),
            *("tolerance", "unknown_colors", "names_file"),
        ),
    ),
    "polygons_coco": ("polygons_coco", ("photo_dir", "annotations")),
    "polygons_labelme": (
        "polygons_labelme",
        ("photo_dir", "classes_file", "names_file"),
    ),
}


@dataclasses.dataclass(frozen=True)
class ImportOptions:
    """The source of an import, its options and the folder to write.

    Args:
        format: str, a key of `FORMATS`.
        source: path of the folder of the data set as it was downloaded.
        output_dir: path of the folder to write to.
        split: str, start of the written folders' names. Defaults to
            `"train"`.
        source_split: str, the split of the source. Defaults to None, the one
            that the format has for `split`.
        photos: str, `"copy"`, or `"link"` for symbolic links to the source.
            Defaults to `"copy"`.
        things: tuple of str, names of the classes whose objects are counted.
            Defaults to None, those of the format.
        ignore: tuple of str, names of the classes whose pixels become pixels
            without a class. Defaults to None, those of the format.
        labels: str, `"cityscapes35"` or `"cityscapes19"`. Defaults to None,
            `"cityscapes35"`.
        version: str, `"v1.2"` or `"v2.0"` of Mapillary Vistas. Defaults to
            None, the newest that the source has.
        photo_dir: path of the photographs, from `source`. Defaults to None,
            that of the format.
        mask_dir: path of the masks, from `source`. Defaults to None, that of
            the format.
        mask_suffix: str, what names of masks have at their end, and names of
            photographs have not, such as `"_mask"`. Defaults to None, nothing.
        annotations: path of the JSON file, from `source`. Defaults to None,
            that of the format.
        color_table: path of the file with the colors and names of the classes,
            from `source`. Defaults to None, that of the format.
        tolerance: float >= 0, the largest Euclidean distance, in values of
            0..255, of a pixel's color from that of its class. Defaults to 0.
        unknown_colors: str, `"error"`, or `"ignore"` to make pixels of other
            colors pixels without a class. Defaults to `"error"`.
        names_file: path of a text file with the names of the scenes to import,
            one a line. Defaults to None, all.
        classes_file: path of a text file with the names of the classes, one a
            line, or of a `labels.json`. Defaults to None: the names that the
            source has, sorted.

    Raises:
        ValueError: if an option has a value that is not allowed, or the format
            does not take it.
    """

    format: str
    source: str
    output_dir: str
    split: str = "train"
    source_split: str | None = None
    photos: str = "copy"
    things: tuple | None = None
    ignore: tuple | None = None
    labels: str | None = None
    version: str | None = None
    photo_dir: str | None = None
    mask_dir: str | None = None
    mask_suffix: str | None = None
    annotations: str | None = None
    color_table: str | None = None
    tolerance: float = 0.0
    unknown_colors: str = "error"
    names_file: str | None = None
    classes_file: str | None = None

    def __post_init__(self):
        allowed = {
            "format": tuple(FORMATS),
            "photos": ("copy", "link"),
            "labels": (None, "cityscapes35", "cityscapes19"),
            "version": (None, "v1.2", "v2.0"),
            "unknown_colors": ("error", "ignore"),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                shown = ", ".join(filter(None, values))
                raise ValueError(
                    f"`{name}` must be one of {shown}. Received: "
                    f"{getattr(self, name)!r}"
                )
        if not 0 <= self.tolerance <= 442:
            raise ValueError(
                "`tolerance` must be in 0..442, the distance of black from "
                f"white. Received: {self.tolerance}"
            )
        _check_split(self.split)
        self._check_taken()

    def _check_taken(self):
        """Checks that the format takes every option that was given."""
        of_formats = {name for _, names in FORMATS.values() for name in names}
        taken = FORMATS[self.format][1]
        for field in dataclasses.fields(self):
            given = getattr(self, field.name) != field.default
            if given and field.name in of_formats and field.name not in taken:
                takers = [
                    f
                    for f, (_, names) in FORMATS.items()
                    if field.name in names
                ]
                raise ValueError(
                    f"The format {self.format} takes no `{field.name}`. "
                    f"Received: {getattr(self, field.name)!r}. Leave it out; "
                    f"formats with that option: {', '.join(takers)}."
                )


def _check_split(split):
    is_plain = split and not set(split) & set("/\\\0") and split[0] != "."
    if not is_plain:
        raise ValueError(
            "`split` must be the start of folders' names, such as train, "
            f"without slashes. Received: {split!r}"
        )
