"""Checkpoints that training goes on from."""

import math
import os
import pathlib
import re
import shutil

import keras

from hdgan.data.files import replacing

_NAME = re.compile(r"step-(\d{8})\.keras")


class TrainingCheckpoint(keras.callbacks.Callback):
    """Saves the whole model, optimizers included, every so many steps.

    A checkpoint is `directory/checkpoints/step-00000500.keras`, written
    elsewhere first. The newest is also `directory/model.keras`, the file that
    the tools take. Unlike `keras.callbacks.BackupAndRestore` it knows the step,
    not only the epoch.

    Training ends with a `ValueError`, and the last checkpoint stays, if the
    losses are no longer finite when it is time for the next.

    Args:
        directory: path of the run.
        every_steps: int >= 1, steps between checkpoints; one more follows the
            last step.
        keep: int >= 1, how many of the newest are kept.
    """

    def __init__(self, directory, every_steps, keep=2):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.every_steps = every_steps
        self.keep = keep
        self._saved_step = None

    def on_train_begin(self, logs=None):
        # A step of several batches: the first ones end none, and what they
        # add up is not part of a checkpoint.
        self._saved_step = self.model.step

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.step
        if step % self.every_steps == 0 and step != self._saved_step:
            self._check_finite(logs)
            self.save()

    def on_train_end(self, logs=None):
        if self.model.step != self._saved_step:
            self._check_finite(logs)
            self.save()

    def _check_finite(self, logs):
        """Keeps weights that are lost from replacing the last good ones."""
        broken = [k for k, v in (logs or {}).items() if not math.isfinite(v)]
        if not broken:
            return
        kept = list_checkpoints(self.directory)
        raise ValueError(
            f"Training has failed: at step {self.model.step} the losses "
            f"{', '.join(broken)} are no longer finite numbers. The last "
            f"checkpoint is {kept[-1] if kept else 'none'}. Train again with a "
            "lower learning rate."
        )

    def save(self):
        """Saves a checkpoint of the model as it is now."""
        step = self.model.step
        folder = self.directory / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"step-{step:08d}.keras"
        with replacing(path) as temporary:
            self.model.save(temporary)
        self._saved_step = step
        link_or_copy(path, self.directory / "model.keras")
        for old in list_checkpoints(self.directory)[: -self.keep]:
            old.unlink()


def link_or_copy(path, other):
    """Gives a file a second name, in place of what has it.

    Args:
        path: the file.
        other: its second name.
    """
    with replacing(other) as new:
        try:
            # No copy of gigabytes.
            os.link(path, new)
        except OSError:  # A file system without hard links.
            shutil.copyfile(path, new)


def list_checkpoints(directory):
    """Returns a run's checkpoints, the oldest first.

    Args:
        directory: path of the run.
    """
    folder = pathlib.Path(directory) / "checkpoints"
    return sorted(
        path for path in folder.glob("step-*.keras") if _NAME.match(path.name)
    )
