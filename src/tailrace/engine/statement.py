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
    binary: bool = False
    """Fetch the results in binary format, so that a bytea comes as it is."""
    once: bool = False
    """Not known to be sent again, and so not worth to be kept prepared by the connection."""


class IsolationLevel(Enum):
    READ_COMMITTED = "READ COMMITTED"
    REPEATABLE_READ = "REPEATABLE READ"
    SERIALIZABLE = "SERIALIZABLE"


class Rows(Protocol):
    """The rows of one statement; values are in text format unless it asked for binary, None is NULL."""

    @property
    def ntuples(self) -> int: ...

    def get_value(self, row_number: int, column_number: int) -> bytes | None: ...


class Flow(Protocol):
    """The tap of a streamed result."""

    def pause(self) -> None:
        """Take no more rows from Postgres until `resume`; what is in memory may still come."""

    def resume(self) -> None: ...

    def cancel(self) -> None:
        """Ask Postgres to end the statement, for nobody waits for it any more."""


class RowStream(Protocol):
    """Takes the rows of one statement as they come, so that they need not fit into memory."""

    def rows(self, rows: Rows, flow: Flow) -> None: ...


SHORT = 0.01
"""Seconds of service that others can be let wait for."""
TINY = 0.001
"""Seconds of service below which several may share a write, though connections are idle."""
WEIGHT_OF_LAST = 0.2


class Cost:
    """How long Postgres takes for the statements of a plan: a moving average, unknown at first."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: float | None = None

    def observe(self, seconds: float) -> None:
        before = self.seconds
        self.seconds = seconds if before is None else before + WEIGHT_OF_LAST * (seconds - before)

    @property
    def is_short(self) -> bool:
        return self.seconds is not None and self.seconds < SHORT

    @property
    def is_tiny(self) -> bool:
        return self.seconds is not None and self.seconds < TINY


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
    cost: "Cost | None" = None
    """Of reads, which others may queue behind on the same connection once they are known to be short."""
    stream: RowStream | None = None
    """Is given the rows of the last statement, which then has none in the results."""

    @property
    def is_explicit(self) -> bool:
        """Whether it needs BEGIN and an end of its own."""
        return self.verdict is not None or self.rollback or self.isolation is not IsolationLevel.READ_COMMITTED


class PostgresError(Exception):
    """An error that Postgres reported for a statement."""

    def __init__(self, sqlstate: str, message: str, detail: str | None, hint: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint


class ConnectionFailed(Exception):
    """No connection could be made; the text is libpq's."""


class ConnectionLost(Exception):
    """The connection broke while a transaction was under way; the text is libpq's."""


class AcquisitionTimeout(Exception):
    """No connection became free within db-pool-acquisition-timeout."""
