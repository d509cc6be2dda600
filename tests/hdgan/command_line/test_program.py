"""Programs answer --help without TensorFlow and print only their own lines."""

import os
import pathlib
import re
import subprocess
import sys
from unittest import mock

import pytest
from absl import flags
from programs import NARROW, assert_one_clear_error, run_inside

from hdgan.command_line import program
from hdgan.data.street.data_set import draw_scenes

ROOT = pathlib.Path(__file__).parents[3]
PROGRAMS = sorted(
    f"hdgan.{folder}.{path.stem}"
    for folder in ("recipes", "tools")
    for path in (ROOT / folder).glob("*.py")
    if path.stem != "__init__"
)
START_UP_LINES = ("oneDNN", "cuda", "cpu_feature_guard", "InitializeLog")


def start(*arguments, **environment):
    """Runs Python as a user does, without the log level of the tests."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if name != "TF_CPP_MIN_LOG_LEVEL"
    }
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**variables, **environment},
    )


@pytest.mark.parametrize("module", PROGRAMS)
def test_help_does_not_wait_for_tensorflow(module):
    """Its import takes seconds, everything else a fraction of one."""
    result = start("-X", "importtime", "-m", module, "--help")
    assert result.returncode == 0
    assert "--verbosity" in result.stdout
    imported = re.findall(r"\| +([\w.]+)$", result.stderr, re.MULTILINE)
    assert "hdgan" in imported
    assert not {"tensorflow", "keras"} & set(imported)


def list_flags(module):
    """Returns the names of the flags that a program itself defines."""
    names, known = set(), set(flags.FLAGS)

    def collect(main, argv=None, flags_parser=None):
        names.update(set(flags.FLAGS) - known)

    with mock.patch("absl.app.run", collect):
        run_inside(module.removeprefix("hdgan."))
    return names


@pytest.mark.parametrize("module", PROGRAMS)
def test_help_lists_all_flags_and_none_of_libraries(module):
    result = run_inside(module.removeprefix("hdgan."), "--help")
    assert result.code == 0
    shown = re.findall(r"^  --(?:\[no\])?(\w+)", result.out, re.MULTILINE)
    assert sorted(shown) == sorted(list_flags(module) | {"help", "verbosity"})


@pytest.mark.parametrize(
    ("module", "required"),
    [
        ("tools.synthesize", {"model", "label_dir", "output_dir"}),
        ("recipes.spade_512x256", {"data_dir", "workdir"}),
    ],
)
def test_help_begins_with_the_flags_that_must_be_given(module, required):
    _, _, text = run_inside(module, "-h").out.partition("\nRequired:\n")
    first = re.findall(r"^  --(\w+)=", text.partition("\n\n")[0], re.MULTILINE)
    assert set(first) == required


def test_help_groups_the_flags_of_a_recipe():
    text = run_inside("recipes.pix2pixhd_1024p", "--help").out
    groups = dict(
        re.findall(r"^(\w[\w ]+):\n((?:  .*\n)+)", text, re.MULTILINE)
    )
    assert "--load_size=N" in groups["Data"]
    assert "--feature_matching_weight=X" in groups["Losses"]
    assert "Default: 10.0." in groups["Losses"]
    assert "--base_width=N" in groups["Networks"]
    assert "--[no]resume" in groups["Run"]
    assert "--global_model=TEXT" in groups["Phases"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    draw_scenes(data_dir, "train", 2, 32, 64)
    return data_dir


@pytest.fixture(scope="module")
def commands(data_dir):
    """The command lines of a recipe and of a tool."""
    return {
        "recipe": (
            "-m",
            "hdgan.recipes.pix2pixhd_512p",
            f"--data_dir={data_dir}",
            f"--workdir={data_dir / 'run'}",
            "--load_size=64",
            *NARROW[:-1],
            # Needs weights that the machine may not have.
            "--perceptual_weight=0",
            "--dry_run",
        ),
        "tool": (
            "-m",
            "hdgan.tools.draw_scenes",
            f"--output_dir={data_dir / 'drawn'}",
            "--count=1",
            "--height=16",
            "--width=32",
        ),
    }


@pytest.mark.parametrize("name", ["recipe", "tool"])
def test_start_up_lines_are_dropped(commands, name):
    result = start(*commands[name])
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_start_up_lines_are_shown_on_request(commands):
    result = start(*commands["recipe"], "--verbosity=1")
    assert result.returncode == 0, result.stderr
    assert any(text in result.stderr for text in START_UP_LINES)


def test_our_warnings_are_shown(commands):
    result = start(
        *commands["recipe"],
        "--perceptual_weight=1",
        # A home folder without weights, and no way out to download them.
        KERAS_HOME=os.devnull + "/keras",
        https_proxy="http://127.0.0.1:9",
    )
    assert "perceptual loss is OFF" in result.stderr
    assert "--perceptual_network=efficientnet_lite0" in result.stderr
    assert not any(text in result.stderr for text in START_UP_LINES)


_LAST_WORDS = """
import os, sys
sys.argv, sys.orig_argv = ["-m"], ["python", "-m", "hdgan.tools.x"]
from hdgan.command_line.tensorflow_start import filtered_stderr
with filtered_stderr():
    os.write(2, b"I0000 00:00:1.2  7 port.cc:153] oneDNN is on.\\n")
    os.write(2, b"E0000 00:00:1.2  7 cuda_dnn.cc:9] something is wrong\\n")
    os.write(2, b"F0000 00:00:1.2  7 check.cc:1] Check failed")
    os.abort()
"""


def test_the_last_words_of_a_crash_are_shown():
    result = start("-c", _LAST_WORDS)
    assert result.returncode < 0
    assert "something is wrong" in result.stderr
    assert result.stderr.endswith("Check failed")
    assert "oneDNN is on" not in result.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize(
    ("module", "flag"),
    [
        ("tools.benchmark", "seconds"),
        ("tools.request", "timeout"),
        ("recipes.pix2pixhd_512p", "feature_matching_weight"),
        ("recipes.pix2pix_256", "dropout_rate"),
    ],
)
def test_numbers_that_are_not_finite_are_refused(module, flag, value):
    needed = {
        "tools.benchmark": (),
        "tools.request": (
            "--url=http://localhost",
            "--label_dir=a",
            "--output_dir=b",
        ),
    }
    run = ("--data_dir=data", "--workdir=run")
    result = run_inside(module, *needed.get(module, run), f"--{flag}={value}")
    assert_one_clear_error(result, f"--{flag} must be finite")


def test_a_printed_command_names_the_python_that_runs(monkeypatch, tmp_path):
    environment = tmp_path / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(environment))
    monkeypatch.chdir(tmp_path)
    command = program.command("hdgan.tools.x", model="a b", size=3)
    assert command == ".venv/bin/python -m hdgan.tools.x '--model=a b' --size=3"
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert program.command("m") == "/usr/bin/python3 -m m"
