"""What the facts about a data set's files mean for training."""

import collections
import dataclasses

# Fewer pixels than this share of all, or fewer scenes than this number.
_RARE_SHARE = 1e-4
_RARE_SCENES = 5
_MIN_SIDE = 32
# Ids that most data sets give pixels without a class.
_VOID_IDS = (-1, 255)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem of a data set.

    Attributes:
        severity: `"error"`, training would fail or learn something wrong;
            `"warning"`, it may; or `"note"`.
        title: str, what was found.
        fix: str, what to do.
        files: tuple of str, files that show it.
        count: int, how many files do.
    """

    severity: str
    title: str
    fix: str
    files: tuple = ()
    count: int = 0


def find_problems(split, scenes, labels, label_nc, ignore_ids):
    """Returns the problems of the scenes of a split.

    Args:
        split: str, its name.
        scenes: list of `SceneFacts`.
        labels: `LabelSet`, or None.
        label_nc: int, number of classes; None if it is not known.
        ignore_ids: sequence of int, ids of pixels without a class.

    Returns:
        List of `Finding`.
    """
    found = [
        *_unreadable(scenes),
        *_sizes(scenes),
        *_label_ids(scenes, label_nc, ignore_ids),
        *_palettes(scenes),
        *_classes(scenes, labels, label_nc, ignore_ids),
        *_instances(scenes, labels),
        *_photos(scenes),
        *_duplicates(scenes),
    ]
    return [
        dataclasses.replace(finding, title=f"{split}: {finding.title}")
        for finding in found
    ]


def make_finding(severity, title, fix, files):
    """Returns a finding with the first files that show it.

    Args:
        severity: str, as in `Finding`.
        title: str, in which `{n}` is the number of files.
        fix: str.
        files: list of paths.
    """
    return Finding(
        severity,
        title.format(n=len(files)),
        fix,
        tuple(str(path) for path in files[:20]),
        len(files),
    )


def _unreadable(scenes):
    colors, others = collections.defaultdict(list), []
    for scene in scenes:
        for kind, file in scene.files.items():
            if file.error is None:
                continue
            if file.colors:
                colors[kind].append(file.path)
            else:
                others.append(file)
    for kind, paths in colors.items():
        name = "label" if kind == "label_map" else "instance"
        yield make_finding(
            "error",
            f"{{n}} {name} maps show ids as colors",
            "Convert the colors to ids: hdgan import_dataset "
            "--format=color_masks, with a table of the colors."
            if kind == "label_map"
            else "Save the instance ids as one channel of 16 bits. Without "
            "instance maps, train with --nouse_instances.",
            paths,
        )
    for file in others:
        yield make_finding(
            "error", "A file can't be read", file.error, [file.path]
        )


def _sizes(scenes):
    small = []
    for scene in scenes:
        sizes = {f.size for f in scene.files.values() if f.size is not None}
        if len(sizes) > 1:
            shown = ", ".join(
                f"{file.path.name} {file.size[1]}x{file.size[0]}"
                for file in scene.files.values()
                if file.size
            )
            yield make_finding(
                "error",
                "The files of a scene differ in size",
                f"Found {shown} (width x height). Resize one: photos by any "
                "method, maps by nearest neighbor.",
                [file.path for file in scene.files.values()],
            )
        elif sizes and min(next(iter(sizes))) < _MIN_SIDE:
            small.append(next(iter(scene.files.values())).path)
    if small:
        yield make_finding(
            "warning",
            f"{{n}} scenes are less than {_MIN_SIDE} pixels high or wide",
            "Networks pad them. Remove them, or scale the data set up.",
            small,
        )


def _label_ids(scenes, label_nc, ignore_ids):
    """Finds ids without a class, and masks of 0 and 255."""
    by_id = collections.defaultdict(list)
    for scene in scenes:
        for value in scene.id_counts:
            by_id[value].append(scene.files["label_map"].path)
    if set(by_id) == {0, 255} and label_nc in (None, 2):
        yield make_finding(
            "error",
            "The label maps are masks of 0 and 255",
            "Make 255 the class 1: hdgan import_dataset --format=color_masks, "
            "with black and white in the table of colors. Where 255 means "
            "pixels without a class: --ignore_ids=255.",
            by_id[255],
        )
        return
    for value in sorted(by_id):
        if value in ignore_ids or _is_class(value, by_id, label_nc, ignore_ids):
            continue
        is_void = is_void_id(value, by_id, label_nc)
        fix = (
            f"Where it means pixels without a class, pass --ignore_ids={value}."
        )
        if value >= 0 and not is_void:
            fix = (
                f"There are {label_nc} classes. Correct the maps, or train "
                f"with {value + 1} classes or more (--label_nc, labels.json)."
            )
        if value in _VOID_IDS and not is_void:
            fix += (
                f" Where it means pixels without a class: --ignore_ids={value}."
            )
        yield make_finding(
            "error", f"The label id {value} is no class", fix, by_id[value]
        )


def _is_class(value, ids, label_nc, ignore_ids):
    if value < 0 or value in ignore_ids or is_void_id(value, ids, label_nc):
        return False
    return label_nc is None or value < label_nc


def is_void_id(value, ids, label_nc):
    """Returns whether an id probably means pixels without a class.

    Args:
        value: int, an id.
        ids: collection of int, all ids.
        label_nc: int, number of classes; None if it is not known.
    """
    # With 254 beside it, 255 is the last of 256 classes or more.
    return label_nc is None and value in _VOID_IDS and value - 1 not in ids


def _palettes(scenes):
    known = {}
    for scene in scenes:
        path = scene.files["label_map"].path
        for color, value in scene.palette.items():
            first_value, first = known.setdefault(color, (value, path))
            if value != first_value:
                yield make_finding(
                    "error",
                    f"The color {color} has two indices: {first_value} and "
                    f"{value}",
                    "The indices are the class ids. Save all label maps with "
                    "one palette.",
                    [first, path],
                )
                return


def _classes(scenes, labels, label_nc, ignore_ids):
    pixels, counts = collections.Counter(), collections.Counter()
    for scene in scenes:
        pixels.update(scene.id_counts)
        counts.update(scene.id_counts.keys())
    total = sum(pixels.values())
    if not total:
        return
    few = min(_RARE_SCENES, len(scenes))
    rare = [
        k
        for k in sorted(pixels)
        if (pixels[k] < _RARE_SHARE * total or counts[k] < few)
        and _is_class(k, pixels, label_nc, ignore_ids)
    ]
    if rare:
        shown = ", ".join(
            f"{_name(labels, k)} ({counts[k]} scenes)" for k in rare[:10]
        )
        yield Finding(
            "warning",
            f"Rare classes: {shown}",
            f"Classes in fewer than {_RARE_SCENES} scenes, or of less than "
            f"{_RARE_SHARE:.2%} of the pixels, are hardly learned. Add scenes, "
            "or merge the classes.",
        )
    if labels is not None:
        absent = [name for k, name in enumerate(labels.names) if not pixels[k]]
        if labels.ignore_ids:
            absent = [name for name in absent if name != labels.names[-1]]
        if absent:
            yield Finding(
                "note",
                f"Classes without a pixel: {', '.join(absent[:10])}",
                "The model won't know what they look like.",
            )


def _instances(scenes, labels):
    with_map = [s for s in scenes if s.instance_ids]
    if not with_map:
        return
    paths = [scene.files["instance_map"].path for scene in with_map]
    if all(scene.instances_are_labels for scene in with_map):
        yield make_finding(
            "warning",
            "All {n} instance maps equal the label maps",
            "They hold no instances, so no boundary between two cars is "
            "learned. Use maps in which each object has an id of its own.",
            paths,
        )
    negative = [
        p
        for s, p in zip(with_map, paths, strict=True)
        if s.smallest_instance < 0
    ]
    if negative:
        yield make_finding(
            "error",
            "{n} instance maps hold negative ids",
            "Give pixels without an instance the id 0.",
            negative,
        )
    narrow = [
        p
        for s, p in zip(with_map, paths, strict=True)
        if s.largest_instance == 255
        and "8 bits" in str(s.files["instance_map"].mode)
    ]
    if narrow:
        yield make_finding(
            "warning",
            "{n} instance maps of 8 bits reach the id 255",
            "Larger ids may have been cut off, which merges objects. Save the "
            "maps again with 16 bits.",
            narrow,
        )
    things = {label for scene in with_map for label in scene.object_labels}
    if labels is not None and labels.things is None and things:
        shown = ", ".join(f'"{_name(labels, k)}"' for k in sorted(things))
        yield Finding(
            "note",
            "labels.json does not say which classes are things",
            "Editing uses it. By the instance maps, objects of these classes "
            f'have ids of their own: "things": [{shown}]',
        )


def _photos(scenes):
    for test, severity, title, fix in (
        (
            lambda s: s.is_transparent,
            "warning",
            "{n} photographs have transparent pixels",
            "The alpha channel is dropped, and what lies beneath is learned. "
            "Flatten the images.",
        ),
        (
            lambda s: s.is_one_color,
            "warning",
            "{n} photographs are all one color",
            "Remove their scenes if they failed to load or render.",
        ),
        (
            lambda s: s.orientation > 1,
            "note",
            "{n} photographs have an EXIF orientation",
            "They are turned upright, as viewers show them. The label maps "
            "must fit the upright photographs.",
        ),
        (
            lambda s: "16 bits" in str(s.files["photo"].mode),
            "warning",
            "{n} photographs have 16 bits",
            "Training cuts them to 8 bits.",
        ),
    ):
        files = [
            s.files["photo"].path
            for s in scenes
            if "photo" in s.files and test(s)
        ]
        if files:
            yield make_finding(severity, title, fix, files)
    modes = collections.Counter(
        s.files["photo"].mode for s in scenes if "photo" in s.files
    )
    if len(modes) > 1:
        shown = ", ".join(f"{count} {mode}" for mode, count in modes.items())
        yield Finding(
            "note",
            f"Photographs of several kinds: {shown}",
            "All become RGB of 8 bits.",
        )


def _duplicates(scenes):
    for kind, noun in (("photo", "photographs"), ("label_map", "label maps")):
        by_digest = collections.defaultdict(list)
        for scene in scenes:
            file = scene.files.get(kind)
            if file is not None and file.digest is not None:
                by_digest[file.digest].append(file.path)
        twice = [path for group in by_digest.values() for path in group[1:]]
        if twice:
            first = next(g for g in by_digest.values() if len(g) > 1)
            yield make_finding(
                "warning",
                f"{{n}} {noun} are copies of others",
                f"Such as {first[0].name} and {first[1].name}. Remove one of "
                "each, or find out whether the wrong file was copied.",
                twice,
            )


def _name(labels, label):
    if labels is not None and 0 <= label < len(labels):
        return labels.names[label]
    return str(label)
