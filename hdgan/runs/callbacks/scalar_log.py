"""Losses, learning rate and speed for TensorBoard."""

import time

import keras
import tensorflow as tf

from hdgan.runs.callbacks.best_effort import best_effort


class ScalarLog(keras.callbacks.Callback):
    """Writes losses, learning rate and speed to TensorBoard every few steps.

    Each value is the mean over the steps since the value before it. The
    remaining steps are written when training ends. Unlike
    `keras.callbacks.TensorBoard`, a resumed run continues the count of steps.

    Args:
        directory: folder of the event files.
        every_steps: int >= 1, steps between values. Defaults to 50.
    """

    def __init__(self, directory, every_steps=50):
        super().__init__()
        self.directory = str(directory)
        self.every_steps = every_steps

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(self.directory)
        self._start_window({}, 0)

    def on_train_batch_end(self, batch, logs=None):
        count = batch + 1
        self._epoch_count = count
        if self.model.step - self._step < self.every_steps:
            return
        # Keras' logs are means over all batches of the epoch.
        sums = {name: float(mean) * count for name, mean in logs.items()}
        self._write(
            {name: sums[name] - self._sums.get(name, 0.0) for name in sums},
            count - self._count,
        )
        self._start_window(sums, count)

    def on_epoch_end(self, epoch, logs=None):
        # The next epoch counts its batches from 0. The sums and the count of
        # those that are not written yet become negative offsets, also over
        # several epochs that are shorter than `every_steps`.
        self._sums = {
            name: self._sums.get(name, 0.0) - float(mean) * self._epoch_count
            for name, mean in logs.items()
        }
        self._count -= self._epoch_count

    def on_test_end(self, logs=None):
        step = self.model.step
        with self._writer.as_default():
            for name, value in (logs or {}).items():
                tf.summary.scalar(f"validation/{name}", float(value), step=step)

    def on_train_end(self, logs=None):
        if self._count < 0:  # Batches that are not written yet.
            self._write({k: -v for k, v in self._sums.items()}, -self._count)
        self._writer.close()

    def _write(self, sums, num_batches):
        """Writes the means of the last batches."""
        step = self.model.step
        values = {f"losses/{name}": sums[name] / num_batches for name in sums}
        seconds = time.monotonic() - self._time
        values["steps_per_second"] = (step - self._step) / seconds
        # On several devices, a constant rate is a variable with a copy on each,
        # which `float` does not read.
        values["learning_rate"] = float(
            keras.ops.convert_to_numpy(
                self.model.generator_optimizer.learning_rate
            )
        )
        with (
            best_effort("Writing TensorBoard's scalars"),
            self._writer.as_default(),
        ):
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)

    def _start_window(self, sums, count):
        self._sums = sums
        self._count = count
        self._step = self.model.step
        self._time = time.monotonic()
