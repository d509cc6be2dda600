"""TensorFlow's import without the lines that it writes each time."""

import contextlib
import os
import re
import signal
import sys
import threading

# Written at import to the file descriptor itself, whatever the log level is:
# C++ logging is not set up yet.
_START_UP_LINES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called"
    rb"|I\d{4} "
    rb"|\d{4}-\d\d-\d\d [\d:.]+: I "
    rb"|To enable the following instructions: "
    # 303: there is no CUDA driver. Other errors concern a GPU that is there.
    rb"|E\d{4} .*failed call to cuInit: .*\(303\)"
)


def import_tensorflow(is_quiet=True):
    """Imports TensorFlow and all of hdgan.

    Args:
        is_quiet: bool, whether lines of level INFO that TensorFlow writes to
            stderr are dropped, at its import and later. Warnings and errors
            are not.
    """
    if "tensorflow" in sys.modules:
        return
    if not is_quiet:
        _import()
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with _filtered_stderr():
        _import()


def _import():
    import tensorflow as tf

    import hdgan

    hdgan.import_all()
    # Loads the CUDA driver, which is reported as missing only now.
    tf.config.list_physical_devices()


@contextlib.contextmanager
def _filtered_stderr():
    """Drops start-up lines from what is written to file descriptor 2.

    A child process filters: unlike a thread or a file that is read later, it
    still passes on the last words of a process that aborts.
    """
    sys.stderr.flush()
    if not hasattr(os, "fork") or threading.active_count() > 1:
        yield
        return
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        _filter_lines(reader)
    os.close(reader)
    stderr = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        os.waitpid(child, 0)


def _filter_lines(reader):
    """Copies lines to stderr until the last writer is gone, then exits."""
    try:
        # Ctrl-C is the parent's to report.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open(reader, "rb") as lines:
            for line in lines:
                if not _START_UP_LINES.match(line):
                    os.write(2, line)
    finally:
        # Without the parent's exit handlers and buffers.
        os._exit(0)
