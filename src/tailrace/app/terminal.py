"""What the person at the terminal is told.

Goes to the process's own streams even while `sys.stdout` stands for a log file.
"""

import sys
from typing import TextIO


def say(text: str = "") -> None:
    """One line of progress, shown at once even when the output is a file or a pipe."""
    _write(sys.__stdout__, text)


def complain(text: str) -> None:
    _write(sys.__stderr__, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        stream.write(text + "\n")
        stream.flush()
