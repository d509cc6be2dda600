"""Checkpoints from which training is resumed."""

import math
import os
import pathlib
import re
import shutil
import time

import keras

from hdgan.data.files import replacing
from hdgan.models.finite_weights import describe_not_finite

_NAME = re.compile(r"step-(\d{8})\.keras")


class TrainingCheckpoint(keras.callbacks.Callback):
    """Saves the model and its optimizers every few steps.

    A checkpoint is `directory/checkpoints/step-00000500.keras`, written
    atomically. The newest is also `directory/model.keras`, the file that the
    tools take. Unlike `keras.callbacks.BackupAndRestore`, it keeps the step,
    not only the epoch.

    Args:
        directory: path of the run.
        every_steps: int >= 1, steps between checkpoints. One more checkpoint
            follows the last step.
        every_minutes: float > 0, minutes after which a checkpoint is saved
            although fewer steps have passed. Defaults to None, no such limit.
        keep: int >= 1, number of the newest checkpoints to keep. Defaults to 2.

    Raises:
        ValueError: while training, if a loss or a weight is not finite when a
            checkpoint is due. The last checkpoint stays.
    """

    def __init__(self, directory, every_steps, every_minutes=None, keep=2):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.every_steps = every_steps
        self.every_minutes = every_minutes
        self.keep = keep
        self._saved_step = None

    def on_train_begin(self, logs=None):
        # With gradient accumulation the first batches do not end a step, and
        # their sums are not part of a checkpoint.
        self._saved_step = self.model.step
        self._saved_time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        minutes = (time.monotonic() - self._saved_time) / 60
        is_late = self.every_minutes is not None and (
            minutes >= self.every_minutes
        )
        if self.model.step % self.every_steps == 0 or is_late:
            self.save_new(logs)

    def on_train_end(self, logs=None):
        self.save_new(logs)

    @property
    def newest(self):
        """Path of the newest checkpoint, or None."""
        return next(reversed(list_checkpoints(self.directory)), None)

    def save_new(self, logs=None):
        """Saves a checkpoint, unless there is one of this step.

        Args:
            logs: dict of losses. Defaults to None, losses that are not known.

        Raises:
            ValueError: if a loss or a weight is not finite.
        """
        if self.model.step != self._saved_step:
            self._check_losses(logs)
            self.save()

    def _check_losses(self, logs):
        broken = [k for k, v in (logs or {}).items() if not math.isfinite(v)]
        if broken:
            self._fail(f"the losses {', '.join(broken)} are not finite")

    def _fail(self, reason):
        """Keeps NaN weights from replacing the last good checkpoint."""
        raise ValueError(
            f"Training failed: at step {self.model.step}, {reason}. The last "
            f"checkpoint is {self.newest or 'none'}. Train again with a lower "
            "learning rate."
        )

    def save(self):
        """Saves a checkpoint of the model's current state.

        Raises:
            ValueError: if a weight is not finite.
        """
        # The losses are those before the update, and say nothing of it.
        not_finite = describe_not_finite(self.model)
        if not_finite:
            self._fail(f"the model {not_finite}")
        step = self.model.step
        folder = self.directory / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"step-{step:08d}.keras"
        with replacing(path) as temporary:
            self.model.save(temporary)
        self._saved_step = step
        self._saved_time = time.monotonic()
        link_or_copy(path, self.directory / "model.keras")
        for old in list_checkpoints(self.directory)[: -self.keep]:
            old.unlink()


def link_or_copy(path, other):
    """Gives a file a second name, as a hard link or a copy.

    Args:
        path: the file.
        other: its second name; a file of that name is replaced.
    """
    with replacing(other) as new:
        try:
            # No copy of gigabytes.
            os.link(path, new)
        except OSError:  # A file system without hard links.
            shutil.copyfile(path, new)


def list_checkpoints(directory):
    """Returns the checkpoints of a run, the oldest first.

    Args:
        directory: path of the run.
    """
    folder = pathlib.Path(directory) / "checkpoints"
    return sorted(
        path for path in folder.glob("step-*.keras") if _NAME.match(path.name)
    )
