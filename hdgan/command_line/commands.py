"""The command `hdgan`, which starts recipes and tools by their names.

    hdgan train pix2pixhd_512p --data_dir=data --workdir=runs/first

does the same as `python -m hdgan.recipes.pix2pixhd_512p` with these flags.
"""

import ast
import difflib
import pathlib
import runpy
import sys

import hdgan
from hdgan.command_line.flag_help import print_help

_USAGE = """\
hdgan {version}: photographs from label maps.

    hdgan COMMAND --flag=value ...

starts one of these commands, and hdgan COMMAND --help lists its flags.
"""


def main():
    """Starts the program that the command line names, or lists all."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(f"hdgan {hdgan.__version__}")
        return
    words = arguments[1:] if arguments[:1] == ["train"] else arguments
    if not words or words[0] in ("--help", "-h", "help"):
        print_help(_describe_commands())
        return
    try:
        module, flags = find_program(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    sys.argv[1:] = flags
    # Defines the flags and runs the program, as `python -m` does.
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def find_program(arguments):
    """Finds the program of a command line.

    Args:
        arguments: list of str, such as `["synthesize", "--seed=1"]`. Names may
            have dashes instead of underscores.

    Returns:
        The name of the program's module and the list of its flags.

    Raises:
        ValueError: if there is no such command.
    """
    num_words = 2 if arguments[0] == "train" else 1
    words, flags = arguments[:num_words], arguments[num_words:]
    name = " ".join(words).replace("-", "_")
    commands = list_commands()
    if arguments[0] == "train" and words[-1].startswith("--"):
        recipes = [c.split()[1] for c in commands if c.startswith("train ")]
        raise ValueError(
            f"Expected the name of a recipe after train, found {words[-1]}. "
            f"Recipes: {', '.join(recipes)}. Example: hdgan train "
            f"{recipes[0]} {words[-1]}"
        )
    if name not in commands:
        last = name.rpartition(" ")[2]
        similar = [command for command in commands if last and last in command]
        similar = similar or difflib.get_close_matches(name, commands)
        advice = (
            f"Did you mean {', '.join(similar)}?"
            if similar
            else f"Expected one of: {', '.join(commands)}."
        )
        raise ValueError(
            f"There is no command {' '.join(words)!r}. {advice} "
            "(hdgan --help describes them.)"
        )
    return commands[name], flags


def list_commands():
    """Returns a dict from each command to the name of its module."""
    commands = {"demo": "hdgan.recipes.demo"}
    for folder, prefix in (("recipes", "train "), ("tools", "")):
        for path in sorted(_folder(folder).glob("*.py")):
            module = f"hdgan.{folder}.{path.stem}"
            if path.stem != "__init__" and module not in commands.values():
                commands[prefix + path.stem] = module
    return commands


def _describe_commands():
    commands = list_commands()
    width = max(map(len, commands))
    lines = [_USAGE.format(version=hdgan.__version__)]
    for name, module in commands.items():
        _, folder, stem = module.split(".")
        source = (_folder(folder) / f"{stem}.py").read_text("utf-8")
        # Not imported: all programs would define their flags.
        summary = ast.get_docstring(ast.parse(source)).splitlines()[0]
        lines.append(f"  {name:{width}}  {summary}")
    return "\n".join(lines)


def _folder(name):
    return pathlib.Path(hdgan.__file__).parent / name
