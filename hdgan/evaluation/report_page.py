"""The HTML page of an evaluation's report."""

import numpy as np

from hdgan.evaluation.evaluation import rank_scenes
from hdgan.preprocessing.label_set import LabelSet
from hdgan.reports import tables
from hdgan.reports.page import write_page

_TITLES = {
    "pixel_accuracy": "Pixel accuracy",
    "mean_iou": "Mean IoU",
    "frechet": "Fréchet distance",
    "kernel": "Kernel distance",
    "psnr": "PSNR in dB",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "perceptual": "Perceptual distance",
}
_DIGITS = {"psnr": 2, "frechet": 1, "kernel": 4}
_ROW_TITLES = {"generated": "Generated", "real": "Real photographs (ceiling)"}


def write_report_page(
    path, report, photographs, segmenter=None, comparison=None
):
    """Writes the page of a report, with pictures of best and worst scenes.

    Args:
        path: path of the page.
        report: dict.
        photographs: the source that was evaluated, which is read again for the
            pictures.
        segmenter: `Segmenter`, or None.
        comparison: dict of `compare_reports`, or None.
    """
    labels = report["classes"] and LabelSet.from_config(report["classes"])
    body = "".join(
        part(report)
        for part in (
            _warnings,
            _segmentation,
            _classes,
            _confusion,
            _distances,
            _paired,
            _edges,
        )
    )
    if comparison is not None:
        body = _comparison(comparison) + body
    body += _protocol(report["protocol"])
    write_page(
        path,
        "Evaluation of generated photographs",
        _introduce(report["protocol"]),
        _show_scenes(report, photographs, segmenter, labels),
        labels,
        body=body,
    )


def describe(name, entry):
    """Returns a value with its interval, as a str.

    Args:
        name: str, a key of `_TITLES`.
        entry: dict with `value` and `interval`, or None.
    """
    if entry is None or entry["value"] is None:
        return "-"
    text = _format(name, entry["value"])
    bounds = entry.get("interval")
    if bounds is None or None in bounds:
        return text
    low, high = (_format(name, bound) for bound in bounds)
    return f"{text} ({low} to {high})"


def _format(name, value, sign=""):
    digits = _DIGITS.get(name, 3)
    return f"{value:{sign}.{digits}f}"


def _introduce(protocol):
    source = protocol.get("model") or {"file": protocol.get("images")}
    return (
        f"{source['file'] or 'A model'} on {protocol['num_scenes']} scenes of "
        f"{protocol.get('data', 'the data set')}, at {protocol['size']} pixels "
        "(width x height). Intervals in parentheses are 95 % bootstrap "
        "intervals over scenes."
    )


def _warnings(report):
    return "".join(map(tables.paragraph, report["warnings"]))


def _segmentation(report):
    segmentation = report["segmentation"]
    if segmentation is None:
        return ""
    segmenter = report["protocol"]["segmenter"]
    held_out = segmenter.get("held_out_mean_iou")
    note = "A segmentation network reads the photographs; its prediction is "
    note += "compared with the label map that they were made of."
    if held_out is not None:
        note += " Its mean IoU on real photographs that were held back from "
        note += f"its training: {held_out:.3f}."
    return tables.heading("Segmentation", note) + tables.table(
        ["", "Pixel accuracy", "Mean IoU"],
        [
            [
                title,
                describe("pixel_accuracy", segmentation[row]["pixel_accuracy"]),
                describe("mean_iou", segmentation[row]["mean_iou"]),
            ]
            for row, title in _ROW_TITLES.items()
        ],
    )


def _classes(report):
    segmentation = report["segmentation"]
    if segmentation is None:
        return ""
    generated, real = (
        segmentation[row]["class_iou"] for row in ("generated", "real")
    )
    labeled = np.sum(
        [scene["generated"]["labeled"] for scene in report["scenes"]], axis=0
    )
    rows = [
        [
            name,
            f"{100 * count / max(labeled.sum(), 1):.1f} %",
            *("-" if v is None else f"{v:.3f}" for v in (first, second)),
            tables.bars([first, second]),
        ]
        for name, count, first, second in zip(
            report["classes"]["names"], labeled, generated, real, strict=True
        )
    ]
    return tables.heading(
        "IoU of each class", "Blue: generated. Gray: real photographs."
    ) + tables.table(["Class", "Pixels", "Generated", "Real", ""], rows)


def _confusion(report):
    segmentation = report["segmentation"]
    if segmentation is None:
        return ""
    counts = np.array(segmentation["generated"]["confusion"])
    names = [*report["classes"]["names"], "no class"]
    if not counts[:, -1].any():
        counts, names = counts[:, :-1], names[:-1]
    return tables.heading(
        "Confusion on generated photographs",
        "Rows: class of the label map. Columns: what the segmenter saw, in "
        "percent of the row's pixels.",
    ) + tables.confusion_matrix(counts, names)


