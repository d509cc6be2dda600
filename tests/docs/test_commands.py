"""Every command and flag that the documentation shows exists."""

import pathlib
import re
import shlex
import sys
from unittest import mock

import programs
import pytest
from absl import flags

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "BUILD.md",
        ROOT / "deploy" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
_COMMAND = re.compile(
    r"python -m hdgan\.((?:recipes|tools)\.[a-z]\w*)([^\n`#]*)"
)
_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_FLAG = re.compile(r"--(\w+)")
# Their text has flags of other programs.
_NOT_OURS = ("deploy/README.md", "BUILD.md")


def _find_commands(text):
    """Returns `(module, arguments)` of each command of a page."""
    one_line_each = text.replace("\\\n", " ")
    return [
        (module, tuple(shlex.split(arguments)))
        for module, arguments in _COMMAND.findall(one_line_each)
    ]


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
        "    python -m hdgan.tools.request --url=http://a \\\n  --model='a b'\n"
    )
    assert _find_commands(text) == [
        ("tools.request", ("--url=http://a", "--model=a b"))
    ]
    assert len({module for module, _ in COMMANDS}) >= 10


@pytest.mark.parametrize(
    ("module", "arguments"), COMMANDS, ids=[" ".join(c[:1]) for c in COMMANDS]
)
def test_command_parses(module, arguments):
    with mock.patch("absl.app.run", _parse_only):
        result = programs.run_inside(module, *arguments)
    assert result.code == 0, result.err


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
