"""Every command and flag that the documentation shows exists."""

import pathlib
import re
import shlex
import sys
from unittest import mock

import programs
import pytest
from absl import flags

from hdgan.command_line.commands import find_program

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "BUILD.md",
        ROOT / "deploy" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
# In an indented line or in inline code; elsewhere hdgan is the library's name.
_COMMAND = re.compile(r"(?:^ {4}|`)hdgan ([^\n`#]*)", re.MULTILINE)
_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_FLAG = re.compile(r"--(\w+)")
# Their text has flags of other programs.
_NOT_OURS = ("deploy/README.md", "BUILD.md")


def _find_commands(text):
    """Returns the arguments of each command `hdgan` of a page."""
    one_line_each = text.replace("\\\n", " ")
    commands = map(shlex.split, _COMMAND.findall(one_line_each))
    # Words in capitals are placeholders.
    return [tuple(c) for c in commands if not any(map(str.isupper, c))]


COMMANDS = sorted(
    {
        command
        for page in PAGES
        for command in _find_commands(page.read_text("utf-8"))
    }
)


def _parse_only(main, argv=None, flags_parser=None):
    """Stands in for `absl.app.run`: parses the flags and stops."""
    if sys.argv[1:]:  # A page may name a program without its required flags.
        flags.FLAGS(sys.argv)


def _list_flags():
    """Returns the names of the flags of all programs."""
    names = {"help"}

    def collect(main, argv=None, flags_parser=None):
        for name in flags.FLAGS:
            is_bool = flags.FLAGS[name].boolean
            names.update({name, f"no{name}"} if is_bool else {name})

    paths = [*(ROOT / "recipes").glob("*.py"), *(ROOT / "tools").glob("*.py")]
    with mock.patch("absl.app.run", collect):
        for path in paths:
            if path.stem != "__init__":
                programs.run_inside(f"{path.parent.name}.{path.stem}")
    return names


def _find_flags(page):
    """Returns the flags of hdgan that a page names in inline code."""
    found = set()
    for line in page.read_text("utf-8").splitlines():
        if page.name == "from_pytorch.md" and line.startswith("|"):
            # The first column has the options of the original PyTorch code.
            line = line.split("|", 2)[2]
        for code in _INLINE_CODE.findall(line):
            found.update(_FLAG.findall(code))
    return found


def test_commands_are_found():
    text = (
        "hdgan trains on pairs; `hdgan train NAME` or\n\n"
        "    hdgan request --url=http://a \\\n  --model='a b'\n"
        "and `hdgan demo` here"
    )
    assert _find_commands(text) == [
        ("request", "--url=http://a", "--model=a b"),
        ("demo",),
    ]
    assert len({command[0] for command in COMMANDS}) >= 10


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_parses(command):
    if command[-1] == "--help":
        command = command[:-1]
    if not command:
        return
    module, arguments = find_program(command)
    with mock.patch("absl.app.run", _parse_only):
        result = programs.run_inside(module.removeprefix("hdgan."), *arguments)
    assert result.code == 0, result.err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_start_programs_by_name(page):
    assert "python -m hdgan." not in page.read_text("utf-8")


def test_what_is_to_be_installed_is_on_an_index_and_fits():
    sources = [
        path
        for folder in ("hdgan", "layers", "recipes", "tools")
        for path in (ROOT / folder).rglob("*.py")
    ]
    for path in [*PAGES, *sources]:
        text = path.read_text("utf-8")
        assert not re.search(r"install [^\n]*hdgan(\[|'|`| )", text), path
        assert "hdgan[" not in text, path
    texts = [p.read_text("utf-8") for p in [*PAGES, *sources]]
    texts.append((ROOT / "pyproject.toml").read_text("utf-8"))
    versions = re.findall(
        r"tensorflow(?:\[and-cuda\]|-serving-api)?~=([\d.]*\d)", "".join(texts)
    )
    assert len(versions) > 6
    assert len(set(versions)) == 1


def test_flags_in_text_exist():
    known = _list_flags()
    assert {"data_dir", "nouse_instances", "fixed_sizes"} <= known
    pages = [p for p in PAGES if not str(p).endswith(_NOT_OURS)]
    unknown = {page.name: _find_flags(page) - known for page in pages}
    assert not any(unknown.values()), unknown


@pytest.mark.parametrize("name", ["README.md", "BUILD.md"])
def test_links_lead_somewhere(name):
    # `make docs` checks those between the pages of the site.
    links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text("utf-8"))
    links = [link for link in links if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
