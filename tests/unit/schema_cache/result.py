"""Rows made by hand, as the driver would give them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class HandmadeRows:
    rows: Sequence[Sequence[bytes | None]]

    @property
    def ntuples(self) -> int:
        return len(self.rows)

    def get_value(self, row_number: int, column_number: int) -> bytes | None:
        return self.rows[row_number][column_number]


def rows(*values: Sequence[object]) -> HandmadeRows:
    """Text as it is, None as NULL, anything else as JSON."""
    return HandmadeRows([[_encode(value) for value in row] for row in values])


def _encode(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()
