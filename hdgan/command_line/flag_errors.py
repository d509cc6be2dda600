"""Errors in flags, and the flags that were probably meant."""

import difflib
import re

from absl import flags

from hdgan.command_line.flag_help import own_flags
from hdgan.command_line.pytorch_flags import translate

# Absl's errors for a required flag, and for a value of another type.
_MISSING = re.compile(r"flags? .*: Flag --(\w+) must have .* other than None\.")
_WRONG_TYPE = re.compile(
    r"flag --(\w+)=(.*): (?:invalid literal|could not convert|\('Non-boolean).*"
)
_TYPES = {"int": "an integer", "float": "a number", "bool": "true or false"}


def describe_flag_error(error, arguments):
    """Returns one line for an error in a program's flags.

    Args:
        error: `absl.flags.Error`, or the `ValueError` that absl raises for a
            flag such as `--noflip=1`.
        arguments: list of str, the command line after the program's name.
    """
    if isinstance(error, flags.UnrecognizedFlagError):
        return _describe_unknown(error.flagname, arguments)
    message = "; ".join(
        _MISSING.sub(r"--\1 is missing", line)
        for line in str(error).splitlines()
    )
    match = _WRONG_TYPE.fullmatch(message)
    if match is None:
        return message
    name, value = match.groups()
    kind = _TYPES[flags.FLAGS[name].flag_type()]
    return f"--{name} must be {kind}. Received: {value!r}"


def _describe_unknown(flag, arguments):
    names = [flag.name for own in own_flags().values() for flag in own]
    # Those of boolean flags, such as `noflip`.
    negated = [f"no{name}" for name in names if flags.FLAGS[name].boolean]
    known = [*names, *negated, "verbosity"]
    given = [
        argument.lstrip("-").partition("=")[0]
        for argument in arguments
        if argument.startswith("-")
    ]
    # All of them, as whoever types one by habit types more.
    unknown = [name for name in given if name not in known]
    texts = [translate(name, known) for name in unknown]
    if any(texts):
        return (
            "The original PyTorch code has other names for flags: "
            f"{'; '.join(filter(None, texts))}."
        )
    similar = _find_similar(flag, known)
    if not similar:
        return f"There is no flag --{flag}."
    meant = " or ".join(f"--{name}" for name in similar)
    return f"There is no flag --{flag}. Did you mean {meant}?"


def _find_similar(flag, known):
    """Returns the names that differ in dashes or case alone, or else a bit."""

    def plain(name):
        return re.sub("[-_]", "", name).lower()

    same = [name for name in known if plain(name) == plain(flag)]
    return same or difflib.get_close_matches(flag, known)
