"""Finding and checking the files of a paired data set."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib

import numpy as np
from absl import logging

from hdgan.checks import check_range
from hdgan.data.cityscapes_layout import (
    LABEL_END,
    TRAIN_LABEL_END,
    has_cityscapes_split,
    is_cityscapes_layout,
    list_cityscapes,
)
from hdgan.data.image_files import (
    ID_MAP_SUFFIXES,
    PHOTO_SUFFIXES,
    STYLE_MAP_SUFFIXES,
    has_transparency,
    list_images,
    read_id_map,
    read_orientation,
    read_palette,
    read_photo,
)
from hdgan.data.name_matching import match_files
from hdgan.progress_bar import make_progress_bar

_NARROW_INSTANCES = (
    "holds the id 255 in 8 bits: it may be a 16-bit instance map that was cut "
    "to 8 bits. Cityscapes' instance ids, such as 26001, need 16-bit PNG."
)
_DARK_INPUT = (
    "is gray and nearly black, as a map of class ids looks. If it is one, put "
    "it into the folder of label maps and give the number of classes."
)
_TRANSPARENT_PHOTO = (
    "has transparent pixels, whose hidden colors would be learned. Remove the "
    "alpha channel, or fill them."
)


@dataclasses.dataclass(frozen=True)
class SceneFiles:
    """A source of scenes in image files; each tuple has one path per scene.

    Args:
        inputs: tuple of paths of the label maps, or of RGB images.
        instance_maps: tuple of paths, or None.
        photos: tuple of paths, or None.
        style_maps: tuple of paths of RGB images, or None. Defaults to None.
        is_rgb: bool, whether `inputs` are RGB images. Defaults to False.

    Example:
        >>> scenes = find_scenes("data", "train")
        >>> scene = scenes.read(0)
        >>> photo = model.synthesize(
        ...     scene["label_map"], scene["instance_map"]
        ... )
    """

    inputs: tuple
    instance_maps: tuple | None
    photos: tuple | None
    style_maps: tuple | None = None
    is_rgb: bool = False

    def __len__(self):
        return len(self.inputs)

    @property
    def names(self):
        """The name of each scene's label map file, as a tuple of str."""
        return tuple(path.name for path in self.inputs)

    @property
    def columns(self):
        """The paths by kind, for the kinds that there are.

        A dict from `"label_map"`, `"instance_map"`, `"photo"` and
        `"style_map"` to tuples of paths.
        """
        columns = {
            "label_map": self.inputs,
            "instance_map": self.instance_maps,
            "photo": self.photos,
            "style_map": self.style_maps,
        }
        return {kind: paths for kind, paths in columns.items() if paths}

    def read(self, index):
        """Reads one scene at full size.

        Args:
            index: int, the position of the scene.

        Returns:
            Dict of NumPy arrays: `label_map`, int32 `(height, width)`, or uint8
            `(height, width, 3)` for RGB inputs; where there are such files also
            `instance_map`, int32 `(height, width)`, `photo` and `style_map`,
            uint8 `(height, width, 3)`.

        Raises:
            ValueError: naming the file, if it can't be read, or has another
                size than the label map.
        """
        scene = {}
        for kind, paths in self.columns.items():
            read = read_id_map if self.holds_ids(kind) else read_photo
            scene[kind] = read(paths[index])
            check_same_size(
                self.inputs[index],
                scene["label_map"].shape[:2],
                paths[index],
                scene[kind].shape[:2],
            )
        return scene

    def holds_ids(self, kind):
        """Returns whether files of a kind hold ids, and not colors.

        Args:
            kind: str, a key of `columns`.
        """
        if kind == "label_map":
            return not self.is_rgb
        return kind == "instance_map"

    def fingerprint(self):
        """Returns a hash of every file's path, time of change and size.

        Returns:
            Str of 64 hexadecimal digits.
        """
        digest = hashlib.sha256(repr(self.is_rgb).encode())
        for kind, paths in self.columns.items():
            digest.update(f"{kind}\n".encode())
            for path in paths:
                status = path.stat()
                changed, size = status.st_mtime_ns, status.st_size
                digest.update(f"{path.resolve()} {changed} {size}\n".encode())
        return digest.hexdigest()

    def take(self, count):
        """Returns the first `count` scenes."""
        return self.select(range(min(count, len(self))))

    def select(self, indices):
        """Returns the scenes at some positions, in the order given.

        Args:
            indices: iterable of int.
        """
        indices = list(indices)

        def choose(paths):
            return paths and tuple(paths[index] for index in indices)

        return SceneFiles(
            choose(self.inputs),
            choose(self.instance_maps),
            choose(self.photos),
            choose(self.style_maps),
            self.is_rgb,
        )


