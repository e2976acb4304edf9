"""Ranges of rows: `limit`, `offset` and the Range header.

Source: PostgREST docs, references/api/pagination_count.
"""

import re
from dataclasses import dataclass

RANGE_HEADER = re.compile(rb"([0-9]{1,400})-([0-9]{0,400})")


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows from `offset` to `last`, both counted from 0 and inclusive; None is no end."""

    offset: int = 0
    last: int | None = None

    @property
    def limit(self) -> int | None:
        return None if self.last is None else 1 + self.last - self.offset

    @property
    def is_empty(self) -> bool:
        return self.last is not None and self.last < self.offset

    @property
    def is_limit_zero(self) -> bool:
        return self.last == -1

    def intersect(self, other: "RowRange") -> "RowRange":
        lasts = [last for last in (self.last, other.last) if last is not None]
        return RowRange(max(self.offset, other.offset), min(lasts) if lasts else None)

    def restrict(self, limit: int | None) -> "RowRange":
        """Let at most `limit` rows through (db-max-rows, `limit=`); a limit of zero stays one."""
        if limit is None or self.is_limit_zero:
            return self
        return self.intersect(RowRange(0, self.offset + limit - 1))


ALL_ROWS = RowRange()
NO_ROWS = RowRange(0, -1)
"""`limit=0`, the one empty range that a request may ask for."""


def parse_range_header(value: bytes) -> RowRange:
    """Read `0-9` or `10-`; anything else asks for all rows."""
    match = RANGE_HEADER.fullmatch(value)
    if match is None:
        return ALL_ROWS
    return RowRange(int(match[1]), int(match[2]) if match[2] else None)
