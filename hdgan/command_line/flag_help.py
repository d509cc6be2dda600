"""The text of `--help`: all flags of a program, and none of libraries."""

import argparse
import os
import sys

from absl import flags

# Absl's names of types, and the placeholders of their values in `--help`.
_VALUES = {"int": "N", "float": "X", "comma separated list of strings": "A,B"}
_COMMON = {
    "--help": "Show this text and stop.",
    "--verbosity=N": "1 shows tracebacks and TensorFlow's own lines, too; -1 "
    "is warnings and errors, -2 errors alone. Default: -1.",
}


def print_help(text):
    """Prints a text that a reader may cut off, as with `| head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Python flushes once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def format_help():
    """Returns the docstring of the program that runs, and its flags.

    Flags that must be given come first.
    """
    groups = {"Required": {}}
    for heading, defined in own_flags().items():
        for flag in defined:
            # Absl's check of required flags is the only validator in use.
            is_required = flag.default is None and flag.validators
            name = "Required" if is_required else heading
            groups.setdefault(name, {})[_format_name(flag)] = _describe(flag)
    groups["Of every command"] = _COMMON
    parser = argparse.ArgumentParser(
        usage=argparse.SUPPRESS,
        description=sys.modules["__main__"].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    for heading, texts in groups.items():
        group = parser.add_argument_group(heading)
        for name, text in texts.items():
            # Only to be shown: absl parses the flags.
            text = text.replace("%", "%%")
            group.add_argument(name, action="store_true", help=text)
    return parser.format_help()


def own_flags():
    """Returns the flags of the program that runs, without those of libraries.

    Returns:
        Dict from a heading to a list of flags, in the order of definition. A
        heading is the `module_name` that a flag was defined with, or "Flags".
    """
    return {
        "Flags" if module == sys.argv[0] else module: defined
        for module, defined in flags.FLAGS.flags_by_module_dict().items()
        # Absl names libraries' flags by their module, and those of a program
        # that has no headings by its path.
        if module not in sys.modules
    }


def _format_name(flag):
    if flag.boolean:
        return f"--[no]{flag.name}"
    if isinstance(flag, flags.EnumFlag):
        return f"--{flag.name}={'|'.join(flag.parser.enum_values)}"
    text = "FOLDER" if flag.name.endswith("dir") else "TEXT"
    return f"--{flag.name}={_VALUES.get(flag.flag_type(), text)}"


def _describe(flag):
    text = flag.help
    if isinstance(flag, flags.EnumFlag):
        # Absl puts the choices before it.
        text = text.partition(">: ")[2]
    if flag.default in (None, [], ""):
        return text  # It says what happens without the flag.
    default = flag.default_as_str.strip("'")
    return f"{text} Default: {default}."