def _distances(report):
    distances = report["distances"]
    if distances is None:
        return ""
    network = report["protocol"]["feature_network"]
    note = (
        f"Distances between features of {network['name']}; equal "
        "distributions have 0. All "
        "scenes: generated against real photographs of the same scenes. "
        "Halves: real photographs of one half of the scenes against generated "
        "ones of the other half. Floor: the same with real ones of the other "
        "half."
    )
    rows = []
    for name in ("frechet", "kernel"):
        values = distances[name]
        rows.append(
            [
                _TITLES[name],
                describe(name, values),
                *(
                    describe(
                        name,
                        {
                            "value": values[part],
                            "interval": values.get(f"{part}_interval"),
                        },
                    )
                    for part in ("halves", "floor")
                ),
            ]
        )
    return tables.heading("Distributions", note) + tables.table(
        ["", "All scenes", "Halves", "Floor"], rows
    )


def _paired(report):
    rows = [
        [_TITLES[name], describe(name, entry)]
        for name, entry in (report["paired"] or {}).items()
        if entry is not None
    ]
    if report["diversity"] is not None:
        rows.append(
            [
                "Diversity: perceptual distance between photographs of one "
                "label map",
                describe("perceptual", report["diversity"]),
            ]
        )
    if not rows:
        return ""
    return tables.heading(
        "Against the real photograph of the same scene",
        "One of many photographs that fit the label map: a low value need not "
        "mean a bad photograph.",
    ) + tables.table(["", "Mean"], rows)


def _edges(report):
    edges = report["instance_edges"]
    if edges is None:
        return ""
    rows = [
        [
            _ROW_TITLES[row].partition(" (")[0],
            f"{values['at_edges']:.1f}",
            f"{values['within']:.1f}",
            "-" if values["ratio"] is None else f"{values['ratio']:.2f}",
        ]
        for row, values in edges.items()
    ]
    return tables.heading(
        "Edges between touching instances of one class",
        "Mean difference in brightness (0..255) of neighboring pixels.",
    ) + tables.table(["", "Across", "Within an instance", "Ratio"], rows)


def _comparison(comparison):
    rows = [
        [
            _TITLES[name],
            _format(name, entry["value"]),
            _format(name, entry["baseline"]),
            _describe_difference(name, entry),
            entry["verdict"] or "-",
        ]
        for name, entry in comparison.items()
        if name != "not_compared"
    ]
    return (
        tables.heading(
            "Comparison with the baseline",
            "The interval is that of the difference, over the same scenes.",
        )
        + tables.table(["", "This", "Baseline", "Difference", "Verdict"], rows)
        + "".join(map(tables.paragraph, comparison["not_compared"]))
    )


def _describe_difference(name, entry):
    text = _format(name, entry["difference"], "+")
    if entry["interval"] is None:
        return text
    low, high = (_format(name, bound, "+") for bound in entry["interval"])
    return f"{text} ({low} to {high})"


def _protocol(protocol):
    rows = []
    for name, value in protocol.items():
        if isinstance(value, dict):
            value = ", ".join(
                f"{key.replace('_', ' ')}: {item}"
                for key, item in value.items()
                if item is not None and key != "classes"
            )
        rows.append([name.replace("_", " "), str(value)])
    return tables.heading("Protocol") + tables.table(["", ""], rows, "facts")


def _show_scenes(report, photographs, segmenter, labels):
    """Returns the sections of the best and the worst scenes."""
    best, worst, by = rank_scenes(report)
    by = _TITLES.get(by, by).lower()
    names = list(photographs.scenes.names)
    sections = []
    for kind, chosen in (("Best", best), ("Worst", worst)):
        for number, name in enumerate(chosen):
            scene, generated = photographs.read(names.index(name))
            pictures = {"Input": scene["label_map"]}
            if labels is not None:
                colors = labels.colorize(scene["label_map"])
                pictures = {"Label map": colors}
            pictures |= {"Generated": generated[0], "Real": scene["photo"]}
            if segmenter is not None:
                seen = {
                    "Generated, as the segmenter saw it": generated[0],
                    "Real, as the segmenter saw it": scene["photo"],
                }
                for caption, photo in seen.items():
                    ids = segmenter(photo)
                    ids = np.clip(ids, 0, len(labels) - 1)
                    pictures[caption] = labels.colorize(ids)
            sections.append(
                (
                    f"{kind} {number + 1} by {by}: {name}",
                    f"{kind.lower()}-{number}",
                    pictures,
                )
            )
    return sections
