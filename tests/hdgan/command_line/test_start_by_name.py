"""The command `hdgan` finds every recipe and tool by its name."""

import importlib
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

import hdgan
from hdgan.command_line.commands import find_program, list_commands

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture
def script(tmp_path):
    """The script that an installation writes: a file named `hdgan`."""
    path = tmp_path / "bin" / "hdgan"
    path.parent.mkdir()
    path.write_text(
        "from hdgan.command_line.commands import main\nraise SystemExit(main())"
    )
    return path


def start(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def imported_by(result):
    return set(re.findall(r"\| +([\w.]+)$", result.stderr, re.MULTILINE))


def test_every_program_has_a_command():
    programs = {
        f"hdgan.{folder}.{path.stem}"
        for folder in ("recipes", "tools")
        for path in (ROOT / folder).glob("*.py")
        if path.stem != "__init__"
    }
    assert set(list_commands().values()) == programs


@pytest.mark.parametrize("arguments", [(), ("draw_scenes", "--help")])
def test_help_may_be_cut_off(arguments):
    """As by `hdgan | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        result = subprocess.run(
            [sys.executable, "-m", "hdgan", *arguments],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 0
    assert "Broken pipe" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [(), ("help",), ("train", "-h")])
def test_commands_are_listed_without_tensorflow(arguments):
    result = start("-X", "importtime", "-m", "hdgan", *arguments)
    assert result.returncode == 0, result.stderr
    for name in list_commands():
        assert re.search(rf"^  {name} +[A-Zp]", result.stdout, re.MULTILINE)
    assert not {"tensorflow", "keras"} & imported_by(result)


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (("demo",), "hdgan.recipes.demo"),
        (("train", "pix2pix_256"), "hdgan.recipes.pix2pix_256"),
        (("train", "pix2pix-256"), "hdgan.recipes.pix2pix_256"),
        (("export_savedmodel",), "hdgan.tools.export_savedmodel"),
        (("export-savedmodel",), "hdgan.tools.export_savedmodel"),
    ],
)
def test_names_may_have_dashes(arguments, module):
    flags = ["--model=a-b", "--seed=1"]
    assert find_program([*arguments, *flags]) == (module, flags)


def test_a_missing_recipe_is_named():
    with pytest.raises(ValueError, match=r"after train, found --seed=1\. R"):
        find_program(["train", "--seed=1"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("synthesise",), ("'synthesise'", "mean synthesize")),
        (("export",), ("mean export_onnx, export_savedmodel?",)),
        (("pix2pix_256",), ("mean train pix2pix_256?",)),
        (("train", "demo"), ("mean demo?",)),
        (
            ("train", "pix2pixhd"),
            ("mean train pix2pixhd_1024p, train pix2pixhd_512p?",),
        ),
        (("--data_dir=a",), ("'--data_dir=a'", "Expected one of: demo")),
        (("",), ("Expected one of",)),
    ],
)
def test_an_unknown_name_is_answered_with_similar_ones(
    monkeypatch, arguments, words
):
    monkeypatch.setattr(sys, "argv", ["hdgan", *arguments])
    with pytest.raises(SystemExit) as stop:
        importlib.import_module("hdgan.command_line.commands").main()
    assert stop.value.code.startswith("error: There is no command")
    assert "\n" not in stop.value.code
    for word in words:
        assert word in stop.value.code


def test_an_installed_command_starts_programs(script, tmp_path):
    help = start("-X", "importtime", script, "draw-scenes", "--help")
    assert help.returncode == 0
    assert "--output_dir" in help.stdout
    assert not {"tensorflow", "keras"} & imported_by(help)

    folder = tmp_path / "scenes"
    flags = f"--output_dir={folder}", "--count=1", "--height=16", "--width=32"
    result = start(script, "draw-scenes", *flags)
    assert (result.returncode, result.stderr) == (0, "")
    assert [path.name for path in (folder / "train_img").iterdir()]


def test_the_version_has_one_source(script):
    assert re.fullmatch(r"\d+\.\d+\.\d+", hdgan.__version__)
    result = start(script, "--version")
    assert result.stdout == f"hdgan {hdgan.__version__}\n"

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in settings["project"]
    dynamic = settings["tool"]["setuptools"]["dynamic"]
    assert dynamic["version"] == {"attr": "hdgan.__version__"}
    module, _, name = settings["project"]["scripts"]["hdgan"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))
