"""Finding and checking the files of a paired data set."""

import collections
import dataclasses
import hashlib
import pathlib

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
from hdgan.data.records.record_folder import has_records
from hdgan.data.records.record_scenes import RecordScenes
from hdgan.data.scene_source import SceneSource

# The kind in records of what a folder of this ending holds.
_RECORD_KINDS = {
    "label": "label_map",
    "A": "label_map",
    "inst": "instance_map",
    "img": "photo",
    "B": "photo",
}
_JPEG = b"\xff\xd8\xff"


@dataclasses.dataclass(frozen=True)
class SceneFiles(SceneSource):
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
        return tuple(path.name for path in self.inputs)

    @property
    def kinds(self):
        return tuple(self.columns)

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

    def place(self, index, kind="label_map"):
        return str(self.columns[kind][index])

    def read_jpeg(self, index, kind):
        with self.columns[kind][index].open("rb") as file:
            start = file.read(len(_JPEG))
            return start + file.read() if start == _JPEG else None

    def read_palette(self, index, label_map):
        return read_palette(self.inputs[index], label_map)

    def has_transparency(self, index):
        return has_transparency(self.photos[index])

    def fingerprint(self):
        # Of every file's path, time of change and size.
        digest = hashlib.sha256(repr(self.is_rgb).encode())
        for kind, paths in self.columns.items():
            digest.update(f"{kind}\n".encode())
            for path in paths:
                status = path.stat()
                changed, size = status.st_mtime_ns, status.st_size
                digest.update(f"{path.resolve()} {changed} {size}\n".encode())
        return digest.hexdigest()

    def select(self, indices):
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

    Records that `hdgan build_records` wrote are in the folder `{split}`.

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
        `SceneSource`: `SceneFiles`, or `RecordScenes`.

    Raises:
        ValueError: if a folder is missing or empty, or a file has no matching
            file.

    Example:
        >>> scenes = find_scenes("datasets/cityscapes", "train")
    """
    data_dir = pathlib.Path(data_dir)
    if has_records(data_dir, split):
        wanted = ["label_map"]
        wanted += ["instance_map"] * use_instances + ["photo"] * use_photos
        wanted += ["style_map"] * use_style_maps
        scenes = RecordScenes(data_dir / split, tuple(wanted))
        if scenes.is_rgb != is_rgb:
            raise ValueError(
                f"{scenes.folder} holds records with "
                f"{'RGB images' if scenes.is_rgb else 'label maps'}, but "
                f"{'label maps' if scenes.is_rgb else 'RGB images'} were "
                "expected. Change `label_nc` (0 for RGB input)."
            )
        return scenes
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
    if has_records(data_dir, split):
        scenes = RecordScenes(pathlib.Path(data_dir) / split)
        return _RECORD_KINDS[kind] in scenes.kinds
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
