"""How the recipes and tools start and fail.

A program imports Keras, TensorFlow and the modules that need them inside its
`main`. Only its flags' choices and defaults come from modules at the top, which
import neither. `--help` and errors in flags therefore answer at once, and
`run` decides which of TensorFlow's start-up lines are shown.
"""

import logging as python_logging
import math
import os
import pathlib
import re
import shlex
import signal
import sys

from absl import app, flags, logging

from hdgan.command_line.flag_errors import describe_flag_error
from hdgan.command_line.flag_help import format_help, print_help
from hdgan.command_line.tensorflow_start import import_tensorflow

# A program that a signal ended has this exit code plus the signal's number.
_STOPPED = 128


def run(main):
    """Parses the flags, imports TensorFlow and runs `main`.

    A bad flag, a `ValueError` and an `OSError` end the program with one line,
    `error: ...`. With `--verbosity=1` the traceback and TensorFlow's lines of
    level INFO are shown too. A signal ends it with a line as well, and with the
    exit code 128 plus its number: 130 for Ctrl-C, 143 for SIGTERM.

    Args:
        main: function without arguments.
    """

    def guarded(argv):
        if argv[1:]:
            sys.exit(
                f"error: unexpected argument {argv[1]!r}. Expected flags of "
                "the form --name=value; --help lists them."
            )
        verbosity = flags.FLAGS["verbosity"]
        if not verbosity.present:
            # At absl's default, INFO, TensorFlow logs its own steps.
            logging.set_verbosity(logging.WARNING)
        try:
            is_verbose = verbosity.present and verbosity.value > 0
            # It logs each part of each PNG file.
            python_logging.getLogger("PIL").setLevel(python_logging.INFO)
            import_tensorflow(is_quiet=not is_verbose)
            main()
        except (OSError, ValueError) as error:
            logging.debug("Traceback:", exc_info=True)
            sys.exit(f"error: {error}")
        except KeyboardInterrupt as stop:
            logging.debug("Traceback:", exc_info=True)
            print(str(stop) or "Stopped.", file=sys.stderr)
            # A run that stopped after a checkpoint knows its signal.
            number = getattr(stop, "number", signal.SIGINT)
            if hasattr(stop, "number"):
                print(f"Continue it with: {_resume_command()}", file=sys.stderr)
            sys.exit(_STOPPED + number)

    app.run(guarded, flags_parser=_parse)


def command(module, **flag_values):
    """Returns a shell command that starts a program of hdgan.

    It names the Python that runs now, so that it works when it is pasted
    outside of the virtual environment.

    Args:
        module: str, such as `"hdgan.tools.synthesize"`.
        **flag_values: values of its flags.

    Example:
        >>> program.command("hdgan.tools.synthesize", model="model.keras")
        '.venv/bin/python -m hdgan.tools.synthesize --model=model.keras'
    """
    # Not resolved: the link inside a virtual environment is what activates it.
    python = pathlib.Path(sys.executable)
    if python.is_relative_to(pathlib.Path.cwd()):
        python = python.relative_to(pathlib.Path.cwd())
    arguments = [f"--{name}={value}" for name, value in flag_values.items()]
    return shlex.join([os.fspath(python), "-m", module, *arguments])


def parse_sizes(flag, texts):
    """Reads a list of sizes such as `1024x512`.

    Args:
        flag: str, name of the flag, for the error.
        texts: list of str.

    Returns:
        Tuple of `(width, height)`, in pixels.

    Raises:
        ValueError: if a text has another form.
    """
    sizes = []
    for text in texts:
        match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
        if match is None:
            raise ValueError(
                f"--{flag} must be WIDTHxHEIGHT, each at least 1, with commas "
                f"between, such as 512x256,1024x512. Received: {text!r}"
            )
        sizes.append(tuple(map(int, match.groups())))
    return tuple(sizes)


def make_folder(flag, folder):
    """Makes a folder for results, if it is missing.

    Args:
        flag: str, name of the flag, for the error.
        folder: path. Remote ones (`gs://...`) need no folder.

    Raises:
        ValueError: if the folder can't be made.
    """
    if "://" in str(folder):
        return
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--{flag}={folder} can't be made: {error}. Expected the path of a "
            "folder."
        ) from error


def _resume_command():
    arguments = sys.orig_argv
    # The demo resumes by itself.
    if "resume" in flags.FLAGS and "--resume" not in arguments:
        arguments = [*arguments, "--resume"]
    return shlex.join(arguments)


def _parse(argv):
    if not {"--help", "-help", "-h", "-?"}.isdisjoint(argv[1:]):
        print_help(format_help())
        sys.exit()
    try:
        rest = flags.FLAGS(argv)
    except (flags.Error, ValueError) as error:
        message = describe_flag_error(error, argv[1:])
        sys.exit(f"error: {message} (--help lists the flags.)")
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        # NaN passes most checks of a range, because it fails every comparison.
        if isinstance(value, float) and not math.isfinite(value):
            sys.exit(f"error: --{name} must be finite. Received: {value}")
    return rest
