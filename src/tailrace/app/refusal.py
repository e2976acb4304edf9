"""Why the program does not start."""


class CannotStart(Exception):
    """Its text is one sentence for the person at the terminal."""
