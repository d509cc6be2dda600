"""Measures generated photographs against label maps and real photographs."""

import dataclasses
import importlib.metadata

import hdgan
from hdgan.data.scene_split import rank_name
from hdgan.evaluation.distribution_distances import (
    FrechetDistance,
    KernelDistance,
)
from hdgan.evaluation.instance_edges import measure_instance_edges
from hdgan.evaluation.paired_distances import PAIRED_DISTANCES
from hdgan.evaluation.report import make_report
from hdgan.evaluation.segmentation_scores import (
    SegmentationScores,
    class_counts,
)
from hdgan.progress_bar import make_progress_bar

# Scenes at each end of the ranking that the page shows.
_NUM_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Measures:
    """The measurements of an evaluation; None leaves one out.

    Args:
        segmenter: `Segmenter`, for pixel accuracy and mean IoU.
        features: `FeatureNetwork`, for Fréchet and kernel distances.
        paired: `PairedDistances`, of each photograph and the real one.
    """

    segmenter: object = None
    features: object = None
    paired: object = None


def evaluate(photographs, labels, measures, ignore_labels=(), protocol=None):
    """Evaluates photographs, with a progress bar.

    Memory does not grow with the number of scenes, but for a few numbers of
    each.

    Args:
        photographs: `ModelPhotographs` or `FolderPhotographs`.
        labels: `LabelSet` of the label maps; None for RGB input, which no
            segmenter can be compared with.
        measures: `Measures`.
        ignore_labels: sequence of int, label ids that are left out. Defaults
            to none.
        protocol: dict of further facts that the report states. Defaults to
            none.

    Returns:
        Dict, the report: see `hdgan.evaluation.report`.

    Raises:
        ValueError: naming the file, if a scene can't be read or used.

    Example:
        >>> photographs = ModelPhotographs(model, find_scenes("data", "test"))
        >>> measures = Measures(segmenter, make_feature_network())
        >>> report = evaluate(photographs, model.labels, measures)
        >>> report["segmentation"]["generated"]["mean_iou"]["value"]
    """
    collector = _Collector(labels, measures, ignore_labels)
    scenes = photographs.scenes
    collector.divide(scenes.names)
    progress = make_progress_bar(len(scenes))
    for index in range(len(scenes)):
        scene, generated = photographs.read(index)
        collector.add(scenes.names[index], scene, generated)
        progress.add(1)
    return make_report(
        labels,
        collector,
        {
            **photographs.describe(),
            "num_scenes": len(scenes),
            "size": collector.describe_sizes(),
            "ignore_labels": list(ignore_labels),
            "segmenter": measures.segmenter and measures.segmenter.describe(),
            "feature_network": measures.features
            and measures.features.describe(),
            "versions": _versions(),
            **(protocol or {}),
        },
    )


