"""The tables of PyTorch options are those that programs answer with."""

import pathlib
import re

import programs
import pytest
from absl import app, flags

from hdgan.command_line.pytorch_flags import TESTING, TRAINING

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "from_pytorch.md"
_OPTION = re.compile(r"`--(\w+)[^`]*`")


def _read_table(heading):
    """Returns a dict from each option of a table to its equivalent here."""
    _, _, text = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.partition("\n## ")[0].splitlines()
        if line.startswith("|")
    ]
    return {
        option: here.replace("`", "")
        for original, here, _ in rows
        for option in _OPTION.findall(original)
    }


@pytest.mark.parametrize(
    ("heading", "table"),
    [("Training options", TRAINING), ("Test options", TESTING)],
)
def test_the_page_has_what_programs_answer(heading, table):
    shown = _read_table(heading)
    same_name = {
        name
        for name, here in shown.items()
        if re.match(rf"--{name}\b", here) and name not in table
    }
    assert {n: h for n, h in shown.items() if n not in same_name} == table


def _list_flags(monkeypatch, *modules):
    names = set()

    def collect(main, argv=None, flags_parser=None):
        for name in flags.FLAGS:
            names.update((name, f"no{name}"))

    monkeypatch.setattr(app, "run", collect)
    for module in modules:
        programs.run_inside(module)
    return names


def test_the_answers_name_flags_that_exist(monkeypatch):
    recipes = ("pix2pixhd_512p", "pix2pixhd_1024p", "spade_512x256")
    for table, modules in (
        (TRAINING, [f"recipes.{name}" for name in recipes]),
        (TESTING, ["tools.synthesize", "tools.convert_checkpoint"]),
    ):
        known = _list_flags(monkeypatch, *modules)
        named = set(re.findall(r"--(\w+)", " ".join(table.values())))
        assert named
        assert named <= known
