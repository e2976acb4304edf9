"""What the parts of one Data API share: its snapshot, its connections, and whom to tell."""

from collections.abc import Callable

from tailrace.engine.data_api.header_documents import HeaderDocuments
from tailrace.engine.data_api.snapshot import Snapshot
from tailrace.engine.observe import events
from tailrace.engine.postgres.pool import Pool


class ApiState:
    """The one mutable value of an API; `snapshot` is replaced whole."""

    __slots__ = ("emit", "headers", "judge", "pool", "recover", "retry_delay", "snapshot")

    def __init__(self, snapshot: Snapshot, pool: Pool, emit: events.Emit) -> None:
        self.snapshot = snapshot
        self.pool = pool
        self.emit = emit
        self.headers = HeaderDocuments()
        self.retry_delay = 0
        """Seconds to the next attempt to reach the database, for Retry-After; 0 while all is well."""
        self.recover: Callable[[], None] = do_nothing
        """To be called when a request found the database away."""
        self.judge: Callable[[Exception], None] = ignore
        """To be called with what went wrong on the database's side of a request."""


def do_nothing() -> None:
    return None


def ignore(error: Exception) -> None:
    return None
