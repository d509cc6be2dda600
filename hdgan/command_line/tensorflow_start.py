"""TensorFlow's import without the lines that it writes each time."""

import contextlib
import os
import pathlib
import subprocess
import sys

_FILTER = pathlib.Path(__file__).with_name("start_up_filter.py")


def import_tensorflow(is_quiet=True):
    """Imports TensorFlow and all of hdgan.

    Args:
        is_quiet: bool, whether lines of level INFO that TensorFlow writes to
            stderr are dropped, at its import and later. Warnings and errors
            are not. Defaults to True.
    """
    if "tensorflow" in sys.modules:
        return
    if not is_quiet:
        _import()
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with filtered_stderr():
        _import()


@contextlib.contextmanager
def filtered_stderr():
    """Drops start-up lines from what is written to file descriptor 2.

    TensorFlow writes them from C++ to the descriptor itself, not to
    `sys.stderr`.
    """
    sys.stderr.flush()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", os.fspath(_FILTER)],
        stdin=subprocess.PIPE,
        # Ctrl-C is this process's to report.
        start_new_session=True,
    )
    stderr = os.dup(2)
    os.dup2(process.stdin.fileno(), 2)
    process.stdin.close()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        process.wait()


def _import():
    import tensorflow as tf

    import hdgan

    hdgan.import_all()
    # Loads the CUDA driver, which is reported as missing only now.
    tf.config.list_physical_devices()
