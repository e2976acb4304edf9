"""What is sent to Postgres for one request, and what comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(slots=True)
class Statement:
    """SQL with its parameters, in text format, types left to the server (`unknown`)."""

    sql: bytes
    parameters: Sequence[bytes | None] = ()


class IsolationLevel(Enum):
    READ_COMMITTED = "READ COMMITTED"
    REPEATABLE_READ = "REPEATABLE READ"
    SERIALIZABLE = "SERIALIZABLE"


class Rows(Protocol):
    """The rows of one statement; values are in text format, None is NULL."""

    @property
    def ntuples(self) -> int: ...

    def get_value(self, row_number: int, column_number: int) -> bytes | None: ...


@dataclass(slots=True)
class Transaction:
    """The statements of one request, in order; they commit together or not at all.

    Without a verdict, a rollback or an isolation level of its own it needs no
    BEGIN: what stands between two Syncs of a pipeline is one transaction.
    """

    statements: Sequence[Statement]
    isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    rollback: bool = False
    """End with ROLLBACK, after the deferred constraints were checked (`Prefer: tx=rollback`)."""
    verdict: Callable[[Sequence[Rows]], None] | None = None
    """Judges the results before COMMIT; what it raises rolls the transaction back and is passed on."""
    short: bool = False
    """Known to be a read that another request may queue behind on the same connection."""


class PostgresError(Exception):
    """An error that Postgres reported for a statement."""

    def __init__(self, sqlstate: str, message: str, detail: str | None, hint: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint


class ConnectionFailed(Exception):
    """No connection could be made or it was lost; the text is libpq's."""


class AcquisitionTimeout(Exception):
    """No connection became free within db-pool-acquisition-timeout."""
