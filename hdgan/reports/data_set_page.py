"""The HTML page of a data set's check."""

import itertools

import numpy as np

from hdgan.data.image_files import read_id_map, read_photo
from hdgan.layers import BoundaryMap
from hdgan.preprocessing.label_set import LabelSet
from hdgan.reports import tables
from hdgan.reports.page import write_page

_NUM_SAMPLES = 4
_NUM_FILES = 5
_WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}


def write_data_set_page(path, check, command):
    """Writes the page, with samples of the scenes.

    Args:
        path: path of the page.
        check: `hdgan.data.checking.data_set_check.DataSetCheck`.
        command: str, the command to train with.

    Raises:
        OSError: if a file can't be written.
    """
    labels = check.labels or LabelSet.numbered(_count_classes(check))
    body = tables.heading("Problems") + _findings(check)
    body += tables.heading("Command to train with") + tables.code(command)
    for split in check.splits:
        body += _classes(check, split, labels) + _files(check, split)
    sections = [
        section
        for split, scenes in check.splits.items()
        for section in _samples(split, scenes, labels)
    ]
    write_page(
        path,
        f"Data set {check.data_dir.name}",
        verdict(check),
        sections,
        labels,
        body=body,
    )


def verdict(check):
    """Returns the result of a check in a sentence.

    Args:
        check: `DataSetCheck`.
    """
    scenes = ", ".join(
        f"{len(scenes)} scenes in {split}"
        for split, scenes in check.splits.items()
    )
    counts = [
        f"{count} {severity}{'s' * (count > 1)}"
        for severity in _WORDS
        if (count := sum(f.severity == severity for f in check.findings))
    ]
    result = "Ready to train" if check.is_ready else "Training would go wrong"
    return f"{result}: {', '.join(counts) or 'no problems'}; {scenes}."


def _findings(check):
    if not check.findings:
        return tables.paragraph("None.")
    rows = [
        [
            _WORDS[finding.severity],
            finding.title,
            finding.fix,
            _list_files(finding),
        ]
        for finding in check.findings
    ]
    return tables.table(["", "Problem", "Fix", "Files"], rows, "facts")


def _list_files(finding):
    more = finding.count - _NUM_FILES
    shown = ", ".join(finding.files[:_NUM_FILES])
    return f"{shown}, and {more} more" if more > 0 else shown


def _classes(check, split, labels):
    counts = check.count_ids(split)
    total = sum(pixels for pixels, _ in counts.values())
    if not total:
        return ""
    rows = []
    for label in sorted({*range(len(labels)), *counts}):
        pixels, scenes = counts.get(label, (0, 0))
        known = 0 <= label < len(labels)
        rows.append(
            [
                f"{label} {labels.names[label] if known else '(no class)'}",
                f"{pixels / total:.3%}",
                str(scenes),
                # The root shows rare classes beside frequent ones.
                tables.bars([float(np.sqrt(pixels / total))]),
            ]
        )
    return tables.heading(
        f"Classes of {split}", "Bars are the roots of the shares of pixels."
    ) + tables.table(["Class", "Pixels", "Scenes", ""], rows)


def _files(check, split):
    counts = {}
    for facts in check.splits[split]:
        for file in facts.files.values():
            size = "" if file.size is None else f"{file.size[1]}x{file.size[0]}"
            key = file.kind, file.mode or "no image", size or "not read"
            counts[key] = counts.get(key, 0) + 1
    rows = [
        [kind.replace("_", " "), mode, size, str(count)]
        for (kind, mode, size), count in sorted(
            counts.items(), key=lambda entry: (entry[0][0], -entry[1])
        )
    ]
    more = len(rows) - 30
    note = f"And {more} kinds more." if more > 0 else ""
    return tables.heading(f"Files of {split}", note) + tables.table(
        ["Files", "Pixels", "Width x height", "Count"], rows[:30], "facts"
    )


def _samples(split, scenes, labels):
    """Yields sections with pictures of scenes from all over the split."""
    good = [facts for facts in scenes if facts.is_readable]
    step = max(len(good) // _NUM_SAMPLES, 1)
    for facts in itertools.islice(good[::step], _NUM_SAMPLES):
        files = facts.files
        label_map = read_id_map(files["label_map"].path)
        regions = label_map
        if "instance_map" in files:
            regions = read_id_map(files["instance_map"].path)
        pictures = {"Label map": _colorize(label_map, labels)}
        name = files["label_map"].path.stem
        if "photo" in files:
            photo = read_photo(files["photo"].path)
            if photo.shape[:2] == regions.shape == label_map.shape:
                pictures["Photo with the boundary map"] = _draw_boundary(
                    photo, regions
                )
            pictures["Photo"] = photo
        yield f"{split}: {name}", f"{split}-{name}", pictures


def _colorize(label_map, labels):
    """Shows ids without a class in black."""
    label_map = labels.replace_ignored(label_map)
    is_class = (label_map >= 0) & (label_map < len(labels))
    colors = labels.colorize(np.where(is_class, label_map, 0))
    return np.where(is_class[..., None], colors, np.uint8(0))


def _draw_boundary(photo, regions):
    boundary = np.asarray(BoundaryMap()(regions[None]))[0] > 0
    return np.where(boundary, np.uint8([255, 0, 80]), photo)


def _count_classes(check):
    if check.label_nc:
        return check.label_nc
    ids = {k for split in check.splits for k in check.count_ids(split)}
    return max((k for k in ids if k != 255), default=0) + 1
