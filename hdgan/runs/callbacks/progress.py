"""How far a run is, and when it will end."""

import datetime
import sys
import time

import keras

# Seconds between lines.
_IN_TERMINAL = 0.5
_IN_FILE = 30.0


class Progress(keras.callbacks.Callback):
    """Prints step, speed, time left and losses of the whole run.

    In a terminal one line is rewritten. In a file, such as a scheduler's log, a
    plain line is added every 30 seconds.

    Args:
        steps_before: int, steps of the run's earlier phases.
        total_steps: int, steps of the whole run.
        steps_per_epoch: int.
        scenes_per_step: int.
    """

    def __init__(
        self, steps_before, total_steps, steps_per_epoch, scenes_per_step
    ):
        super().__init__()
        self.steps_before = steps_before
        self.total_steps = total_steps
        self.steps_per_epoch = steps_per_epoch
        self.scenes_per_step = scenes_per_step
        self._first = None

    def on_train_begin(self, logs=None):
        self._is_terminal = sys.stdout.isatty()
        self._printed_step = self.model.step
        self._next_time = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self._first is None:
            # The first step also traces and compiles.
            self._first = self.model.step, now
        if now >= self._next_time and self.model.step != self._printed_step:
            self._print(logs)
            self._next_time = now + (
                _IN_TERMINAL if self._is_terminal else _IN_FILE
            )

    def on_train_end(self, logs=None):
        if self.model.step != self._printed_step:
            self._print(logs)
        if self._is_terminal:
            print()

    def _print(self, logs):
        step = self.model.step
        self._printed_step = step
        done = self.steps_before + step
        parts = [
            f"step {done} of {self.total_steps}",
            f"epoch {-(-done // self.steps_per_epoch)} of "
            f"{-(-self.total_steps // self.steps_per_epoch)}",
            *self._describe_speed(step, done),
            *(f"{name} {float(value):.3g}" for name, value in logs.items()),
        ]
        line = ", ".join(parts)
        if self._is_terminal:
            # Back to the start of the line; clears the rest of the old one.
            print(f"\r{line}\x1b[K", end="", flush=True)
        else:
            print(line, flush=True)

    def _describe_speed(self, step, done):
        first_step, first_time = self._first
        if step == first_step:
            return []
        seconds = time.monotonic() - first_time
        rate = (step - first_step) / seconds
        left = datetime.timedelta(
            seconds=round((self.total_steps - done) / rate)
        )
        end = datetime.datetime.now() + left
        return [
            f"{rate * self.scenes_per_step:.3g} scenes/s",
            f"{left} left, until {end:%Y-%m-%d %H:%M}",
        ]
