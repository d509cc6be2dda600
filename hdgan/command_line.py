"""How the recipes and tools start and fail."""

import sys

from absl import app, logging


def run(main):
    """Runs `main` with absl's flags; a `ValueError` ends it with one line.

    With `--verbosity=1` the traceback is shown too.

    Args:
        main: function without arguments.
    """

    def guarded(argv):
        if argv[1:]:
            sys.exit(
                f"error: unexpected argument {argv[1]!r}. Expected flags of "
                "the form --name=value; --help lists them."
            )
        try:
            main()
        except ValueError as error:
            logging.debug("Traceback:", exc_info=True)
            sys.exit(f"error: {error}")

    app.run(guarded)
