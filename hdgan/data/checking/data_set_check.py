"""The check of a whole data set."""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib

import numpy as np

from hdgan.data.checking.findings import (
    Finding,
    find_problems,
    is_void_id,
    make_finding,
)
from hdgan.data.checking.scene_facts import read_facts
from hdgan.data.cityscapes_layout import (
    has_cityscapes_split,
    list_cityscapes,
)
from hdgan.data.image_files import (
    ID_MAP_SUFFIXES,
    PHOTO_SUFFIXES,
    list_images,
)
from hdgan.data.name_matching import pair_by_name
from hdgan.data.records.record_folder import has_records
from hdgan.progress_bar import make_progress_bar

_KINDS = {
    "label_map": ("label", ID_MAP_SUFFIXES),
    "instance_map": ("inst", ID_MAP_SUFFIXES),
    "photo": ("img", PHOTO_SUFFIXES),
}
_SEVERITIES = ("error", "warning", "note")


@dataclasses.dataclass
class DataSetCheck:
    """The result of the check.

    Attributes:
        data_dir: path of the data set.
        labels: `LabelSet`, or None if the classes have no names.
        label_nc: int, number of classes; None if it is not known.
        splits: dict from the name of a split to its list of `SceneFacts`.
        findings: list of `Finding`, errors first.
        flags: list of str, the flags to train with.
    """

    data_dir: pathlib.Path
    labels: object
    label_nc: int | None
    splits: dict
    findings: list
    flags: list

    @property
    def is_ready(self):
        """bool, whether training would run and learn what it should."""
        return all(f.severity != "error" for f in self.findings)

    def count_ids(self, split):
        """Returns a dict from each label id to its pixels and its scenes.

        Args:
            split: str.
        """
        pixels, scenes = collections.Counter(), collections.Counter()
        for facts in self.splits[split]:
            pixels.update(facts.id_counts)
            scenes.update(facts.id_counts.keys())
        return {k: (pixels[k], scenes[k]) for k in sorted(pixels)}


def check_data_set(data_dir, labels=None, label_nc=None, pair_cores=False):
    """Checks all splits of a data set, in parallel, with a progress bar.

    Args:
        data_dir: path of the data set, with folders such as `train_label`,
            `train_inst` and `train_img`.
        labels: `LabelSet`, or None if the classes have no names.
        label_nc: int, number of classes. Defaults to None: those of `labels`,
            or found in the maps.
        pair_cores: bool, as in `match_files`. Defaults to False.

    Returns:
        `DataSetCheck`. Problems of the files are findings, no errors.

    Raises:
        ValueError: if there is no folder of label maps.
    """
    data_dir = pathlib.Path(data_dir)
    names = _find_splits(data_dir)
    ignore_ids = ()
    if labels is not None:
        ignore_ids = labels.ignore_ids
        label_nc = len(labels) - bool(ignore_ids)
    findings, jobs = [], []
    for name in names:
        scenes, found = _list_scenes(data_dir, name, pair_cores)
        findings += found
        jobs += [(name, paths) for paths in scenes]
    splits = {name: [] for name in names}
    progress = make_progress_bar(max(len(jobs), 1))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(read_facts, [paths for _, paths in jobs])
        for (name, _), facts in zip(jobs, results, strict=True):
            splits[name].append(facts)
            progress.add(1)
    for name, scenes in splits.items():
        findings += find_problems(name, scenes, labels, label_nc, ignore_ids)
    findings += _shared_between_splits(splits)
    findings.sort(key=lambda finding: _SEVERITIES.index(finding.severity))
    check = DataSetCheck(data_dir, labels, label_nc, splits, findings, [])
    check.flags = _suggest_flags(check, ignore_ids, pair_cores)
    return check


def _find_splits(data_dir):
    folders = []
    if data_dir.is_dir():
        folders = sorted(
            path.name for path in data_dir.iterdir() if path.is_dir()
        )
    names = [f.removesuffix("_label") for f in folders if f.endswith("_label")]
    if not names:
        names = [
            split
            for split in ("train", "val")
            if has_cityscapes_split(data_dir, split)
        ]
    if not names and any(has_records(data_dir, split) for split in folders):
        raise ValueError(
            f"{data_dir} holds records, whose scenes are checked when a "
            "training starts. Check the folder that they were built from."
        )
    if not names:
        found = ", ".join(folders) or "none"
        raise ValueError(
            f"{data_dir} has no folder of label maps, such as train_label. Its "
            f"folders: {found}. To convert a data set of another layout: hdgan "
            "import_dataset."
        )
    # The training scenes first.
    return sorted(names, key=lambda name: (name != "train", name))


