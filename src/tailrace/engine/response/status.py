"""Statuses of answers: of a range of rows, and as the database may override them."""

import re

from tailrace.engine.errors import InvalidResponseStatus

LEADING_DIGITS = re.compile(rb"[0-9]+")
FINAL_STATUSES = range(200, 1000)
"""What can end an exchange; a client would go on waiting after 1xx."""


def range_status(offset: int, rows: int, total: int | None) -> int:
    """Status of `rows` rows from `offset` of `total` (None if not counted).

    Source: PostgREST docs, references/api/pagination_count: 416 begins one row
    after the end, 206 says that there are more rows than these.
    """
    if total is None:
        return 200
    if offset > total:
        return 416
    return 206 if rows < total else 200


def override_status(setting: bytes) -> int:
    """Read response.status, of which the leading digits count.

    Errors: InvalidResponseStatus (PGRST112, 500), also for numbers that are no final status.
    """
    digits = LEADING_DIGITS.match(setting)
    status = int(digits[0]) if digits is not None and len(digits[0]) < 10 else 0
    if status not in FINAL_STATUSES:
        raise InvalidResponseStatus
    return status


def has_body(status: int) -> bool:
    """RFC 9110, 6.4.1: answers of some statuses end with their headers, whatever Content-Length says."""
    return status not in (204, 304)
