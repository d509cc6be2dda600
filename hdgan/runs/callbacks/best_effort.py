"""Work beside the training, whose failure must not end it."""

import contextlib

from absl import logging


@contextlib.contextmanager
def best_effort(action):
    """Turns an error into a warning.

    Args:
        action: str, what is tried, such as `"Writing the sample page"`.
    """
    try:
        yield
    except Exception as error:
        # Drawing a page or writing to a full disk can raise any type.
        logging.warning("%s failed; training goes on. %s", action, error)
        logging.debug("Traceback:", exc_info=True)
