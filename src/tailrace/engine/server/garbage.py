"""The garbage collector, kept from stopping the process for what is no garbage.

A full collection looks at every object. Those of the schema cache and of the modules
live as long as the process, or are freed without it, and to look at them takes
milliseconds in which no request is answered. Source: the docs of Python's module gc.
"""

import gc

THRESHOLDS = (50_000, 20, 100)
"""Python's own are 700, 10, 10. Requests leave no cycles behind, so there is little to be found."""


def tune() -> None:
    """To be called once, by the process that answers requests."""
    gc.set_threshold(*THRESHOLDS)


def spare_what_there_is() -> None:
    """Have full collections pass over the objects that live now; takes no time itself."""
    gc.freeze()
