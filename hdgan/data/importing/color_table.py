"""Masks that show classes in colors: reading the table and the masks."""

import re

import numpy as np

from hdgan.data.image_files import read_photo
from hdgan.data.importing.class_table import VOID, SourceClass
from hdgan.data.importing.source import read_field, read_json, read_text

_NUMBERS = r"(\d+)[\s,]+(\d+)[\s,]+(\d+)"
_COLOR_FIRST = re.compile(rf"{_NUMBERS}[\s,]+(\S.*)")
# Also `name:r,g,b::`, as CVAT writes it.
_NAME_FIRST = re.compile(rf"(.*?\S)\s*[\s,:;]\s*{_NUMBERS}[\s,:;]*")
# Colors that are compared at once, which bounds the memory.
_CHUNK = 4096


def read_color_table(path):
    """Reads the classes and their colors.

    Args:
        path: path of a text file with one class a line, `64 128 64 Animal` or
            `Animal,64,128,64` or, as CVAT writes it, `Animal:64,128,64::`;
            lines that begin with # are skipped, and so is a header without
            numbers. Or a JSON file `{"names": [...], "colors": [[r, g, b],
            ...]}`.

    Returns:
        List of `SourceClass`, in the order of the file.

    Raises:
        ValueError: naming the file and line, if it has another form.
    """
    if path.suffix.lower() == ".json":
        content = read_json(path)
        names = read_field(content, "names", list, path)
        colors = read_field(content, "colors", list, path)
        if len(names) != len(colors):
            raise ValueError(
                f"{path} has {len(names)} names, but {len(colors)} colors. "
                "Expected one color per name."
            )
        rows = list(zip(names, colors, strict=True))
    else:
        rows = _read_lines(path)
    if not rows:
        raise ValueError(f"{path} names no class. Expected one a line.")
    classes = []
    for number, (name, color) in enumerate(rows):
        is_color = len(color) == 3 and all(
            isinstance(value, int) and 0 <= value <= 255 for value in color
        )
        if not is_color:
            raise ValueError(
                f"{path} gives the class {name!r} the color {color}. Expected "
                "red, green and blue in 0..255."
            )
        classes.append(SourceClass(number, name, tuple(color)))
    _check_colors_differ(path, classes)
    return classes


def _read_lines(path):
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        line = line.strip()
        is_header = not rows and not re.search(r"\d", line)
        if not line or line.startswith("#") or is_header:
            continue
        if match := _COLOR_FIRST.fullmatch(line):
            *color, name = match.groups()
        elif match := _NAME_FIRST.fullmatch(line):
            name, *color = match.groups()
        else:
            raise ValueError(
                f"{path}, line {number}: {line[:60]!r} is no class. Expected "
                "'RED GREEN BLUE NAME' or 'NAME,RED,GREEN,BLUE'."
            )
        rows.append((name.strip(), [int(value) for value in color]))
    return rows


def _check_colors_differ(path, classes):
    name_of = {}
    for item in classes:
        other = name_of.setdefault(item.color, item.name)
        if other != item.name:
            raise ValueError(
                f"{path} gives {other!r} and {item.name!r} the same color, "
                f"{item.color}. Expected colors that tell classes apart."
            )


def read_color_mask(path, classes, table, tolerance, ignores_unknown):
    """Reads a mask of colors as labels.

    Each pixel has the class of the nearest color.

    Args:
        path: path of an image.
        classes: list of `SourceClass` of the color table.
        table: `ClassTable` of these classes.
        tolerance: float, the largest Euclidean distance of a pixel's color from
            its class's, in values of 0..255.
        ignores_unknown: bool, whether pixels beyond it have no class.

    Returns:
        int32 array `(height, width)` of labels and `VOID`.

    Raises:
        ValueError: naming the file and some of the colors, if pixels are beyond
            the tolerance and not ignored.
    """
    pixels = read_photo(path).astype("int32") @ np.array([65536, 256, 1])
    packed, numbers, counts = np.unique(
        pixels, return_inverse=True, return_counts=True
    )
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    nearest, distances = _find_nearest(colors, [c.color for c in classes])
    labels = table.convert(path, nearest)
    is_unknown = distances > tolerance
    if is_unknown.any():
        if not ignores_unknown:
            raise ValueError(
                _describe_unknown(
                    path, colors, counts, distances, is_unknown, tolerance
                )
            )
        labels[is_unknown] = VOID
    return labels[numbers].reshape(pixels.shape)


def _find_nearest(colors, known):
    """Returns the index of the nearest known color, and its distance."""
    nearest = np.empty(len(colors), "int32")
    squares = np.empty(len(colors), "int64")
    known = np.asarray(known)
    for start in range(0, len(colors), _CHUNK):
        part = slice(start, start + _CHUNK)
        square = np.square(colors[part, None] - known).sum(axis=-1)
        nearest[part] = square.argmin(axis=1)
        squares[part] = square.min(axis=1)
    return nearest, np.sqrt(squares)


def _describe_unknown(path, colors, counts, distances, is_unknown, tolerance):
    total = counts[is_unknown].sum()
    order = np.flatnonzero(is_unknown)
    order = order[np.argsort(-counts[order], kind="stable")][:4]
    shown = ", ".join(
        f"({', '.join(map(str, colors[k]))}) in {counts[k]} pixels"
        for k in order
    )
    return (
        f"{path} has {total} pixels ({100 * total / counts.sum():.3g}%) whose "
        f"color is further than {tolerance:g} from those of all classes: "
        f"{shown}. The furthest is {distances.max():.0f} away. Add their "
        "classes to the color table; for masks in JPEG raise --tolerance; or "
        "pass --unknown_colors=ignore, which leaves these pixels without a "
        "class."
    )
