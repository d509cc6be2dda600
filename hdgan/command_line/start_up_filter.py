"""Copies stdin to stderr without the lines that TensorFlow writes at import.

A program of its own, started by `tensorflow_start`: unlike a thread or a file
that is read later, it still passes on the last words of a process that aborts.
It imports nothing of hdgan and starts in 20 ms.
"""

import re
import sys

# Written whatever the log level is, as C++ logging is not set up yet.
_START_UP_LINES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called"
    rb"|I\d{4} "
    rb"|\d{4}-\d\d-\d\d [\d:.]+: I "
    rb"|To enable the following instructions: "
    # 303: there is no CUDA driver. Other errors concern a GPU that is there.
    rb"|E\d{4} .*failed call to cuInit: .*\(303\)"
)


def main():
    for line in sys.stdin.buffer:
        if not _START_UP_LINES.match(line):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()
