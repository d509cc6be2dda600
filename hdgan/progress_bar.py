"""The progress bar of work that takes one scene after the other."""

import sys

import keras


def make_progress_bar(count):
    """Returns a bar, to which `add(1)` adds a scene.

    In a file, such as a scheduler's log, it is one line at the end, without the
    codes that move a terminal's cursor.

    Args:
        count: int, number of scenes.
    """
    return keras.utils.Progbar(
        count, unit_name="scene", verbose=1 if sys.stdout.isatty() else 2
    )
