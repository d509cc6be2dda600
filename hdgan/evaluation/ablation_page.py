"""The page that compares the variants of an ablation."""

import json
import pathlib

import numpy as np

from hdgan.data.files import write_file
from hdgan.data.image_files import read_photo
from hdgan.evaluation.bootstrap import draw_counts, interval
from hdgan.evaluation.report import scene_counts
from hdgan.evaluation.segmentation_scores import mean_iou, pixel_accuracy
from hdgan.reports import tables
from hdgan.reports.page import write_page

_SCORES = {"mean_iou": mean_iou, "pixel_accuracy": pixel_accuracy}
_BASE = "full"


def write_ablation_page(folder, titles, reports):
    """Writes `index.html` and `ablation.json`.

    Args:
        folder: path of the ablation.
        titles: dict from a variant's name to its title; the first is the full
            method, with which the others are compared.
        reports: dict from `(variant, seed)` to a report. All have the same
            scenes.

    Raises:
        ValueError: if there are no reports, or their scenes or segmenters
            differ.
    """
    _check(reports)
    folder = pathlib.Path(folder)
    rows = summarize(titles, reports)
    write_file(folder / "ablation.json", json.dumps(rows, indent=1))
    report = next(iter(reports.values()))
    real = report["segmentation"]["real"]
    protocol = report["protocol"]
    head = [
        "",
        "Seeds",
        "Mean IoU",
        "Difference from full",
        "Pixel accuracy",
        "Kernel distance",
        "Perceptual distance",
        "Edges of instances",
    ]
    table = [_format_row(row) for row in rows]
    edges = report["instance_edges"]
    table.append(
        [
            "Real photographs",
            "",
            f"{real['mean_iou']['value']:.3f}",
            "",
            f"{real['pixel_accuracy']['value']:.3f}",
            "",
            "",
            f"{edges['real']['ratio']:.2f}" if edges else "",
        ]
    )
    write_page(
        folder / "index.html",
        "Ablation",
        f"{protocol['steps']} steps of each variant; "
        f"{protocol['num_scenes']} test scenes at {protocol['size']} pixels. "
        "A small-scale result: what holds here need not hold for large "
        "networks and long trainings.",
        _show_samples(folder, rows),
        body=tables.table(head, table)
        + tables.paragraph(
            "Means over seeds. The intervals (95 %) of the differences are "
            "over draws of scenes and seeds. Edges: mean brightness step "
            "across touching instances of one class, divided by that within "
            "them."
        ),
    )


def summarize(titles, reports):
    """Returns the results of each variant.

    Args:
        titles, reports: as in `write_ablation_page`.

    Returns:
        List of dicts, in the order of `titles`, with `variant`, `title`,
        `seeds`, and for `mean_iou` and `pixel_accuracy` `value`, `values` of
        each seed, and `difference` from the full method with its `interval`.
    """
    by_variant = {}
    for (variant, seed), report in reports.items():
        by_variant.setdefault(variant, {})[seed] = report
    num_scenes = len(next(iter(reports.values()))["scenes"])
    counts = draw_counts(num_scenes)
    draws = {
        variant: _draw_scores(list(runs.values()), counts)
        for variant, runs in by_variant.items()
    }
    rows = []
    for variant, title in titles.items():
        if variant not in by_variant:
            continue
        runs = by_variant[variant]
        row = {"variant": variant, "title": title, "seeds": list(runs)}
        for name in _SCORES:
            values = [
                run["segmentation"]["generated"][name]["value"]
                for run in runs.values()
            ]
            row[name] = {"value": float(np.mean(values)), "values": values}
            if variant != _BASE and _BASE in draws:
                difference = draws[variant][name] - draws[_BASE][name]
                base = [
                    run["segmentation"]["generated"][name]["value"]
                    for run in by_variant[_BASE].values()
                ]
                row[name]["difference"] = float(np.mean(values) - np.mean(base))
                row[name]["interval"] = interval(difference)
        row["kernel_distance"] = _mean(
            run["distances"]["kernel"]["value"] for run in runs.values()
        )
        row["perceptual"] = _mean(
            run["paired"]["perceptual"] and run["paired"]["perceptual"]["value"]
            for run in runs.values()
        )
        row["instance_edges"] = _mean(
            run["instance_edges"]
            and run["instance_edges"]["generated"]["ratio"]
            for run in runs.values()
        )
        rows.append(row)
    return rows


def _draw_scores(runs, counts):
    """Returns the scores of draws of scenes, and of seeds for each of them."""
    random = np.random.default_rng(0)
    result = {}
    chosen = random.integers(0, len(runs), (len(counts), len(runs)))
    for name, score in _SCORES.items():
        # (seeds, draws)
        values = np.stack(
            [
                score(
                    *(
                        counts @ part
                        for part in scene_counts(run["scenes"], "generated")
                    )
                )
                for run in runs
            ]
        )
        result[name] = np.take_along_axis(values.T, chosen, 1).mean(1)
    return result


def _check(reports):
    if not reports:
        raise ValueError("There is no report to compare.")
    identities = {
        (
            tuple(scene["name"] for scene in report["scenes"]),
            report["protocol"]["segmenter"]["sha256"],
            report["protocol"]["size"],
        )
        for report in reports.values()
    }
    if len(identities) > 1:
        raise ValueError(
            "The reports have different scenes, sizes or segmenters. Use "
            "another `workdir` for another data set, size or segmenter."
        )


def _format_row(row):
    score = row["mean_iou"]
    difference = ""
    if "difference" in score:
        low, high = score["interval"]
        difference = f"{score['difference']:+.3f} ({low:+.3f} to {high:+.3f})"
    values = ", ".join(f"{value:.3f}" for value in score["values"])
    return [
        row["title"],
        str(len(row["seeds"])),
        f"{score['value']:.3f} ({values})",
        difference,
        f"{row['pixel_accuracy']['value']:.3f}",
        _format(row["kernel_distance"]),
        _format(row["perceptual"]),
        _format(row["instance_edges"], 2),
    ]


def _show_samples(folder, rows):
    """Returns a section of each scene of the variants' sample pages."""
    sections = {}
    for row in rows:
        samples = folder / row["variant"] / row["seeds"][0] / "samples"
        names = sorted(samples.glob("images/scene-*-step-*.png"))
        newest = {path.name.partition("-step-")[0]: path for path in names}
        for scene, path in newest.items():
            if scene not in sections:
                # The page of samples has the label map first, and last the
                # real photograph.
                given = sorted(samples.glob(f"images/{scene}-?.png"))
                sections[scene] = {
                    "Label map": read_photo(given[0]),
                    "Real": read_photo(given[-1]),
                }
            sections[scene][row["title"]] = read_photo(path)
    return [
        (f"Sample {number}", f"ablation-{scene}", pictures)
        for number, (scene, pictures) in enumerate(sections.items(), 1)
    ]


def _mean(values):
    values = list(values)
    return None if None in values else float(np.mean(values))


def _format(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"