def find_scenes(
    data_dir,
    split="train",
    is_rgb=False,
    use_instances=True,
    use_photos=True,
    use_style_maps=False,
    pair_cores=False,
    labels=None,
):
    """Finds the scenes of a data set.

    The folders are `{split}_label`, `{split}_inst` and `{split}_img`. For RGB
    inputs they are `{split}_A` (input), `{split}_inst` and `{split}_B` (photo).
    Style maps are in `{split}_feat`.

    Cityscapes may also be as it is downloaded, with the folders `gtFine` and
    `leftImg8bit` and a folder for each city. Its style maps are in
    `{split}_feat`, too.

    Files belong together if their names agree, except for a shared start or end
    of all names in a folder (`_leftImg8bit`, `_gtFine_labelIds`): see
    `match_files`.

    Args:
        data_dir: path of the data set.
        split: str, start of the folders' names. Defaults to `"train"`.
        is_rgb: bool, whether inputs are RGB images instead of label maps.
            Defaults to False.
        use_instances: bool, whether to include instance maps. Defaults to True.
        use_photos: bool, whether to include photos. Defaults to True.
        use_style_maps: bool, whether to include style maps. Defaults to False.
        pair_cores: bool, as in `match_files`. Defaults to False.
        labels: `LabelSet`. Only Cityscapes as downloaded needs it: with the
            classes of `"cityscapes19"`, label maps are `*_labelTrainIds.png`.
            Defaults to None: `*_labelIds.png`.

    Returns:
        `SceneFiles`.

    Raises:
        ValueError: if a folder is missing or empty, or a file has no matching
            file.

    Example:
        >>> scenes = find_scenes("datasets/cityscapes", "train")
    """
    data_dir = pathlib.Path(data_dir)
    names = {"inputs": f"{split}_{'A' if is_rgb else 'label'}"}
    is_folder = is_rgb or (data_dir / names["inputs"]).is_dir()
    if not is_folder and is_cityscapes_layout(data_dir):
        scenes = _find_cityscapes(
            data_dir, split, use_instances, use_photos, labels
        )
        if use_style_maps:
            scenes = _add_style_maps(
                scenes, data_dir / f"{split}_feat", pair_cores
            )
        return scenes
    if use_instances:
        names["instance_maps"] = f"{split}_inst"
    if use_photos:
        names["photos"] = f"{split}_{'B' if is_rgb else 'img'}"
    if use_style_maps:
        names["style_maps"] = f"{split}_feat"
    missing = [n for n in names.values() if not (data_dir / n).is_dir()]
    if missing:
        present = (
            sorted(p.name for p in data_dir.iterdir() if p.is_dir())
            if data_dir.is_dir()
            else None
        )
        found = (
            "there is no such folder"
            if present is None
            else f"found the folders {', '.join(present) or '(none)'}"
        )
        advice = ""
        if missing == [f"{split}_inst"]:
            advice = " Without instance maps, pass --nouse_instances."
        if missing == [f"{split}_feat"]:
            advice = (
                " A model that was trained with --instance_feat or "
                "--label_feat writes it: python -m hdgan.tools.encode_styles "
                f"--model=MODEL --data_dir={data_dir} --split={split}"
            )
        raise ValueError(
            f"{data_dir}: {found}. Expected {', '.join(names.values())}; "
            f"missing: {', '.join(missing)}.{advice}"
        )
    return pair_files(
        **{kind: data_dir / name for kind, name in names.items()},
        is_rgb=is_rgb,
        pair_cores=pair_cores,
    )


def has_split(data_dir, split, kind="label"):
    """Returns whether a data set has files of a kind in a split.

    Args:
        data_dir: path of the data set.
        split: str, start of the folders' names.
        kind: str, end of the folder's name: `"label"`, `"inst"`, `"img"`,
            `"A"` or `"B"`. Defaults to `"label"`.
    """
    if (pathlib.Path(data_dir) / f"{split}_{kind}").is_dir():
        return True
    is_known = kind in ("label", "inst", "img")
    return is_known and has_cityscapes_split(data_dir, split)