class _Collector:
    """Adds up the measurements of all scenes.

    Args:
        labels: `LabelSet`, or None.
        measures: `Measures`.
        ignore_labels: sequence of int.
    """

    def __init__(self, labels, measures, ignore_labels):
        self.measures = measures
        self.scenes = []
        self._sizes = set()
        self._first_half = set()
        self.scores = {}
        if measures.segmenter is not None:
            # Without the class of ignored ids, the last.
            num_classes = len(labels.get_config()["names"])
            self.scores = {
                row: SegmentationScores(num_classes, ignore_labels)
                for row in ("generated", "real")
            }
        self.distances = {}
        if measures.features is not None:
            size = measures.features.num_features
            self.distances = {
                "frechet": FrechetDistance(size),
                "kernel": KernelDistance(size),
                # On different scenes: half of the real photographs against the
                # other half, and against the other half's generated ones.
                "frechet_floor": FrechetDistance(size),
                "frechet_halves": FrechetDistance(size),
                "kernel_floor": KernelDistance(size),
                "kernel_halves": KernelDistance(size),
            }

    def divide(self, names):
        """Divides the scenes into two halves, by a hash of their names."""
        ordered = sorted(names, key=rank_name)
        self._first_half = set(ordered[: len(names) // 2])

    def add(self, name, scene, generated):
        """Measures the photographs of one scene.

        Args:
            name: str.
            scene: dict of NumPy arrays.
            generated: list of uint8 `(height, width, 3)`; all but the first
                count for diversity only.
        """
        height, width = scene["label_map"].shape[:2]
        self._sizes.add((width, height))
        record = {"name": name}
        rows = {"generated": generated[0], "real": scene["photo"]}
        if self.measures.segmenter is not None:
            for row, photo in rows.items():
                record[row] = self._segment(row, scene["label_map"], photo)
        if self.distances:
            self._add_features(name in self._first_half, rows)
        if self.measures.paired is not None:
            record |= self.measures.paired(scene["photo"], generated[0])
            diversity = self.measures.paired.diversity(generated)
            if diversity is not None:
                record["diversity"] = diversity
        if "instance_map" in scene and scene["label_map"].ndim == 2:
            record["instance_edges"] = {
                row: measure_instance_edges(
                    photo, scene["label_map"], scene["instance_map"]
                )
                for row, photo in rows.items()
            }
        self.scenes.append(record)

    def describe_sizes(self):
        """Returns the sizes of the photographs, as a str."""
        sizes = sorted(self._sizes)
        shown = ", ".join(f"{width}x{height}" for width, height in sizes[:4])
        return shown if len(sizes) <= 4 else f"{shown}, and others"

    def _segment(self, row, label_map, photo):
        scores = self.scores[row]
        before = scores.confusion_matrix()
        predicted = self.measures.segmenter(photo)
        scores.update_state(label_map[None], predicted[None])
        counts = class_counts(scores.confusion_matrix() - before)
        return {
            name: count.tolist()
            for name, count in zip(
                ("hits", "predicted", "labeled"), counts, strict=True
            )
        }

    def _add_features(self, is_first, rows):
        network, distances = self.measures.features, self.distances
        features = {row: network(photo[None]) for row, photo in rows.items()}
        real, generated = features["real"], features["generated"]
        for kind in ("frechet", "kernel"):
            distances[kind].update_state(real, generated)
            floor, halves = (
                distances[f"{kind}_{part}"] for part in ("floor", "halves")
            )
            if is_first:
                floor.update_state(real, None)
                halves.update_state(real, None)
            else:
                floor.update_state(None, real)
                halves.update_state(None, generated)


def rank_scenes(report):
    """Returns the names of the best and of the worst scenes.

    They are ranked by the segmenter's pixel accuracy on the generated
    photographs, or else by their perceptual distance or PSNR.

    Args:
        report: dict, as `evaluate` gives.

    Returns:
        Two lists of at most four names, the best and the worst first, and a str
        that says by what. The lists are empty if nothing was measured.
    """
    values = {}
    by = "pixel accuracy"
    for scene in report["scenes"]:
        if "generated" in scene:
            labeled = sum(scene["generated"]["labeled"])
            if labeled:
                values[scene["name"]] = (
                    sum(scene["generated"]["hits"]) / labeled
                )
    for name, is_larger_better in reversed(PAIRED_DISTANCES.items()):
        if values:
            break
        sign = 1 if is_larger_better else -1
        by = name
        values = {
            scene["name"]: sign * scene[name]
            for scene in report["scenes"]
            if scene.get(name) is not None
        }
    ranked = sorted(values, key=values.get, reverse=True)
    count = min(_NUM_SHOWN, (len(ranked) + 1) // 2)
    worst = [
        name for name in ranked[::-1][:count] if name not in ranked[:count]
    ]
    return ranked[:count], worst, by


def _versions():
    names = ("keras", "tensorflow", "numpy")
    versions = {name: importlib.metadata.version(name) for name in names}
    return {"hdgan": hdgan.__version__, **versions}
