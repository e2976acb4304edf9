"""Positions in the write-ahead log, and the files that hold them.

Source: PostgreSQL docs, "WAL Internals"; src/include/access/xlog_internal.h (names of segments).
"""

import re
from dataclasses import dataclass
from typing import Self

_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})", re.ASCII)
_SEGMENT = re.compile(r"[0-9A-F]{24}", re.ASCII)
_BYTES_PER_LOG = 1 << 32


@dataclass(frozen=True, slots=True, order=True)
class Lsn:
    """A byte's position in the log, written as Postgres's type `pg_lsn` is: `0/16B3748`."""

    position: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Errors: ValueError."""
        found = _LSN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no position in the log: write it like 0/16B3748")
        return cls(int(found[1], 16) << 32 | int(found[2], 16))

    def __str__(self) -> str:
        return f"{self.position >> 32:X}/{self.position & 0xFFFFFFFF:X}"


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the log: the timeline it was written on, and its number from the log's beginning."""

    timeline: int
    number: int

    @classmethod
    def parse(cls, name: str, *, size: int) -> Self:
        """Read a segment's file name; `size` is the segments' size in bytes.

        Errors: ValueError.
        """
        if not is_segment(name):
            raise ValueError(f"{name!r} is not the name of a segment of the log")
        per_log = _BYTES_PER_LOG // size
        return cls(int(name[:8], 16), int(name[8:16], 16) * per_log + int(name[16:], 16))

    def name(self, *, size: int) -> str:
        log, rest = divmod(self.number, _BYTES_PER_LOG // size)
        return f"{self.timeline:08X}{log:08X}{rest:08X}"


def is_segment(name: str) -> bool:
    return _SEGMENT.fullmatch(name) is not None
