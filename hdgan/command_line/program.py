"""How the recipes and tools start and fail."""

import pathlib
import re
import sys

from absl import app, flags, logging

# What shells take for a program that Ctrl-C ended.
_STOPPED = 130


def run(main):
    """Runs `main` with absl's flags; what the user can mend ends it in a line.

    That is a wrong flag, a `ValueError` or an `OSError`. With `--verbosity=1`
    the traceback is shown too. Ctrl-C ends it in a line as well.

    Args:
        main: function without arguments.
    """

    def guarded(argv):
        if argv[1:]:
            sys.exit(
                f"error: unexpected argument {argv[1]!r}. Expected flags of "
                "the form --name=value; --help lists them."
            )
        if not flags.FLAGS["verbosity"].present:
            # TensorFlow tells of its own steps at the default, INFO.
            logging.set_verbosity(logging.WARNING)
        try:
            main()
        except (OSError, ValueError) as error:
            logging.debug("Traceback:", exc_info=True)
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            logging.debug("Traceback:", exc_info=True)
            print("Stopped.", file=sys.stderr)
            sys.exit(_STOPPED)

    app.run(guarded, flags_parser=_parse)


def parse_sizes(flag, texts):
    """Reads a list of sizes such as `1024x512`.

    Args:
        flag: str, its name, for the error.
        texts: list of str.

    Returns:
        Tuple of `(width, height)`.

    Raises:
        ValueError: if one is of another form.
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
        flag: str, its name, for the error.
        folder: path; where it is none of this machine's (`gs://...`), nothing
            is to be made.

    Raises:
        ValueError: if it can't be made.
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


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        message = str(error).replace("\n", "; ")
        sys.exit(f"error: {message} (--help lists the flags.)")
