"""A bounded pool of pipelined connections to one database.

Source: PostgREST docs, references/connection_pool. An idle connection is taken
first; a short read may queue behind other short reads on a busy connection;
everything else waits its turn, at most for the acquisition timeout.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from psycopg import pq

from tailrace.engine.observe import events
from tailrace.engine.postgres.connect import connect
from tailrace.engine.postgres.connection import Connection, Done, is_stale_plan
from tailrace.engine.statement import AcquisitionTimeout, ConnectionFailed, Rows, Transaction

MAX_QUEUED = 32
"""Short reads that may stand on one connection at a time."""
SWEEP_INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Times in seconds."""

    dsn: str
    size: int
    acquisition_timeout: float
    max_lifetime: float
    max_idletime: float
    prepare: bool
    trace: bool = False
    """Tell of every use of a connection, not only of its opening and closing."""


@dataclass(slots=True)
class Waiter:
    transaction: Transaction
    done: Done
    deadline: float


class Pool:
    def __init__(self, options: PoolOptions, loop: asyncio.AbstractEventLoop, emit: events.Emit) -> None:
        self.options = options
        self._loop = loop
        self._emit = emit
        self._connections: list[Connection] = []
        self._idle: list[Connection] = []
        self._waiters: deque[Waiter] = deque()
        self._opening = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(max_workers=min(options.size, 8), thread_name_prefix="connect")
        self._generation = 0
        self._closed = False

    # Running transactions --------------------------------------------------------------------

    def run(self, transaction: Transaction, done: Done) -> None:
        """Run a transaction; `done` is called once, on the loop.

        Errors: PostgresError, ConnectionFailed, ConnectionLost, AcquisitionTimeout,
        or what the transaction's verdict raised.
        """
        self._dispatch(transaction, done, is_retry=False)

    async def execute(self, transaction: Transaction) -> Sequence[Rows]:
        """Run a transaction and await its results."""
        future: asyncio.Future[Sequence[Rows]] = self._loop.create_future()

        def done(results: Sequence[Rows] | None, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(results or ())

        self.run(transaction, done)
        return await future

    def _dispatch(self, transaction: Transaction, done: Done, *, is_retry: bool) -> None:
        retrying = done if is_retry else self._retry_once(transaction, done)
        if self._idle and not self._waiters:
            self._send(self._idle.pop(), transaction, retrying)
            return
        if len(self._connections) + self._opening < self.options.size:
            self._open()
        if transaction.cost is not None and transaction.cost.is_short and not self._waiters:
            connection = self._least_busy()
            if connection is not None:
                connection.send(transaction, retrying)
                return
        self._wait(Waiter(transaction, retrying, self._loop.time() + self.options.acquisition_timeout))

    def _send(self, connection: Connection, transaction: Transaction, done: Done) -> None:
        if self.options.trace:
            self._emit(events.ConnectionInUse(connection.name))
        connection.send(transaction, done)

    def _retry_once(self, transaction: Transaction, done: Done) -> Done:
        """A statement prepared before a schema change is prepared again; its transaction had no effect."""

        def finish(results: Sequence[Rows] | None, error: Exception | None) -> None:
            if error is not None and is_stale_plan(error):
                self._dispatch(transaction, done, is_retry=True)
            else:
                done(results, error)

        return finish

    def _least_busy(self) -> Connection | None:
        """The connection with the fewest transactions under way, if all of these are short reads."""
        best, fewest = None, MAX_QUEUED
        for connection in self._connections:
            queued = len(connection.waiting)
            if queued < fewest and not connection.others:
                best, fewest = connection, queued
        return best

    # Waiting for a connection ----------------------------------------------------------------

    def _wait(self, waiter: Waiter) -> None:
        self._waiters.append(waiter)
        self._emit(events.PoolRequested())
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is None and self._waiters:
            self._timer = self._loop.call_at(self._waiters[0].deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._waiters and self._waiters[0].deadline <= now:
            waiter = self._waiters.popleft()
            self._emit(events.PoolRequestFulfilled())
            self._emit(events.PoolTimeout())
            waiter.done(None, AcquisitionTimeout())
        self._set_timer()

    def _serve_waiters(self) -> None:
        while self._waiters and self._idle:
            waiter = self._waiters.popleft()
            self._emit(events.PoolRequestFulfilled())
            self._send(self._idle.pop(), waiter.transaction, waiter.done)
        if self._timer is not None and not self._waiters:
            self._timer.cancel()
            self._timer = None

    # Connections -----------------------------------------------------------------------------

    def _open(self) -> None:
        self._opening += 1
        name = str(uuid.uuid4())
        self._emit(events.ConnectionOpening(name))
        future = self._loop.run_in_executor(self._threads, connect, self.options.dsn)
        generation = self._generation
        future.add_done_callback(lambda done: self._opened(done, name, generation))

    def _opened(self, future: "asyncio.Future[pq.abc.PGconn]", name: str, generation: int) -> None:
        self._opening -= 1
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._emit(events.ConnectionClosed(name, events.CloseReason.NETWORK))
            self._fail_waiters(error)
            return
        pgconn = future.result()
        if self._closed or generation != self._generation:
            pgconn.finish()
            if not self._closed and self._waiters:
                self._open()
            return
        connection = Connection(pgconn, self._loop, name=name, prepare=self.options.prepare)
        connection.on_idle = self._became_idle
        connection.on_lost = self._was_lost
        self._connections.append(connection)
        self._emit(events.ConnectionReady(name, events.ReadyReason.ESTABLISHED))
        self._became_idle(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(SWEEP_INTERVAL, self._sweep)

    def _fail_waiters(self, error: BaseException) -> None:
        """No connection can be had: tell all who wait, unless another one will serve them."""
        if self._connections or self._opening:
            return
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            self._emit(events.PoolRequestFulfilled())
            waiter.done(None, error if isinstance(error, Exception) else ConnectionFailed(str(error)))

    def _became_idle(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        if self._loop.time() - connection.born > self.options.max_lifetime:
            self._discard(connection, events.CloseReason.AGE)
            if self._waiters:
                self._open()
            return
        if self.options.trace:
            self._emit(events.ConnectionReady(connection.name, events.ReadyReason.SESSION_SUCCEEDED))
        self._idle.append(connection)
        if self._waiters:
            self._serve_waiters()

    def _was_lost(self, connection: Connection, text: str) -> None:
        self._discard(connection, events.CloseReason.NETWORK)
        if self._waiters and len(self._connections) + self._opening < self.options.size:
            self._open()

    def _discard(self, connection: Connection, reason: events.CloseReason) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        connection.close()
        self._emit(events.ConnectionClosed(connection.name, reason))

    def _sweep(self) -> None:
        """Close what has been idle, or alive, for too long."""
        self._sweeper = None
        now = self._loop.time()
        for connection in list(self._idle):
            if now - connection.born > self.options.max_lifetime:
                self._discard(connection, events.CloseReason.AGE)
            elif now - connection.idle_since > self.options.max_idletime:
                self._discard(connection, events.CloseReason.IDLENESS)
        if self._connections and not self._closed:
            self._sweeper = self._loop.call_later(SWEEP_INTERVAL, self._sweep)

    def flush(self) -> None:
        """Let every connection go as soon as what is under way on it has ended.

        Connections keep a copy of the catalog; new ones see a changed schema.
        """
        self._generation += 1
        self._emit(events.PoolFlushed())
        for connection in list(self._connections):
            if connection.waiting:
                self._connections.remove(connection)
                connection.on_idle = self._retire
            else:
                self._discard(connection, events.CloseReason.RELEASE)
        if self._waiters:
            self._open()

    def _retire(self, connection: Connection) -> None:
        self._loop.call_soon(self._discard, connection, events.CloseReason.RELEASE)

    def counts(self) -> tuple[int, int]:
        """Connections that are open, and those of them that are idle."""
        return len(self._connections), len(self._idle)

    async def close(self) -> None:
        """Wait for what is under way, then close all connections."""
        self._closed = True
        while any(connection.waiting for connection in self._connections) or self._waiters:
            await asyncio.sleep(0.01)
        for connection in list(self._connections):
            self._discard(connection, events.CloseReason.RELEASE)
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._threads.shutdown(wait=False)
