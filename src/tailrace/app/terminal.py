"""What the person at the terminal is told."""

import sys


def say(text: str = "") -> None:
    """One line of progress, shown at once even when the output is a file or a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
