"""Imports run down the picture in docs/architecture.md."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[2]
# From the bottom of the picture to its top.
LEVELS = (
    ("layers",),
    ("data",),
    ("training", "networks", "preprocessing"),
    ("models",),
    (
        "runs",
        "profiling",
        "serving",
        "reports",
        "evaluation",
        "editing",
        "editor",
    ),
    ("command_line",),
    ("recipes", "tools"),
)
LEVEL_OF = {name: k for k, names in enumerate(LEVELS) for name in names}
# Named in docs/architecture.md, too.
EXCEPTIONS = {
    ("hdgan/data/street/data_set.py", "preprocessing"),
    ("hdgan/profiling/measurements.py", "command_line"),
}


def _list_imports():
    """Returns `(file, its department, department that it imports)`.

    Imports inside of functions are left out: they load a part where it is used.
    """
    found = []
    for folder in ("hdgan", "layers", "recipes", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            own = parts[1] if folder == "hdgan" else folder
            if path.parent == ROOT / "hdgan":
                continue
            for node in ast.parse(path.read_text("utf-8")).body:
                if not isinstance(node, ast.ImportFrom):
                    continue
                other = (node.module or "").removeprefix("hdgan.").split(".")[0]
                if other in LEVEL_OF and node.module.startswith("hdgan."):
                    found.append(("/".join(parts), own, other))
    return found


def test_departments_have_levels():
    folders = {
        path.name
        for path in (ROOT / "hdgan").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    assert folders == set(LEVEL_OF)


def test_imports_run_down():
    imports = _list_imports()
    assert len(imports) > 100
    up = {
        (path, other)
        for path, own, other in imports
        if LEVEL_OF[other] > LEVEL_OF[own]
    }
    assert up == EXCEPTIONS
