"""Validation during a training, and the best model so far."""

import json
import math
import pathlib

import keras
import tensorflow as tf

from hdgan.data.files import replacing, write_file
from hdgan.runs.callbacks.best_effort import best_effort

_FILE = "validation.json"
# Whether larger is better.
MEASURES = {"mean_iou": True, "kernel_distance": False}


class Validation(keras.callbacks.Callback):
    """Measures the model every few steps, and keeps the best one.

    The values of each step are in `directory/validation.json` and in
    TensorBoard; the best model is `directory/best.keras`. A resumed run reads
    the file, so it keeps the same model and stops where the uninterrupted run
    would have stopped. A validation that fails is a warning.

    Args:
        directory: path of the run.
        validator: function from a model to a dict of floats.
        every_steps: int >= 1, steps between validations.
        last_step: int, the step at which training ends, which is validated,
            too.
        best_by: key of `MEASURES`, by which the best model is chosen.
        stop_after: int, validations without a better model after which the
            training ends. Defaults to None: it goes on.
    """

    def __init__(
        self,
        directory,
        validator,
        every_steps,
        last_step,
        best_by,
        stop_after=None,
    ):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.validator = validator
        self.every_steps = every_steps
        self.last_step = last_step
        self.best_by = best_by
        self.stop_after = stop_after
        self._history = []
        self._validated_step = None

    @property
    def best(self):
        """The entry of the best model, a dict with `step`, or None."""
        sign = 1 if MEASURES[self.best_by] else -1
        entries = [e for e in self._history if _is_number(e, self.best_by)]
        # The first of equal ones.
        return max(entries, key=lambda e: sign * e[self.best_by], default=None)

    def is_over(self, step):
        """Returns whether the training has ended by `stop_after`.

        Args:
            step: int, the step that was reached.
        """
        self._read(step)
        return self._has_stopped()

    def on_train_begin(self, logs=None):
        # Drops the values of steps after the checkpoint: a resumed run measures
        # these steps again.
        self._read(self.model.step)
        self._validated_step = self.model.step
        self._writer = tf.summary.create_file_writer(
            str(self.directory / "tensorboard")
        )

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.step
        # With gradient accumulation several batches are one step.
        is_due = step % self.every_steps == 0 or step == self.last_step
        if is_due and step != self._validated_step:
            self._validate()

    def on_train_end(self, logs=None):
        self._writer.close()

    def _validate(self):
        step = self.model.step
        self._validated_step = step
        with best_effort("Validating"):
            values = self.validator(self.model)
            self._history.append({"step": step, **values})
            is_best = self.best is self._history[-1]
            if is_best:
                path = self.directory / "best.keras"
                with replacing(path) as temporary:
                    self.model.save(temporary)
            # After the model that it names.
            write_file(
                self.directory / _FILE, json.dumps(self._history, indent=1)
            )
            self._report(step, values, is_best)
        if self._has_stopped():
            print(
                f"Stopping: {self.stop_after} validations without a better "
                f"{self.best_by} than {self.best[self.best_by]:.4g}, at step "
                f"{self.best['step']}."
            )
            self.model.stop_training = True

    def _report(self, step, values, is_best):
        text = ", ".join(
            f"{name.replace('_', ' ').replace('iou', 'IoU')} {value:.4g}"
            for name, value in values.items()
        )
        print(
            f"\nValidation at step {step}: {text}{' (best)' if is_best else ''}"
        )
        with self._writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(f"validation/{name}", value, step=step)

    def _has_stopped(self):
        best = self.best
        if self.stop_after is None or best is None:
            return False
        later = [e for e in self._history if e["step"] > best["step"]]
        return len(later) >= self.stop_after

    def _read(self, step):
        path = self.directory / _FILE
        self._history = []
        with best_effort(f"Reading {path}"):
            if path.is_file():
                entries = json.loads(path.read_text("utf-8"))
                self._history = [e for e in entries if e["step"] <= step]


def _is_number(entry, name):
    return math.isfinite(entry.get(name, math.nan))
