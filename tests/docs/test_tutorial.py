"""The tutorial notebook runs from top to bottom."""

import json
import os
import pathlib
import resource
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"

# Warnings are errors, as in all tests, but not those of TensorFlow's import.
_PREAMBLE = """
import warnings

import hdgan, tensorflow

warnings.simplefilter("error")
# TensorFlow 2.21 under NumPy 2.4.
warnings.filterwarnings("ignore", "__array__ implementation")
"""


def _code_cells():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_outputs_are_stripped():
    for cell in _code_cells():
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.journey
def test_tutorial_runs(tmp_path):
    script = tmp_path / "tutorial.py"
    sources = ["".join(cell["source"]) for cell in _code_cells()]
    script.write_text("\n\n".join([_PREAMBLE, *sources]))

    before = _children_seconds()
    result = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
    )
    assert result.returncode == 0, result.stderr
    # It promises less than a minute on two cores, however busy they are now.
    assert _children_seconds() - before < 120
    assert (tmp_path / "streets.keras").is_file()
    assert (tmp_path / "serving" / "streets" / "1").is_dir()
