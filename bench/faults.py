"""What can go wrong with a bench."""


class BenchError(Exception):
    """Something the person at the keyboard can mend, or a peer that did not answer as it must: one sentence."""
