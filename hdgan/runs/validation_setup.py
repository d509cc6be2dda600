"""The validation of a run: its scenes, segmenter and feature network."""

import pathlib

import numpy as np
from absl import logging

from hdgan.data.scene_files import find_scenes
from hdgan.data.scene_split import split_by_name
from hdgan.runs.callbacks.validation import Validation
from hdgan.runs.training_data import find_labels


def hold_back(options, scenes):
    """Divides the scenes of a run into those to train on and to validate with.

    Args:
        options: `TrainingOptions`.
        scenes: `SceneFiles` of the training.

    Returns:
        `SceneFiles` to train on, and `SceneFiles` to validate with, or None
        without validation.

    Raises:
        ValueError: if folders or files are missing.
    """
    if options.val_split is None:
        return scenes, None
    if options.val_share is not None:
        scenes, others = split_by_name(scenes, options.val_share)
    else:
        others = find_scenes(
            options.data_dir,
            options.val_split,
            is_rgb=scenes.is_rgb,
            use_instances=options.use_instances,
            use_style_maps=options.load_style_maps,
            pair_cores=options.pair_cores,
            labels=find_labels(options),
        )
    if len(others) > options.val_scenes:
        spread = np.linspace(0, len(others) - 1, options.val_scenes)
        others = others.select(map(int, spread))
    return scenes, others


class ValidationSetup:
    """Makes the callbacks of the phases of a run.

    Args:
        options: `TrainingOptions`, with `val_split`.
        scenes: `SceneFiles` of the training.
        held_back: `SceneFiles` of the validation.
        labels: `LabelSet`, or None for RGB input.

    Raises:
        ValueError: if the segmenter can't be loaded, or there is nothing to
            measure by.
    """

    def __init__(self, options, scenes, held_back, labels):
        self._options = options
        self._scenes = scenes
        self._held_back = held_back
        self._labels = labels
        self._has_segmenter = labels is not None and options.segmenter != "none"
        default = "mean_iou" if self._has_segmenter else "kernel_distance"
        self._best_by = options.best_by or default
        if self._best_by == "mean_iou" and not self._has_segmenter:
            raise ValueError(
                "`best_by` is mean_iou, but RGB input has no classes. Choose "
                "kernel_distance."
            )
        self._features = self._make_features()
        self._segmenter = None
        if self._has_segmenter and options.segmenter is not None:
            self._segmenter = self._load(options.segmenter)

    def prepare(self):
        """Trains the segmenter, if there is none yet; keeps it with the run."""
        if not self._has_segmenter or self._segmenter is not None:
            return
        # Evaluation loads networks that a run without it does not need.
        from hdgan.evaluation.segmenter_training import train_segmenter

        folder = pathlib.Path(self._options.workdir) / "segmenter"
        path = folder / "segmenter.keras"
        if not path.is_file():
            print(f"Training the segmenter of the validation: {path}")
            scales = self._options.resize_mode not in ("none", "crop")
            train_segmenter(
                self._scenes,
                self._labels,
                folder,
                load_size=self._options.load_size if scales else 0,
                seed=self._options.seed,
            )
        self._segmenter = self._load(path)

    def make_callback(self, folder, policy, steps_per_epoch, last_step):
        """Makes the callback of a phase.

        Args:
            folder: path of the phase.
            policy: `ResizePolicy` of the phase.
            steps_per_epoch: int.
            last_step: int, the step at which the phase ends.

        Returns:
            `Validation`.
        """
        from hdgan.evaluation.ignored_labels import find_ignored
        from hdgan.evaluation.validator import Validator

        ignored = find_ignored(self._labels) if self._labels else ()
        validator = Validator(
            self._held_back,
            policy,
            self._labels,
            self._segmenter,
            self._features,
            ignored,
        )
        return Validation(
            folder,
            validator,
            self._options.val_epochs * steps_per_epoch,
            last_step,
            self._best_by,
            self._options.stop_after,
        )

    def _load(self, path):
        from hdgan.evaluation.segmenter import load_segmenter

        return load_segmenter(path, self._labels)

    def _make_features(self):
        from hdgan.evaluation.feature_networks import make_feature_network

        try:
            return make_feature_network("efficientnet_lite0")
        except ValueError as error:
            if self._best_by == "kernel_distance":
                raise
            logging.warning("No kernel distance in the validation: %s", error)
            return None
