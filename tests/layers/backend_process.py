"""Runs a script on another Keras backend than TensorFlow."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

# The modules that a backend needs beside its own.
_MODULES = {
    "tensorflow": ("tensorflow",),
    "jax": ("jax",),
    "numpy": ("jax", "scipy"),
    "torch": ("torch",),
}
BACKENDS = tuple(_MODULES)


def run_script(name, backend, *arguments):
    """Runs a script of this folder, or skips the test without the backend.

    Args:
        name: file name of the script.
        backend: one of `BACKENDS`.
        *arguments: its command line.

    Returns:
        What it printed.
    """
    missing = [
        module
        for module in _MODULES[backend]
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        pytest.skip(f"Keras' {backend} backend needs {' and '.join(missing)}")
    paths = [str(ROOT), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    process = subprocess.run(
        [sys.executable, HERE / name, *arguments],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            # JAX compiles each operation; unoptimized code is there sooner.
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
