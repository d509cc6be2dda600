"""Files and functions that the documentation names exist."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [
    "BUILD.md",
    "docs/architecture.md",
    "docs/from_pytorch.md",
    "docs/performance.md",
    *sorted(f"docs/guides/{p.name}" for p in ROOT.glob("docs/guides/*.md")),
]
# Placeholders have capitals: `hdgan/models/NAME/`.
_PATH = re.compile(
    r"`((?:hdgan|layers|recipes|tools|tests|docs|deploy)/[a-z0-9_./]*)`"
)
_NAME = re.compile(r"`(?:\w+\.)?(\w+)`")


@pytest.mark.parametrize("page", PAGES)
def test_named_files_exist(page):
    paths = _PATH.findall((ROOT / page).read_text("utf-8"))
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert not missing


def _read_journeys():
    """Returns `(function, file)` of the tables that follow one scene."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()]
    return [
        (name, *_PATH.findall(row[2]))
        for row in rows
        if len(row) == 3 and _PATH.fullmatch(row[2])
        for name in _NAME.findall(row[1])
    ]


def test_journeys_name_functions_of_their_files():
    journeys = _read_journeys()
    assert len(journeys) > 15
    for name, path in journeys:
        source = (ROOT / path).read_text("utf-8")
        assert re.search(rf"(def|class|function) {name}\b", source), (
            f"{path}: {name}"
        )


def test_each_department_has_a_page_of_the_reference():
    # Programs explain themselves with --help.
    programs = {"command_line", "recipes", "tools"}
    departments = {p.parent.name for p in ROOT.glob("hdgan/*/__init__.py")}
    for name in departments - programs:
        page = ROOT / "docs" / "api" / f"{name}.md"
        assert f"\n::: hdgan.{name}\n" in page.read_text("utf-8")
