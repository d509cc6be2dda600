"""A cheap evaluation, for repeated use during a training."""

import numpy as np

from hdgan.evaluation.distribution_distances import kernel_distance
from hdgan.evaluation.photograph_sources import ModelPhotographs
from hdgan.evaluation.segmentation_scores import SegmentationScores


class Validator:
    """Measures a model on the same scenes again and again.

    Args:
        scenes: `SceneFiles` with photos.
        policy: `ResizePolicy` of the scenes.
        labels: `LabelSet`, or None for RGB input.
        segmenter: `Segmenter`, or None.
        features: `FeatureNetwork`, or None.
        ignore_labels: sequence of int, label ids that are left out. Defaults to
            none.

    Call arguments:
        model: `LabelToPhotoModel`.

    Returns:
        Dict of floats: `mean_iou` and `pixel_accuracy` with a segmenter, and
        `kernel_distance` with a feature network.

    Raises:
        ValueError: naming the file, if a scene can't be read.
    """

    def __init__(
        self, scenes, policy, labels, segmenter, features, ignore_labels=()
    ):
        self.scenes = scenes
        self._policy = policy
        self._segmenter = segmenter
        self._features = features
        self._real_features = None
        self._scores = None
        if segmenter is not None:
            num_classes = len(labels.get_config()["names"])
            self._scores = SegmentationScores(num_classes, ignore_labels)

    def __call__(self, model):
        photographs = ModelPhotographs(model, self.scenes, self._policy)
        real, generated = [], []
        if self._scores is not None:
            self._scores.reset_state()
        for index in range(len(self.scenes)):
            scene, (photo,) = photographs.read(index)
            if self._scores is not None:
                predicted = self._segmenter(photo)
                self._scores.update_state(
                    scene["label_map"][None], predicted[None]
                )
            if self._features is not None:
                generated.append(self._features(photo[None])[0])
                if self._real_features is None:
                    real.append(self._features(scene["photo"][None])[0])
        values = {}
        if self._scores is not None:
            values["mean_iou"] = float(self._scores.result())
            values["pixel_accuracy"] = float(self._scores.pixel_accuracy())
        if self._features is not None:
            if self._real_features is None:
                self._real_features = np.array(real)
            values["kernel_distance"] = kernel_distance(
                self._real_features, np.array(generated)
            )[0]
        return values
