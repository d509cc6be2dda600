"""Comparison of two reports on the same scenes."""

import numpy as np

from hdgan.evaluation.bootstrap import draw_counts, interval, mean_of_draws
from hdgan.evaluation.paired_distances import PAIRED_DISTANCES
from hdgan.evaluation.report import scene_counts
from hdgan.evaluation.segmentation_scores import mean_iou, pixel_accuracy

# Whether larger is better.
_BETTER = {
    "pixel_accuracy": True,
    "mean_iou": True,
    "frechet": False,
    "kernel": False,
    **PAIRED_DISTANCES,
}


def compare_reports(report, baseline):
    """Compares two reports, scene by scene.

    The intervals are those of the difference, over draws of the same scenes
    for both: differences between scenes cancel out.

    Args:
        report: dict.
        baseline: dict, another report.

    Returns:
        Dict from the name of a measure to a dict of `value`, `baseline`,
        `difference`, `interval` (of the difference; None for the Fréchet
        distance), and `verdict`: `"better"`, `"worse"`, or `"no difference"`
        where the interval contains 0; None without an interval. Measures that
        can't be compared are missing, and `not_compared` is a list of the
        reasons.

    Raises:
        ValueError: if the reports have not the same scenes and classes.
    """
    check_baseline(
        baseline,
        [scene["name"] for scene in report["scenes"]],
        report["classes"]["names"],
    )
    both = report["scenes"], _in_order(baseline, report)
    counts = draw_counts(len(both[0]))
    result, reasons = {}, []
    reason = _find_difference(report, baseline, ("segmenter", "ignore_labels"))
    if reason is None and report["segmentation"] is not None:
        for name, score in (
            ("pixel_accuracy", pixel_accuracy),
            ("mean_iou", mean_iou),
        ):
            pair = [scene_counts(scenes, "generated") for scenes in both]
            values = [score(*(part.sum(0) for part in parts)) for parts in pair]
            draws = [score(*(counts @ p for p in parts)) for parts in pair]
            result[name] = _entry(name, *values, interval(draws[0] - draws[1]))
    elif reason:
        reasons.append(f"Segmentation: {reason}")
    reason = _find_difference(report, baseline, ("feature_network",))
    if reason is None and report["distances"] is not None:
        result |= _compare_distances(report, baseline)
    elif reason:
        reasons.append(f"Distances: {reason}")
    reason = _find_difference(report, baseline, ())
    for name in PAIRED_DISTANCES if reason is None else ():
        values = [_values(scenes, name) for scenes in both]
        difference = values[0] - values[1]
        if np.isfinite(difference).any():
            means = [np.nanmean(v) for v in values]
            draws = mean_of_draws(counts, difference)
            result[name] = _entry(name, *means, interval(draws))
    if reason:
        reasons.append(f"Paired distances: {reason}")
    return {**result, "not_compared": reasons}


def check_baseline(baseline, scene_names, class_names):
    """Checks that a report is one of given scenes and classes.

    Args:
        baseline: dict, the report.
        scene_names: sequence of str.
        class_names: sequence of str.

    Raises:
        ValueError: if it is not.
    """
    names = set(scene_names)
    others = {scene["name"] for scene in baseline["scenes"]}
    if names != others:
        raise ValueError(
            f"The baseline has other scenes: {len(names - others)} of "
            f"{len(names)} are missing in it, and {len(others - names)} of its "
            f"{len(others)} are no scenes of this evaluation. Expected the "
            "same scenes."
        )
    if list(class_names) != baseline["classes"]["names"]:
        raise ValueError(
            "The baseline has other classes: "
            f"{', '.join(baseline['classes']['names'])}. Expected "
            f"{', '.join(class_names)}."
        )


def _in_order(baseline, report):
    scenes = {scene["name"]: scene for scene in baseline["scenes"]}
    return [scenes[scene["name"]] for scene in report["scenes"]]


def _find_difference(report, baseline, names):
    """Returns how two protocols differ, in a sentence, or None."""
    for name in ("size", *names):
        value, other = (r["protocol"].get(name) for r in (report, baseline))
        if isinstance(value, dict) and isinstance(other, dict):
            # The file may have moved.
            value, other = (
                {k: v for k, v in d.items() if k != "file"}
                for d in (value, other)
            )
        if value != other:
            what = name.replace("_", " ")
            return f"the baseline has another {what}: {other}, not {value}."
    return None


def _compare_distances(report, baseline):
    result = {}
    for name in ("frechet", "kernel"):
        value, other = (
            r["distances"][name]["value"] for r in (report, baseline)
        )
        if value is None or other is None:
            continue
        bounds = None
        if name == "kernel":
            errors = [
                np.subtract(*r["distances"][name]["interval"]) / 2
                for r in (report, baseline)
            ]
            # As of independent estimates, although the real photographs are
            # shared: too wide rather than too narrow.
            width = float(np.hypot(*errors))
            bounds = [value - other - width, value - other + width]
        result[name] = _entry(name, value, other, bounds)
    return result


def _values(scenes, name):
    return np.array(
        [np.nan if s.get(name) is None else s[name] for s in scenes], "float64"
    )


def _entry(name, value, baseline, bounds):
    verdict = None
    if bounds is not None:
        is_higher, is_lower = bounds[0] > 0, bounds[1] < 0
        verdict = "no difference"
        if is_higher or is_lower:
            verdict = "better" if is_higher == _BETTER[name] else "worse"
    return {
        "value": float(value),
        "baseline": float(baseline),
        "difference": float(value - baseline),
        "interval": bounds,
        "verdict": verdict,
    }
