"""The report of an evaluation: plain data, written as JSON.

`report.json` holds:

- `protocol`: what was measured and how: model or images, data, sizes,
  resampling, segmenter and feature network with their hashes, versions.
- `segmentation`: rows `generated` and `real`, each with `pixel_accuracy` and
  `mean_iou` (`value` and `interval`), `class_iou` and `confusion` (rows are the
  label maps' classes, the last column predictions that are no class).
- `distances`: `frechet` and `kernel`, each with `value`, `halves` (real scenes
  of one half against generated ones of the other) and `floor` (the same halves,
  real against real).
- `paired`: means of PSNR, SSIM, MS-SSIM and perceptual distance.
- `diversity`: the mean perceptual distance of photographs of one label map.
- `instance_edges`: how much brighter or darker it gets at touching instances.
- `scenes`: the numbers of each scene, from which intervals are drawn.
- `warnings`: sentences.

A part that was not measured is null. Intervals are 95 % bootstrap intervals
over scenes.
"""

import json
import math
import pathlib

import numpy as np

from hdgan.data.files import write_file
from hdgan.evaluation.bootstrap import draw_counts, interval, mean_of_draws
from hdgan.evaluation.distribution_distances import FEW_PHOTOGRAPHS
from hdgan.evaluation.paired_distances import PAIRED_DISTANCES
from hdgan.evaluation.segmentation_scores import (
    class_iou,
    mean_iou,
    pixel_accuracy,
)

FORMAT = "hdgan evaluation"
VERSION = 1
ROWS = ("generated", "real")
# Half of a normal distribution's 95 % interval, in standard deviations.
_NORMAL_95 = 1.96
_SCORES = {"pixel_accuracy": pixel_accuracy, "mean_iou": mean_iou}


def make_report(labels, collector, protocol):
    """Makes the report of what was collected.

    Args:
        labels: `LabelSet`.
        collector: has `measures`, `scenes`, `scores` and `distances`.
        protocol: dict.

    Returns:
        Dict.
    """
    scenes = collector.scenes
    counts = draw_counts(len(scenes))
    report = {
        "format": FORMAT,
        "version": VERSION,
        "protocol": protocol,
        "classes": {
            "names": labels.get_config()["names"],
            "colors": labels.get_config()["colors"],
        },
        "segmentation": None,
        "distances": None,
        "paired": None,
        "diversity": _mean(scenes, "diversity", counts),
        "instance_edges": _sum_up_edges(scenes),
        "scenes": scenes,
        "warnings": [],
    }
    if collector.measures.segmenter is not None:
        report["segmentation"] = {
            row: _sum_up_row(scenes, row, collector.scores[row], counts)
            for row in ROWS
        }
    if collector.distances:
        report["distances"] = _sum_up_distances(collector.distances)
        if len(scenes) < FEW_PHOTOGRAPHS:
            report["warnings"].append(
                f"{len(scenes)} photographs are few for a Fréchet distance, "
                f"which is biased upwards below {FEW_PHOTOGRAPHS:,}. Compare "
                "it with values of as many photographs only; the kernel "
                "distance has no such bias."
            )
    if collector.measures.paired is not None:
        report["paired"] = {
            name: _mean(scenes, name, counts) for name in PAIRED_DISTANCES
        }
        reason = collector.measures.paired.perceptual_reason
        if reason:
            report["warnings"].append(f"No perceptual distance: {reason}")
    return _without_nan(report)


def _sum_up_row(scenes, row, scores, counts):
    """Returns the segmentation scores of generated or real photographs."""
    parts = scene_counts(scenes, row)
    # (draws, scenes) @ (scenes, classes)
    draws = [counts @ part for part in parts]
    totals = [part.sum(0) for part in parts]
    result = {
        name: {
            "value": float(score(*totals)),
            "interval": interval(score(*draws)),
        }
        for name, score in _SCORES.items()
    }
    result["class_iou"] = class_iou(*totals).tolist()
    result["confusion"] = scores.confusion_matrix().tolist()
    return result


def scene_counts(scenes, row):
    """Returns the pixels of each class in each scene.

    Args:
        scenes: list of dicts, `scenes` of a report.
        row: str, one of `ROWS`.

    Returns:
        Three arrays `(num_scenes, num_classes)`: pixels that are right,
        predicted and labeled.
    """
    return tuple(
        np.array([scene[row][part] for scene in scenes], "float64")
        for part in ("hits", "predicted", "labeled")
    )


def _sum_up_distances(distances):
    result = {}
    for kind in ("frechet", "kernel"):
        result[kind] = {"value": distances[kind].result()}
        for part in ("halves", "floor"):
            result[kind][part] = distances[f"{kind}_{part}"].result()
    for part, key in (
        ("interval", "kernel"),
        ("halves_interval", "kernel_halves"),
        ("floor_interval", "kernel_floor"),
    ):
        value = distances[key].result()
        error = _NORMAL_95 * distances[key].standard_error()
        result["kernel"][part] = [value - error, value + error]
    return result


def _mean(scenes, name, counts):
    """Returns mean and interval of a number of each scene, or None."""
    values = np.array(
        [
            np.nan if scene.get(name) is None else scene[name]
            for scene in scenes
        ],
        "float64",
    )
    if not np.isfinite(values).any():
        return None
    return {
        "value": float(np.nanmean(values)),
        "interval": interval(mean_of_draws(counts, values)),
        "num_scenes": int(np.isfinite(values).sum()),
    }


def _sum_up_edges(scenes):
    """Returns mean steps at and within touching instances, or None."""
    result = {}
    for row in ROWS:
        sums = np.sum(
            [
                scene["instance_edges"][row]
                for scene in scenes
                if "instance_edges" in scene
            ]
            or [np.zeros(4)],
            axis=0,
        )
        if not sums[1] or not sums[3]:
            return None
        at_edges, within = sums[0] / sums[1], sums[2] / sums[3]
        result[row] = {
            "at_edges": float(at_edges),
            "within": float(within),
            "ratio": float(at_edges / within) if within else None,
            "num_edges": int(sums[1]),
        }
    return result


def _without_nan(value):
    """Replaces NaN and infinity, which JSON does not have, by None."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def save_report(path, report):
    """Writes a report as JSON, atomically.

    Args:
        path: path of the file.
        report: dict.
    """
    write_file(path, json.dumps(report, ensure_ascii=False, allow_nan=False))


def load_report(path):
    """Reads a report.

    Args:
        path: path of `report.json`, or of its folder.

    Raises:
        ValueError: naming the file, if it is missing or no report.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        path /= "report.json"
    try:
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is no report of an evaluation: {error}"
        ) from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise ValueError(
            f"{path} is no report of an evaluation. Expected report.json of "
            "hdgan evaluate."
        )
    if report["version"] != VERSION:
        raise ValueError(
            f"{path} has version {report['version']} of the format. Expected "
            f"{VERSION}: evaluate again."
        )
    return report
