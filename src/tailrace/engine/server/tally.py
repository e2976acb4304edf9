"""How many connections each of several workers has, in memory that they share.

A slot for each worker, written by that worker alone, so nothing is locked.
"""

import mmap
import struct
import tempfile
from typing import BinaryIO, cast

SLOT = struct.Struct("=I")
ABSENT = 0xFFFF_FFFF
"""Of a worker that takes no connections."""


def tally_file(slots: int) -> BinaryIO:
    """The memory, as a file without a name; every worker is absent."""
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # it stays open as long as the server
    file.write(SLOT.pack(ABSENT) * slots)
    file.flush()
    return file


class Tally:
    """One worker's view of it."""

    def __init__(self, descriptor: int, slot: int) -> None:
        self._counts = memoryview(mmap.mmap(descriptor, 0)).cast("I")
        self._slot = slot

    def set(self, count: int) -> None:
        self._counts[self._slot] = count

    def is_ahead(self) -> bool:
        """Whether another worker has fewer connections."""
        return min(self._counts) < self._counts[self._slot]
