"""Folders that pytest's processes share, each filled by the first that asks."""

import contextlib
import fcntl
import os
import shutil


@contextlib.contextmanager
def _locked(path):
    """Within it, no other process is in a block of the same file."""
    with path.open("w") as file:
        # Released when the file is closed.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_once(tmp_path_factory, name, fill):
    """Returns the path of a shared folder; tests must not change what it holds.

    Args:
        tmp_path_factory: pytest's fixture.
        name: str, name of the folder.
        fill: function of the path of a new folder, which writes into it.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Each worker has a folder of its own there.
        root = root.parent
    folder = root / "shared" / name
    folder.parent.mkdir(exist_ok=True)
    with _locked(folder.with_name(f"{name}.lock")):
        if not folder.exists():
            # Only a folder that is complete gets the name.
            unfinished = folder.with_name(f"{name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            fill(unfinished)
            unfinished.rename(folder)
    return folder
