"""Ending a run on a signal, after its checkpoint is written."""

import contextlib
import signal
import sys
import threading

import keras

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP.


class RunStopped(KeyboardInterrupt):
    """A signal ended the run, and a checkpoint was written.

    Args:
        number: int, the signal.
        step: int, the step of the checkpoint.
        path: path of the checkpoint.
    """

    def __init__(self, number, step, path):
        super().__init__(
            f"Stopped by {signal.Signals(number).name} at step {step}. The "
            f"checkpoint is {path}."
        )
        self.number = number


class StopOnSignal(keras.callbacks.Callback):
    """Ends training after the step in which a signal arrives.

    The signals are Ctrl-C (SIGINT), SIGTERM, which schedulers send before they
    kill, and SIGHUP of a closed terminal. A second one acts at once.
    """

    def __init__(self):
        super().__init__()
        self.received = None

    @contextlib.contextmanager
    def listening(self):
        """Handles the signals inside of a `with` statement."""
        if threading.current_thread() is not threading.main_thread():
            # Python delivers signals to the main thread only.
            yield
            return
        names = [name for name in _SIGNALS if hasattr(signal, name)]
        before = {
            name: signal.getsignal(getattr(signal, name)) for name in names
        }
        # `nohup` ignores SIGHUP.
        self._handlers = {
            getattr(signal, name): handler
            for name, handler in before.items()
            if handler is not signal.SIG_IGN
        }
        try:
            for number in self._handlers:
                signal.signal(number, self._receive)
            yield
        finally:
            self._restore()

    def on_train_batch_end(self, batch, logs=None):
        if self.received is not None:
            self.model.stop_training = True

    def _receive(self, number, frame):
        self.received = number
        self._restore()
        print(
            "\nStopping after this step, with a checkpoint. Ctrl-C again stops "
            "at once, without one.",
            file=sys.stderr,
        )

    def _restore(self):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
