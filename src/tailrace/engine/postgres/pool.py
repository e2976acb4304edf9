"""A bounded pool of pipelined connections to one database.

Source: PostgREST docs, references/connection_pool. An idle connection is taken
first, unless a tiny read can share the write of others of the same turn of the loop;
a short read may queue behind other short reads on a busy connection; everything else
waits its turn, at most for the acquisition timeout.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from psycopg import pq

from tailrace.engine.observe import events
from tailrace.engine.observe.metrics import PoolGauges
from tailrace.engine.postgres.connect import connect
from tailrace.engine.postgres.connection import Connection, Done, Exchange, is_stale_plan
from tailrace.engine.statement import AcquisitionTimeout, ConnectionFailed, Rows, Transaction

MAX_QUEUED = 32
"""Short reads that may stand on one connection at a time."""
SWEEP_INTERVAL = 0.25


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
    """Tell of every use of a connection from the start, see `Pool.trace`."""


@dataclass(slots=True, eq=False)
class Waiter:
    transaction: Transaction
    done: Done
    deadline: float
    exchange: Exchange | None = None
    """Once it has got a connection."""


Flight = Exchange | Waiter
"""A transaction that was handed to the pool: on its way, or waiting for a connection."""


class Pool:
    def __init__(self, options: PoolOptions, loop: asyncio.AbstractEventLoop, emit: events.Emit) -> None:
        self.options = options
        self._loop = loop
        self._emit = emit
        self._connections: list[Connection] = []
        self._idle: list[Connection] = []
        self._retiring: set[Connection] = set()
        """Those that go as soon as what is under way on them has ended."""
        self._waiters: deque[Waiter] = deque()
        self._opening: set[asyncio.Task[pq.abc.PGconn]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._generation = 0
        self._closed = False
        self._last: Connection | None = None
        """Which got the last transaction."""
        self.trace = options.trace
        """Tell of every transaction and use of a connection, not only of opening and closing."""

    # Running transactions --------------------------------------------------------------------

    def run(self, transaction: Transaction, done: Done) -> Flight:
        """Run a transaction; `done` is called once, on the loop.

        Errors: PostgresError, ConnectionFailed, ConnectionLost, AcquisitionTimeout,
        or what the transaction's verdict raised.
        """
        if self.trace:
            done = self._traced(done)
        return self._dispatch(transaction, done, retries=self.options.size)

    def cancel(self, flight: Flight) -> None:
        """End a transaction that nobody waits for any more; its `done` is called with an error, or not at all."""
        if isinstance(flight, Waiter) and flight in self._waiters:
            self._waiters.remove(flight)
            return
        exchange = flight.exchange if isinstance(flight, Waiter) else flight
        if exchange is not None and exchange.connection.waiting and exchange.connection.waiting[0] is exchange:
            exchange.connection.cancel()

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

        flight = self.run(transaction, done)
        try:
            return await future
        except asyncio.CancelledError:
            self.cancel(flight)
            raise

    def _dispatch(self, transaction: Transaction, done: Done, *, retries: int, since: float | None = None) -> Flight:
        """`since` is when it was dispatched for the first time, if that was before."""
        retrying = self._retrying(transaction, done, retries=retries) if retries else done
        if not self._waiters:
            if self._last is not None and self._last.has_open_batch and is_tiny(transaction):
                return self._last.send(transaction, retrying)
            if self._idle:
                return self._send(self._idle.pop(), transaction, retrying)
        if self.open_count < self.options.size:
            self._open()
        if transaction.cost is not None and transaction.cost.is_short and not self._waiters:
            connection = self._least_busy()
            if connection is not None:
                return connection.send(transaction, retrying)
        began = self._loop.time() if since is None else since
        waiter = Waiter(transaction, retrying, began + self.options.acquisition_timeout)
        self._wait(waiter)
        return waiter

    def _traced(self, done: Done) -> Done:
        self._emit(events.PoolRequested())

        def finish(results: Sequence[Rows] | None, error: Exception | None) -> None:
            self._emit(events.PoolRequestFulfilled())
            done(results, error)

        return finish

    def _send(self, connection: Connection, transaction: Transaction, done: Done) -> Exchange:
        if self.trace:
            self._emit(events.ConnectionInUse(connection.name))
        self._last = connection
        return connection.send(transaction, done)

    def _retrying(self, transaction: Transaction, done: Done, *, retries: int) -> Done:
        """A statement prepared before a schema change is prepared again; its transaction had no effect.

        Every connection may have prepared it before, and one that failed has it no more.
        """

        def finish(results: Sequence[Rows] | None, error: Exception | None) -> None:
            if error is not None and is_stale_plan(error):
                self._dispatch(transaction, done, retries=retries - 1)
            else:
                done(results, error)

        return finish

    def _least_busy(self) -> Connection | None:
        """The connection with the fewest transactions under way, if all of these are short reads."""
        best, fewest, now = None, MAX_QUEUED, self._loop.time()
        for connection in self._connections:
            queued = len(connection.waiting)
            if queued < fewest and connection.has_room(now):
                best, fewest = connection, queued
        return best

    # Waiting for a connection ----------------------------------------------------------------

    def _wait(self, waiter: Waiter) -> None:
        self._waiters.append(waiter)
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is None and self._waiters:
            self._timer = self._loop.call_at(self._waiters[0].deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._waiters and self._waiters[0].deadline <= now:
            waiter = self._waiters.popleft()
            self._emit(events.PoolTimeout())
            waiter.done(None, AcquisitionTimeout())
        self._set_timer()

    def _serve_waiters(self) -> None:
        while self._waiters and self._idle:
            waiter = self._waiters.popleft()
            waiter.exchange = self._send(self._idle.pop(), waiter.transaction, waiter.done)
        if self._timer is not None and not self._waiters:
            self._timer.cancel()
            self._timer = None

    # A clock, and how busy it is, for what holds a connection longer than its statement takes -----

    def now(self) -> float:
        return self._loop.time()

    def is_pressing(self) -> bool:
        """Whether somebody waits for a connection."""
        return bool(self._waiters)

    def call_later(self, delay: float, callback: Callable[[float], None], argument: float) -> asyncio.TimerHandle:
        return self._loop.call_later(delay, callback, argument)

    # Connections -----------------------------------------------------------------------------

    def _open(self) -> None:
        name = str(uuid.uuid4())
        self._emit(events.ConnectionOpening(name))
        opening = self._loop.create_task(connect(self.options.dsn))
        self._opening.add(opening)
        generation = self._generation
        opening.add_done_callback(lambda done: self._opened(done, name, generation))

    def _open_for_waiters(self) -> None:
        """As many as those who wait can use, and as there may be."""
        for _ in range(min(len(self._waiters) - len(self._opening), self.options.size - self.open_count)):
            self._open()

    def _opened(self, opening: "asyncio.Task[pq.abc.PGconn]", name: str, generation: int) -> None:
        self._opening.discard(opening)
        if opening.cancelled():
            return
        error = opening.exception()
        if error is not None:
            self._emit(events.ConnectionClosed(name, events.CloseReason.NETWORK))
            self._fail_waiters(error)
            return
        pgconn = opening.result()
        is_surplus = self.open_count >= self.options.size
        if is_surplus or generation != self._generation or (self._closed and not self._waiters):
            pgconn.finish()
            self._open_for_waiters()
            return
        connection = Connection(pgconn, self._loop, name=name, prepare=self.options.prepare)
        connection.on_idle = self._became_idle
        connection.on_lost = self._was_lost
        self._connections.append(connection)
        self._emit(events.ConnectionReady(name, events.ReadyReason.ESTABLISHED))
        self._idle.append(connection)
        self._serve_waiters()
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(SWEEP_INTERVAL, self._sweep)

    def _fail_waiters(self, error: BaseException) -> None:
        """No connection can be had: tell all who wait, unless another one will serve them."""
        if self._connections or self._opening:
            return
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            waiter.done(None, error if isinstance(error, Exception) else ConnectionFailed(str(error)))

    def _became_idle(self, connection: Connection) -> None:
        if connection not in self._connections or connection in self._idle:
            return
        if self._loop.time() - connection.born > self.options.max_lifetime:
            self._discard(connection, events.CloseReason.AGE)
            self._open_for_waiters()
            return
        if self.trace:
            self._emit(events.ConnectionReady(connection.name, ready_reason(connection)))
        self._idle.append(connection)
        if self._waiters:
            self._serve_waiters()

    def _was_lost(self, connection: Connection, text: str) -> None:
        self._discard(connection, events.CloseReason.NETWORK)
        self._open_for_waiters()

    def _discard(self, connection: Connection, reason: events.CloseReason) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._retiring.discard(connection)
        connection.close()
        self._emit(events.ConnectionClosed(connection.name, reason))

    def _sweep(self) -> None:
        """Close what has been idle, or alive, for too long; tell who stands behind others for too long."""
        self._sweeper = None
        now = self._loop.time()
        for connection in (*self._connections, *self._retiring):
            self._rescue_queued(connection, now)
            for done in connection.give_up_queued(now - self.options.acquisition_timeout):
                self._emit(events.PoolTimeout())
                done(None, AcquisitionTimeout())
        for connection in list(self._idle):
            if now - connection.born > self.options.max_lifetime:
                self._discard(connection, events.CloseReason.AGE)
            elif now - connection.idle_since > self.options.max_idletime:
                self._discard(connection, events.CloseReason.IDLENESS)
        if (self._connections and not self._closed) or self._retiring:
            self._sweeper = self._loop.call_later(SWEEP_INTERVAL, self._sweep)

    def _rescue_queued(self, connection: Connection, now: float) -> None:
        """Run elsewhere what stands behind a read that got stuck, for instance at a lock, as far as there is room."""
        if not connection.is_stuck(now):
            return
        while self._idle or self.open_count < self.options.size:
            handed_over = connection.hand_over_next()
            if handed_over is None:
                return
            exchange, done = handed_over
            self._dispatch(exchange.transaction, done, retries=0, since=exchange.started)

    def flush(self) -> None:
        """Let every connection go as soon as what is under way on it has ended.

        Connections keep a copy of the catalog; new ones see a changed schema.
        """
        self._generation += 1
        self._last = None
        self._emit(events.PoolFlushed())
        for connection in list(self._connections):
            self._let_go(connection)
        self._open_for_waiters()

    def resize(self, size: int) -> None:
        """Have at most so many connections from now on; those beyond go when what is under way on them has ended."""
        self.options = replace(self.options, size=size)
        while len(self._connections) > size:
            self._let_go(self._idle[0] if self._idle else self._connections[-1])

    @property
    def open_count(self) -> int:
        """Connections that Postgres knows of, or is about to."""
        return len(self._connections) + len(self._opening) + len(self._retiring)

    def _let_go(self, connection: Connection) -> None:
        if not connection.waiting:
            self._discard(connection, events.CloseReason.RELEASE)
            return
        if self._last is connection:
            self._last = None
        self._connections.remove(connection)
        self._retiring.add(connection)
        connection.on_idle = self._retire

    def _retire(self, connection: Connection) -> None:
        self._loop.call_soon(self._retired, connection)

    def _retired(self, connection: Connection) -> None:
        self._discard(connection, events.CloseReason.RELEASE)
        self._open_for_waiters()

    def gauges(self) -> PoolGauges:
        return PoolGauges(available=len(self._idle), waiting=len(self._waiters))

    @property
    def is_busy(self) -> bool:
        """Whether every connection that there may be is open and in use."""
        return len(self._connections) >= self.options.size and not self._idle

    async def close(self) -> None:
        """Wait for what is under way, then close all connections."""
        self._closed = True
        while self._under_way() or self._waiters:
            await asyncio.sleep(0.01)
        self._leave()

    async def abort(self, patience: float) -> None:
        """Have Postgres cancel what is under way, then close all connections; at most `patience` seconds from now."""
        self._closed = True
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            waiter.done(None, AcquisitionTimeout())
        deadline = self._loop.time() + patience
        while (busy := self._under_way()) and self._loop.time() < deadline:
            for connection in busy:
                connection.cancel(whoever_waits=True)
            await asyncio.sleep(0.02)
        self._leave()

    def _under_way(self) -> list[Connection]:
        return [connection for connection in (*self._connections, *self._retiring) if connection.waiting]

    def _leave(self) -> None:
        for connection in (*self._connections, *self._retiring):
            self._discard(connection, events.CloseReason.RELEASE)
        if self._sweeper is not None:
            self._sweeper.cancel()
        for opening in self._opening:
            opening.cancel()


def is_tiny(transaction: Transaction) -> bool:
    return transaction.cost is not None and transaction.cost.is_tiny


def ready_reason(connection: Connection) -> events.ReadyReason:
    return events.ReadyReason.SESSION_FAILED if connection.has_failed else events.ReadyReason.SESSION_SUCCEEDED
