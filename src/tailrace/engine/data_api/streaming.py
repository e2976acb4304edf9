"""Bodies that need not fit into memory: rows go to the client as Postgres sends them.

A body that turns out to be small is answered whole, with its length. Beyond that
it goes out in pieces; a client that reads slowly slows down Postgres, and one that
goes away ends the statement.
"""

from collections.abc import Callable
from typing import Protocol

from tailrace.engine.message import BodyWriter, Response
from tailrace.engine.response.recipe import BODY
from tailrace.engine.statement import Flow, Rows

WHOLE_BODY = 256 * 1024
"""Bytes up to which a body is answered whole."""
BETWEEN_ROWS = b", \n "

PATIENCE = 30.0
"""Seconds that a client may take to take nothing, while nobody waits for its connection to the database."""
PATIENCE_UNDER_PRESSURE = 2.0
"""The same, while somebody does: clients that do not read must not keep others out."""
CHECK_INTERVAL = 0.5

StartAnswer = Callable[[Rows], None]
"""Sends the head of an answer whose body follows; given the first row."""


class Crowd(Protocol):
    """Who else wants the connection that a stream holds, and a clock for it."""

    def now(self) -> float: ...

    def is_pressing(self) -> bool:
        """Whether somebody waits for a connection."""

    def call_later(self, delay: float, callback: Callable[[float], None], argument: float) -> object: ...


class FirstRow:
    """The row with the counts, and a body that was put together from the other rows."""

    __slots__ = ("body", "values")

    def __init__(self, rows: Rows) -> None:
        self.values = [rows.get_value(0, column) for column in range(BODY + 4)]
        self.body = b""

    @property
    def ntuples(self) -> int:
        return 1

    def get_value(self, row_number: int, column_number: int) -> bytes | None:
        return self.body if column_number == BODY else self.values[column_number]


class StreamedBody:
    """Collects the rows of one answer and, once they are many, writes them out."""

    __slots__ = (
        "_crowd",
        "_flow",
        "_is_gone",
        "_is_open",
        "_paused_at",
        "_pieces",
        "_size",
        "_start",
        "_writer",
        "first",
        "row_count",
    )

    def __init__(self, start: StartAnswer, crowd: Crowd) -> None:
        self._crowd = crowd
        self._paused_at: float | None = None
        self.first: FirstRow | None = None
        self.row_count = 0
        self._start = start
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_open = False
        """The head has been sent."""
        self._is_gone = False
        self._writer: BodyWriter | None = None
        self._flow: Flow | None = None

    # Rows from Postgres ------------------------------------------------------------------------

    def rows(self, rows: Rows, flow: Flow) -> None:
        if self._is_gone:
            return
        self._flow = flow
        start = 0
        if self.first is None:
            self.first, start = FirstRow(rows), 1
        values = [rows.get_value(number, BODY) or b"null" for number in range(start, rows.ntuples)]
        if not values:
            return
        piece = BETWEEN_ROWS.join(values)
        piece = b"[" + piece if not self.row_count else BETWEEN_ROWS + piece
        self.row_count += len(values)
        if self._writer is not None:
            self._write(piece)
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > WHOLE_BODY and not self._is_open:
            self._is_open = True
            self._start(self.first)

    def _write(self, piece: bytes) -> None:
        if self._writer is not None and not self._writer.write_body(piece) and self._flow is not None:
            self._flow.pause()
            self._paused_at = self._crowd.now()
            self._crowd.call_later(CHECK_INTERVAL, self._check_patience, self._paused_at)

    def _check_patience(self, paused_at: float) -> None:
        """Give up on a client that takes nothing for too long; its connection to the database is needed."""
        if self._paused_at != paused_at or self._writer is None:
            return
        patience = PATIENCE_UNDER_PRESSURE if self._crowd.is_pressing() else PATIENCE
        if self._crowd.now() - paused_at > patience:
            writer = self._writer
            self.gone()
            writer.abort_body()
        else:
            self._crowd.call_later(CHECK_INTERVAL, self._check_patience, paused_at)

    @property
    def is_open(self) -> bool:
        return self._is_open

    def whole(self) -> Rows | None:
        """The one row of an answer that stayed small; None if there was not even a first row."""
        if self.first is not None:
            self.first.body = b"".join(self._pieces) + b"]" if self._pieces else b"[]"
        return self.first

    def end(self) -> None:
        """All rows are in."""
        if self._writer is not None:
            self._writer.write_body(b"]")
            self._writer.end_body()

    def abort(self) -> None:
        """There will be no more rows, for something went wrong."""
        if self._writer is not None:
            self._writer.abort_body()

    # The client --------------------------------------------------------------------------------

    def attach(self, writer: BodyWriter) -> None:
        self._writer = writer
        pieces, self._pieces = self._pieces, []
        self._write(b"".join(pieces))

    def drained(self) -> None:
        self._paused_at = None
        if self._flow is not None:
            self._flow.resume()

    def gone(self) -> None:
        self._is_gone = True
        self._writer = None
        if self._flow is not None:
            self._flow.cancel()


def without_length(response: Response) -> Response:
    response.headers = [header for header in response.headers if header[0] != b"Content-Length"]
    return response
