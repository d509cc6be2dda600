"""Runs recipes and tools, as a user does or inside this process."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import types
import warnings
from unittest import mock

from absl import flags

# A network that trains in a moment.
NARROW = (
    "--base_width=4",
    "--num_downsamplings=1",
    "--num_blocks=1",
    "--num_scales=1",
    "--num_discriminator_layers=1",
    "--discriminator_width=4",
    "--perceptual_network=none",
)


def start(module, *arguments):
    """Starts `python -m hdgan.MODULE` and returns the process."""
    return subprocess.Popen(
        [sys.executable, "-m", f"hdgan.{module}", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )


def finish(process):
    """Waits for a started program; returns its `code`, `out` and `err`."""
    out, err = process.communicate()
    return types.SimpleNamespace(code=process.returncode, out=out, err=err)


def run(module, *arguments):
    """Runs a program that must succeed; returns its stdout."""
    result = finish(start(module, *arguments))
    assert result.code == 0, result.err
    return result.out


def run_inside(module, *arguments):
    """Runs a program in this process, which saves TensorFlow's import.

    Everything else is as with `python -m`, but warnings are errors.

    Returns:
        Its `code`, `out` and `err`.
    """
    name = f"hdgan.{module}"
    # They define flags when they are imported, and other flags next time.
    for loaded in [
        m
        for m in sys.modules
        if m.startswith(("hdgan.recipes", "hdgan.command_line"))
    ]:
        del sys.modules[loaded]
    known = set(flags.FLAGS)
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            mock.patch.object(sys, "argv", [name, *map(str, arguments)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            # runpy warns of a tool that another module has imported.
            warnings.filterwarnings("ignore", ".*found in sys.modules")
            runpy.run_module(name, run_name="__main__", alter_sys=True)
            code = 0
    except SystemExit as stop:
        code = stop.code or 0
        if isinstance(code, str):
            print(code, file=err)
            code = 1
    finally:
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - known)
    return types.SimpleNamespace(
        code=code, out=out.getvalue(), err=err.getvalue()
    )


def assert_one_clear_error(result, *words):
    """Asserts that a program ended with one line that holds all `words`."""
    assert result.code != 0, result.out
    assert "Traceback" not in result.err
    lines = [li for li in result.err.splitlines() if li.startswith("error: ")]
    assert len(lines) == 1, result.err
    for word in words:
        assert str(word) in lines[0]