def _list_scenes(data_dir, split, pair_cores):
    """Returns the paths of each scene, and what is wrong with the folders."""
    if not (data_dir / f"{split}_label").is_dir():
        return _list_downloaded(data_dir, split)
    files, findings = {}, []
    for kind, (ending, suffixes) in _KINDS.items():
        folder = data_dir / f"{split}_{ending}"
        if not folder.is_dir():
            findings += _missing_folder(split, kind, folder)
            continue
        try:
            files[kind] = list_images(folder, suffixes)
        except ValueError as error:
            findings.append(
                Finding("error", f"{split}: A folder can't be read", str(error))
            )
    if "label_map" not in files:
        return [], findings
    scenes = {path: {"label_map": path} for path in files["label_map"]}
    for kind in ("instance_map", "photo"):
        if kind not in files:
            continue
        pairing = pair_by_name(files["label_map"], files[kind], pair_cores)
        if pairing.alone:
            findings.append(
                make_finding(
                    "error",
                    f"{split}: {{n}} files have no partner in "
                    f"{split}_label and {split}_{_KINDS[kind][0]}",
                    "Add the missing files, remove these, or rename them to "
                    "match.",
                    pairing.alone,
                )
            )
        if pairing.doubt:
            findings.append(
                Finding(
                    "error",
                    f"{split}: Pairs may show different scenes",
                    pairing.doubt,
                )
            )
        partners = dict(pairing.pairs)
        scenes = {
            path: {**paths, kind: partners[path]} if path in partners else paths
            for path, paths in scenes.items()
        }
    return list(scenes.values()), findings


def _list_downloaded(data_dir, split):
    """Lists the scenes of Cityscapes as it is downloaded."""
    scenes, alone = [], []
    for paths in list_cityscapes(data_dir, split).values():
        found = {k: p for k, p in zip(_KINDS, paths, strict=True) if p}
        if len(found) < len(_KINDS):
            alone += found.values()
        if "label_map" in found:
            scenes.append(found)
    findings = []
    if alone:
        findings.append(
            make_finding(
                "error",
                f"{split}: {{n}} files belong to scenes without a label map, "
                "instance map or photograph",
                "Download or unpack the missing files, or remove these.",
                alone,
            )
        )
    return scenes, findings


def _missing_folder(split, kind, folder):
    if kind == "photo":
        severity = "error" if split == "train" else "note"
        yield Finding(
            severity,
            f"{split}: There is no folder {folder.name}",
            "Training needs a photograph for each label map.",
        )
    elif kind == "instance_map":
        yield Finding(
            "note",
            f"{split}: There is no folder {folder.name}",
            "Without instance maps, train with --nouse_instances.",
        )


def _shared_between_splits(splits):
    """Finds photographs and label maps that are in two splits."""
    first = {}
    shared = collections.defaultdict(list)
    for split, scenes in splits.items():
        for facts in scenes:
            file = facts.files.get("photo", facts.files["label_map"])
            if file.digest is None:
                continue
            other, path = first.setdefault(file.digest, (split, file.path))
            if other != split:
                shared[other, split].append((path, file.path))
    for (one, other), pairs in shared.items():
        paths = [path for pair in pairs for path in pair]
        yield Finding(
            "error",
            f"{len(pairs)} scenes are in both {one} and {other}",
            f"Such as {pairs[0][0].name} and {pairs[0][1].name}. What is "
            "measured on scenes of the training says nothing about others. "
            f"Remove them from {other}.",
            tuple(map(str, paths[:20])),
            len(paths),
        )


def _suggest_flags(check, ignore_ids, pair_cores):
    """Returns the flags to train on the first split with."""
    split = next(iter(check.splits))
    scenes = check.splits[split]
    flags = [f"--data_dir={check.data_dir}"]
    ids = set(check.count_ids(split)) - set(ignore_ids)
    void = [k for k in sorted(ids) if is_void_id(k, ids, check.label_nc)]
    if check.labels is None:
        largest = max((k for k in ids if k not in void), default=0)
        flags.append(f"--label_nc={check.label_nc or largest + 1}")
    if void:
        flags.append(f"--ignore_ids={','.join(map(str, void))}")
    if not any("instance_map" in facts.files for facts in scenes):
        flags.append("--nouse_instances")
    flags += _suggest_size(scenes)
    if pair_cores:
        flags.append("--pair_cores")
    return flags


def _suggest_size(scenes):
    """Suggests a width, and a mode that does not distort."""
    sizes = collections.Counter(
        file.size
        for facts in scenes
        for file in facts.files.values()
        if file.kind == "label_map" and file.size
    )
    if not sizes:
        return []
    _, width = sizes.most_common(1)[0][0]
    # Widths that four halvings divide; larger ones need more memory than most
    # GPUs have.
    load_size = int(np.clip(width // 32 * 32, 32, 1024))
    flags = [f"--load_size={load_size}"]
    heights = {load_size * h // w for h, w in sizes}
    if len(heights) == 1:
        return [*flags, "--resize_mode=scale_width"]
    crop = min(*heights, load_size) // 32 * 32
    if crop < 64:
        return [*flags, "--resize_mode=scale_width"]
    return [
        *flags,
        "--resize_mode=scale_width_and_crop",
        f"--crop_size={crop}",
    ]
