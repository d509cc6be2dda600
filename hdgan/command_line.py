"""How the recipes and tools start and fail."""

import sys

from absl import app, flags, logging


def run(main):
    """Runs `main` with absl's flags; what the user can mend ends it in a line.

    That is a wrong flag, a `ValueError` or an `OSError`. With `--verbosity=1`
    the traceback is shown too.

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

    app.run(guarded, flags_parser=_parse)


def _parse(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        message = str(error).replace("\n", "; ")
        sys.exit(f"error: {message} (--help lists the flags.)")