def _find_cityscapes(data_dir, split, use_instances, use_photos, labels):
    """Finds the scenes of Cityscapes as it is downloaded."""
    # Preprocessing is built upon this department.
    from hdgan.preprocessing.named_label_sets import NAMED_LABEL_SETS

    trained = [name for name, _ in NAMED_LABEL_SETS["cityscapes19"]]
    is_trained = labels is not None and (
        list(labels.names[: len(trained)]) == trained
    )
    end = TRAIN_LABEL_END if is_trained else LABEL_END
    found = list_cityscapes(data_dir, split, end)
    kinds = {"label map": True, "instance map": use_instances}
    kinds["photograph"] = use_photos
    columns = []
    paths = zip(*found.values(), strict=True)
    for (kind, is_used), column in zip(kinds.items(), paths, strict=True):
        missing = [n for n, path in zip(found, column, strict=True) if not path]
        if missing and is_used:
            advice = ""
            if kind == "instance map":
                advice = " Without instance maps, pass --nouse_instances."
            raise ValueError(
                f"{data_dir}: {len(missing)} of {len(found)} scenes of the "
                f"split {split} have no {kind}, such as {missing[0]}. Add the "
                f"files, or remove the others of these scenes.{advice}"
            )
        columns.append(column if is_used else None)
    return SceneFiles(*columns)


def _add_style_maps(scenes, folder, pair_cores):
    """Returns scenes with the style maps of a folder."""
    files = list_images(folder, STYLE_MAP_SUFFIXES)
    style_maps = match_files(list(scenes.inputs), files, pair_cores)
    return dataclasses.replace(scenes, style_maps=tuple(style_maps))


def pair_files(
    inputs,
    instance_maps=None,
    photos=None,
    style_maps=None,
    is_rgb=False,
    list_files=list_images,
    pair_cores=False,
):
    """Matches the files of up to four folders by name.

    Args:
        inputs: path of a folder of label maps, or of RGB images.
        instance_maps: path of a folder. Defaults to None.
        photos: path of a folder. Defaults to None.
        style_maps: path of a folder of RGB images in PNG. Defaults to None.
        is_rgb: bool, whether `inputs` holds RGB images. Defaults to False.
        list_files: function with the arguments and result of `list_images`.
            Defaults to `list_images`.
        pair_cores: bool, as in `match_files`. Defaults to False.

    Returns:
        `SceneFiles`.

    Raises:
        ValueError: if a folder is missing or empty, a file has no matching
            file, or two files differ in their ending alone.
    """
    folders = {
        "inputs": (inputs, PHOTO_SUFFIXES if is_rgb else ID_MAP_SUFFIXES),
        "instance_maps": (instance_maps, ID_MAP_SUFFIXES),
        "photos": (photos, PHOTO_SUFFIXES),
        "style_maps": (style_maps, STYLE_MAP_SUFFIXES),
    }
    columns = {
        kind: list_files(folder, suffixes)
        for kind, (folder, suffixes) in folders.items()
        if folder is not None
    }
    first = columns["inputs"]
    counts = collections.Counter(file.stem for file in first)
    twice = [str(file) for file in first if counts[file.stem] > 1]
    if twice:
        raise ValueError(
            f"These files differ in their ending alone: "
            f"{', '.join(twice[:4])}. Results are named after them: remove or "
            "rename all but one of each."
        )
    paired = {
        kind: tuple(match_files(first, files, pair_cores))
        for kind, files in columns.items()
        if kind != "inputs"
    }
    return SceneFiles(
        tuple(first),
        paired.get("instance_maps"),
        paired.get("photos"),
        paired.get("style_maps"),
        is_rgb,
    )


def check_scenes(scenes, num_classes, ignore_ids=()):
    """Checks every file of a data set before training, with a progress bar.

    Each file must be readable, label ids must be below the number of classes,
    and the files of a scene must have the same size.

    Args:
        scenes: `SceneFiles`.
        num_classes: int, ignored for RGB inputs.
        ignore_ids: sequence of int, ids of pixels without a class. Defaults to
            none.

    Returns:
        List of each scene's `(height, width)`.

    Raises:
        ValueError: naming the first file, in the data set's order, that does
            not fit, what was found and how to fix it.
    """
    progress = make_progress_bar(len(scenes))
    sizes = []
    doubts = {}
    palettes = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = pool.map(
            lambda index: _check_scene(scenes, index, num_classes, ignore_ids),
            range(len(scenes)),
        )
        try:
            for index, (size, found, palette) in enumerate(checks):
                sizes.append(size)
                _compare_palettes(palettes, palette, scenes.inputs[index])
                # The first file of each kind of doubt.
                doubts = {**found, **doubts}
                progress.add(1)
        except ValueError:
            pool.shutdown(cancel_futures=True)
            print()  # So that the error gets its own line, below the bar.
            raise
    for doubt, path in doubts.items():
        logging.warning("%s %s", path, doubt)
    return sizes


