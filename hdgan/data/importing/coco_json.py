"""COCO's JSON files: categories, images and annotations."""

import collections
import pathlib

from hdgan.data.importing.class_table import SourceClass
from hdgan.data.importing.source import (
    find_file,
    find_folder,
    read_field,
    read_json,
)

_SPLITS = {"train": "train2017", "val": "val2017", "test": "val2017"}


class CocoFile:
    """A JSON file of COCO, with its images and annotations by id.

    Args:
        path: path of the file.

    Raises:
        ValueError: naming the file, if it is damaged.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        content = read_json(path)
        self.categories = read_field(content, "categories", list, path)
        self.images = {}
        for image in read_field(content, "images", list, path):
            read_field(image, "file_name", str, path)
            self.images[read_field(image, "id", (int, str), path)] = image
        self.annotations = collections.defaultdict(list)
        for annotation in read_field(content, "annotations", list, path):
            image_id = read_field(annotation, "image_id", (int, str), path)
            self.annotations[image_id].append(annotation)
        unknown = [k for k in self.annotations if k not in self.images]
        if unknown:
            raise ValueError(
                f"{path} has annotations of the image {unknown[0]}, which is "
                "not among its images. The file is incomplete: replace it."
            )

    def make_classes(self, default_is_thing):
        """Returns the list of `SourceClass` of the categories, by their ids.

        Args:
            default_is_thing: bool, for categories without `isthing`.
        """
        classes = []
        for category in self.categories:
            number = read_field(category, "id", int, self.path)
            if number < 0 or number > 10**6:
                raise ValueError(
                    f"{self.path} has the category id {number}. Expected "
                    "0..1000000. Correct the file."
                )
            color = None
            if category.get("color") is not None:
                color = tuple(read_field(category, "color", list, self.path))
            classes.append(
                SourceClass(
                    number,
                    read_field(category, "name", str, self.path),
                    color,
                    bool(category.get("isthing", default_is_thing)),
                )
            )
        if len({c.source_id for c in classes}) < len(classes):
            raise ValueError(
                f"{self.path} has two categories of one id. Correct the file."
            )
        return sorted(classes, key=lambda c: c.source_id)


def find_coco_split(options):
    """Returns the name of COCO's folder of a split, such as `"val2017"`."""
    return options.source_split or _SPLITS.get(options.split, options.split)


def find_photos(options, split):
    """Returns the folder of the photographs of a split."""
    source = pathlib.Path(options.source)
    if options.photo_dir is not None:
        return find_folder(source / options.photo_dir)
    return find_folder(
        source / split,
        source / "images" / split,
        advice="Give the folder of the photographs with --photo_dir.",
    )


def find_annotations(options, *names):
    """Returns the path of the JSON file.

    Args:
        options: `ImportOptions`.
        *names: str, where it is by default, from the source.
    """
    source = pathlib.Path(options.source)
    if options.annotations is not None:
        names = [options.annotations]
    return find_file(
        *(source / name for name in names),
        advice="Give the file with --annotations.",
    )
