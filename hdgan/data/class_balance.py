"""Drawing scenes with rare classes more often."""

import concurrent.futures
import os

import numpy as np

from hdgan.progress_bar import make_progress_bar


def balance_scenes(scenes, num_classes, strength):
    """Finds how often each scene is drawn, with a progress bar.

    A class counts as `(1 / its share of scenes) ** strength`, and a scene as
    its rarest class.

    Args:
        scenes: `SceneSource` of label maps.
        num_classes: int, ids of other values count as no class.
        strength: float in [0, 1]. 0 draws all scenes alike; with 1, a class in
            a tenth of the scenes is seen ten times as often.

    Returns:
        float64 array, the probability of each scene.

    Raises:
        ValueError: if `strength` is out of range, or a file can't be read.
    """
    if not 0 <= strength <= 1:
        raise ValueError(
            f"`strength` must be in [0, 1]. Received: {strength!r}"
        )
    has_class = np.zeros((len(scenes), num_classes), bool)
    progress = make_progress_bar(len(scenes))

    def find(index):
        ids = np.unique(scenes.read(index)["label_map"])
        return ids[(ids >= 0) & (ids < num_classes)]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, ids in zip(
            has_class, pool.map(find, range(len(scenes))), strict=True
        ):
            row[ids] = True
            progress.add(1)
    shares = np.maximum(has_class.mean(axis=0), 1 / len(scenes))
    weights = np.where(has_class, shares**-strength, 1.0).max(axis=1)
    return weights / weights.sum()