def _check_scene(scenes, index, num_classes, ignore_ids):
    """Returns a scene's size, its doubts and the palette of its label map.

    The doubts are a dict from what is doubtful to its file.
    """
    scene = scenes.read(index)
    path, label_map = scenes.inputs[index], scene["label_map"]
    doubts, palette = {}, {}
    if not scenes.is_rgb:
        palette = read_palette(path, label_map)
        _check_label_ids(path, label_map, num_classes, ignore_ids)
    elif _looks_like_ids(label_map):
        doubts[_DARK_INPUT] = path
    if "instance_map" in scene:
        path, instance_map = scenes.instance_maps[index], scene["instance_map"]
        check_range(
            str(path),
            instance_map,
            2**31 - 1,
            "instance ids",
            "Give pixels without an instance the id 0.",
        )
        if instance_map.max() == 255:
            doubts[_NARROW_INSTANCES] = path.parent
    if "photo" in scene and has_transparency(scenes.photos[index]):
        doubts[_TRANSPARENT_PHOTO] = scenes.photos[index]
    return label_map.shape[:2], doubts, palette


def _compare_palettes(known, palette, path):
    """Checks that a color has the same id in the palettes of all label maps.

    Args:
        known: dict from a color to its id and file, which is extended.
        palette: dict from a color to its id.
        path: the label map.
    """
    for color, value in palette.items():
        first_value, first = known.setdefault(color, (value, path))
        if value != first_value:
            raise ValueError(
                f"{path} has the color {color} at index {value} of its "
                f"palette, and {first} at index {first_value}. The indices are "
                "the class ids, so the same class would have two ids. Save all "
                "label maps with one palette, or as gray images of ids."
            )


def _looks_like_ids(image):
    """Returns whether an RGB input is gray and nearly black."""
    return bool((image == image[..., :1]).all()) and image.max() < 64


def _check_label_ids(path, label_map, num_classes, ignore_ids):
    ids = label_map
    if ignore_ids:
        ids = np.where(np.isin(ids, ignore_ids), 0, ids)
    if ids.min() >= 0 and ids.max() < num_classes:
        return
    # Only now: finding the ids takes longer than reading the map.
    advice = _advise_on_ids(ids, num_classes)
    check_range(str(path), ids, num_classes - 1, "label ids", advice)


def _advise_on_ids(ids, num_classes):
    """Returns how to fix ids that are no classes, in a sentence or two."""
    wrong = np.unique(ids[(ids < 0) | (ids >= num_classes)])
    if set(wrong) <= {-1, 255}:
        names = " and ".join(map(str, wrong))
        mask = (
            " If the map is a mask of 0 and 255, save 1 in place of 255."
            if set(np.unique(ids)) == {0, 255}
            else ""
        )
        return (
            f"Where {names} means pixels without a class, pass --ignore_ids="
            f"{','.join(map(str, wrong))}, which gives them a class of their "
            f"own.{mask}"
        )
    return (
        f"The model has {num_classes} classes: correct the map, or train with "
        f"{ids.max() + 1} classes or more (--label_nc or labels.json)."
    )


def check_same_size(path, size, other, other_size):
    """Checks that two files of a scene have the same size.

    Args:
        path: path of the first file.
        size: `(height, width)` in pixels of its image.
        other: path of the second file, an image.
        other_size: `(height, width)` in pixels of it, turned upright.

    Raises:
        ValueError: naming both files, if the sizes differ.
    """
    if size == other_size:
        return
    found = f"{other} is {_describe(other_size)} pixels (width x height)"
    orientation = read_orientation(other)
    if orientation > 1:
        found += f", turned upright by its EXIF orientation {orientation}"
    advice = "resize one (photos by any method, maps by nearest neighbor)"
    if orientation > 4 and size == other_size[::-1]:
        advice = (
            "the map fits the pixels before that turn. Turn the map likewise, "
            "or remove the orientation from the file if its pixels are upright"
        )
    raise ValueError(
        f"{found}, but {path} is {_describe(size)}. Expected the same size: "
        f"{advice}."
    )


def _describe(size):
    return f"{size[1]}x{size[0]}"
