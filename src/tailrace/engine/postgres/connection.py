"""One connection in libpq's pipeline mode, driven by the event loop.

Source: PostgreSQL docs, "libpq pipeline mode". What stands between two Syncs is
one implicit transaction, and an error ends at its own Sync, so transactions of
several requests can be under way on one connection without touching each other.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from psycopg import pq

from tailrace.engine.postgres.connect import cancel
from tailrace.engine.postgres.pipeline_sync import sync_sender
from tailrace.engine.statement import ConnectionLost, PostgresError, Rows, Statement, Transaction

ExecStatus = pq.ExecStatus
DiagnosticField = pq.DiagnosticField
ROWS_AT_A_TIME = 64
"""Of a streamed result."""
NO_CONNECTION = "no connection to the server\n"
STUCK = 0.25
"""Seconds under way after which a read is not short, whatever it was before; it may wait for a lock."""
BATCH = 8
"""Tiny reads that leave in one write: each of them costs Postgres less than a write of its own costs us."""
ENDING = (b"FATAL", b"PANIC")
"""Severities of errors after which Postgres closes the connection."""
END_INTERVAL = 0.005
MAX_PREPARED = 1000
"""Statements that one connection keeps prepared; the least recently used gives way."""

Done = Callable[["Sequence[Rows] | None", "Exception | None"], None]
"""Called once with the results of all statements, or with what went wrong."""


class Exchange:
    """A transaction on its way: what was sent for it, what came back so far."""

    __slots__ = (
        "connection",
        "done",
        "error",
        "expected",
        "is_explicit",
        "is_judged",
        "is_short",
        "prepared",
        "results",
        "skip",
        "started",
        "stream_at",
        "transaction",
    )

    def __init__(self, connection: "Connection", transaction: Transaction, done: Done) -> None:
        self.connection = connection
        self.transaction = transaction
        self.done = done
        self.results: list[pq.abc.PGresult] = []
        self.error: Exception | None = None
        self.prepared: list[tuple[int, bytes]] = []
        """Statements that were prepared for this exchange, with the index of their result."""
        self.expected = 0
        """Number of results before the Sync."""
        self.stream_at = -1
        """Number of results before that of the streamed statement; -1 if none is."""
        self.skip = 0
        """Results at the front that are no statement's: BEGIN."""
        self.is_explicit = False
        self.is_judged = transaction.verdict is None
        self.is_short = transaction.cost is not None and transaction.cost.is_short and not transaction.is_explicit
        """An explicit one never is: once it has failed, Postgres refuses what stands behind it, until our ROLLBACK."""
        self.started = 0.0

    def let_go(self) -> Done:
        """Have nobody told of the outcome any more; the result is who would have been."""
        done, self.done = self.done, ignore_outcome
        return done


class Connection:
    """A connection that many transactions can be sent over, one behind the other."""

    def __init__(self, pgconn: pq.abc.PGconn, loop: asyncio.AbstractEventLoop, *, name: str, prepare: bool) -> None:
        self.name = name
        self.pgconn = pgconn
        self.loop = loop
        self.waiting: deque[Exchange] = deque()
        self.others = 0
        """How many of these are not known to be short."""
        self.born = loop.time()
        self.idle_since = self.born
        self.on_idle: Callable[[Connection], None] | None = None
        """Called when nothing is under way any more."""
        self.on_lost: Callable[[Connection, str], None] | None = None
        self.closed = False
        self.has_failed = False
        """Whether the last transaction ended with an error."""
        self._prepare = prepare
        self._prepared: OrderedDict[bytes, bytes] = OrderedDict()
        self._names = 0
        self._last_sync = self.born
        self._is_paused = False
        self._cancelling: asyncio.Task[None] | None = None
        self._flush_scheduled = False
        self._is_writing = False
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()
        self._send_sync = sync_sender(pgconn)
        self._socket = pgconn.socket
        loop.add_reader(self._socket, self._readable)

    # Sending ---------------------------------------------------------------------------------

    def send(self, transaction: Transaction, done: Done) -> Exchange:
        """Send a transaction; all that is sent in one turn of the loop leaves in one write."""
        exchange = Exchange(self, transaction, done)
        exchange.started = self.loop.time()
        if not exchange.is_short:
            self.others += 1
        try:
            self._send_statements(exchange)
        except Exception as error:  # libpq refuses on a dead connection
            self.waiting.append(exchange)
            self._lose(str(error))
            return exchange
        self.waiting.append(exchange)
        self._schedule_flush()
        return exchange

    def _send_statements(self, exchange: Exchange) -> None:
        transaction = exchange.transaction
        exchange.is_explicit = transaction.is_explicit
        if exchange.is_explicit:
            self._send_plain(exchange, b"BEGIN ISOLATION LEVEL " + transaction.isolation.value.encode())
            exchange.skip = 1
        for statement in transaction.statements:
            self._send_statement(exchange, statement)
        if transaction.stream is not None:
            exchange.stream_at = exchange.expected - 1
        if transaction.verdict is not None:
            self.pgconn.send_flush_request()
            return
        if transaction.rollback:
            self._send_plain(exchange, b"SET CONSTRAINTS ALL IMMEDIATE")
            self._send_plain(exchange, b"ROLLBACK")
        elif exchange.is_explicit:
            self._send_plain(exchange, b"COMMIT")
        self._send_sync()

    def _send_plain(self, exchange: Exchange, sql: bytes) -> None:
        self.pgconn.send_query_params(sql, None)
        exchange.expected += 1

    def _send_statement(self, exchange: Exchange, statement: Statement) -> None:
        pgconn, sql = self.pgconn, statement.sql
        if statement.once or not self._prepare:
            pgconn.send_query_params(sql, statement.parameters, result_format=statement.binary)
            exchange.expected += 1
            return
        name = self._prepared.get(sql)
        if name is None:
            name = self._new_name(exchange)
            pgconn.send_prepare(name, sql)
            self._prepared[sql] = name
            exchange.prepared.append((exchange.expected, sql))
            exchange.expected += 1
        else:
            self._prepared.move_to_end(sql)
        pgconn.send_query_prepared(name, statement.parameters, None, statement.binary)
        exchange.expected += 1

    def _new_name(self, exchange: Exchange) -> bytes:
        if len(self._prepared) >= MAX_PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            self.pgconn.send_close_prepared(oldest)
            exchange.prepared.append((exchange.expected, b""))
            exchange.expected += 1
        self._names += 1
        return b"t%d" % self._names

    # Queueing --------------------------------------------------------------------------------

    def has_room(self, now: float) -> bool:
        """Whether a short read may stand behind what is under way: short reads that do get done."""
        if self.others or self._cancelling is not None:
            return False
        return not self.waiting or self._spent_on(self.waiting[0], now) < STUCK

    @property
    def has_open_batch(self) -> bool:
        """Whether a tiny read may join reads that are still to be written, at the end of this turn of the loop."""
        return (
            self._flush_scheduled
            and 0 < len(self.waiting) < BATCH
            and not self.others
            and self._cancelling is None
            and not self.closed
        )

    def is_stuck(self, now: float) -> bool:
        """Whether others stand behind a transaction that takes its time, against what was known of it."""
        return len(self.waiting) > 1 and self._spent_on(self.waiting[0], now) > STUCK

    def _spent_on(self, exchange: Exchange, now: float) -> float:
        """Seconds that it has taken; what stood in front of it on this connection is not its own."""
        return now - max(exchange.started, self._last_sync)

    def hand_over_next(self) -> tuple[Exchange, Done] | None:
        """The first of those that stand behind others, to be run elsewhere, and whom to tell then.

        Only short reads stand behind others. Postgres runs this one here all the same, and nobody looks at it.
        """
        exchange = next(self._queued(), None)
        return None if exchange is None else (exchange, exchange.let_go())

    def give_up_queued(self, sent_before: float) -> Sequence[Done]:
        """Let go what has stood behind others since then; whom to tell. Nobody waits for the results any more."""
        return [exchange.let_go() for exchange in self._queued() if exchange.started < sent_before]

    def _queued(self) -> Iterator[Exchange]:
        """Those that stand behind others and are waited for."""
        return (exchange for exchange in islice(self.waiting, 1, None) if exchange.done is not ignore_outcome)

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self.closed:
            return
        try:
            pending = self.pgconn.flush()
        except Exception as error:
            self._lose(str(error))
            return
        if pending and not self._is_writing:
            self._is_writing = True
            self.loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        try:
            # Postgres may block on sending to us before it reads on.
            self.pgconn.consume_input()
            pending = self.pgconn.flush()
        except Exception as error:
            self._lose(str(error))
            return
        if not pending:
            self._is_writing = False
            self.loop.remove_writer(self._socket)
        self._read_results()

    # Receiving -------------------------------------------------------------------------------

    def _readable(self) -> None:
        try:
            self.pgconn.consume_input()
        except Exception as error:
            self._read_results()
            self._lose(str(error))
            return
        self._read_results()

    def _read_results(self) -> None:
        pgconn, waiting = self.pgconn, self.waiting
        get_result, is_busy = pgconn.get_result, pgconn.is_busy
        while waiting and not self.closed and not self._is_paused and not is_busy():
            result = get_result()
            exchange = waiting[0]
            if result is None:
                if pgconn.status != pq.ConnStatus.OK:
                    return  # a dead connection has no end of these
                if len(exchange.results) == exchange.stream_at and exchange.error is None:
                    pgconn.set_chunked_rows_mode(ROWS_AT_A_TIME)
                continue
            status = result.status
            if status == ExecStatus.TUPLES_CHUNK:
                stream = exchange.transaction.stream
                assert stream is not None, "only streamed statements come in chunks"
                if exchange.done is not ignore_outcome:
                    stream.rows(result, self)
                continue
            if status == ExecStatus.PIPELINE_SYNC:
                self._synced(exchange)
                continue
            exchange.results.append(result)
            if status == ExecStatus.FATAL_ERROR and exchange.error is None:
                exchange.error = error_of(result)
            if status == ExecStatus.FATAL_ERROR and result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) in ENDING:
                self._expect_end()
            if not exchange.is_judged and len(exchange.results) == exchange.expected:
                self._judge(exchange)

    def _expect_end(self) -> None:
        """Postgres hangs up: look until that is seen, since libuv tells of a reset connection only once."""
        self.loop.call_later(END_INTERVAL, self._look_for_end)

    def _look_for_end(self) -> None:
        if not self.closed:
            self._readable()
        if not self.closed:
            self._expect_end()

    # The tap of a streamed result ---------------------------------------------------------------

    def pause(self) -> None:
        if not self._is_paused and not self.closed:
            self._is_paused = True
            self.loop.remove_reader(self._socket)

    def resume(self) -> None:
        if self._is_paused and not self.closed:
            self._is_paused = False
            self.loop.add_reader(self._socket, self._readable)
            self._read_results()

    def cancel(self, *, whoever_waits: bool = False) -> None:
        """Cancel the one transaction that is under way; nothing is sent behind it until that is done.

        Does nothing if others stand behind it, which might be hit, unless `whoever_waits` is to be cancelled.
        """
        if self.closed or self._cancelling is not None or (len(self.waiting) != 1 and not whoever_waits):
            return
        self._cancelling = self.loop.create_task(cancel(self.pgconn))
        self._cancelling.add_done_callback(self._was_cancelled)
        self.resume()

    def _was_cancelled(self, cancelling: "asyncio.Task[None]") -> None:
        self._cancelling = None
        if not self.waiting and not self.closed and self.on_idle is not None:
            self.on_idle(self)

    # Ends of transactions -----------------------------------------------------------------------

    def _judge(self, exchange: Exchange) -> None:
        """All results of a transaction with a verdict are in: end it one way or the other."""
        exchange.is_judged = True
        verdict = exchange.transaction.verdict
        if exchange.error is None and verdict is not None:
            try:
                verdict(self._statement_results(exchange))
            except Exception as error:
                exchange.error = error
        if exchange.error is None:
            self.pgconn.send_query_params(b"COMMIT", None)
        elif not isinstance(exchange.error, PostgresError):
            self.pgconn.send_query_params(b"ROLLBACK", None)
        self._send_sync()
        self._schedule_flush()

    def _synced(self, exchange: Exchange) -> None:
        if exchange.error is not None and exchange.prepared:
            self._forget_unprepared(exchange)
        if exchange.is_explicit and self.pgconn.transaction_status == pq.TransactionStatus.INERROR:
            # Until it has worked: what cancels the transaction may come late and hit the ROLLBACK
            self.pgconn.send_query_params(b"ROLLBACK", None)
            self._send_sync()
            self._schedule_flush()
            return
        self.waiting.popleft()
        if not exchange.is_short:
            self.others -= 1
        now = self.loop.time()
        cost = exchange.transaction.cost
        if cost is not None:
            spent = self._spent_on(exchange, now)
            # A refusal tells nothing of what the statement costs whom it is not refused; a timeout does
            if exchange.error is None or (cost.seconds is not None and spent > cost.seconds):
                cost.observe(spent)
        self._last_sync = now
        self.has_failed = exchange.error is not None
        if exchange.error is not None and is_stale_plan(exchange.error):
            # Before it can become idle, which it must not do twice
            self.forget_prepared()
        if not self.waiting:
            self.idle_since = now
            if self.on_idle is not None and self._cancelling is None:
                self.on_idle(self)
        if exchange.error is not None:
            exchange.done(None, exchange.error)
        else:
            exchange.done(self._statement_results(exchange), None)

    def _statement_results(self, exchange: Exchange) -> list[Rows]:
        results, start = exchange.results, exchange.skip
        end = exchange.skip + len(exchange.transaction.statements)
        if not exchange.prepared:
            return results[start:end]  # type: ignore[return-value]  # PGresult has what Rows asks for
        others = {index for index, _ in exchange.prepared}
        rows = [result for index, result in enumerate(results) if index not in others]
        return rows[start:end]  # type: ignore[return-value]  # as above

    def _forget_unprepared(self, exchange: Exchange) -> None:
        for index, sql in exchange.prepared:
            was_prepared = index < len(exchange.results) and exchange.results[index].status == ExecStatus.COMMAND_OK
            if sql and not was_prepared:
                self._prepared.pop(sql, None)

    def forget_prepared(self) -> None:
        """Prepare all statements anew on next use: the schema behind them changed."""
        if not self._prepared or self.closed:
            return
        self._prepared.clear()
        exchange = Exchange(self, Transaction(()), ignore_outcome)
        self._send_plain(exchange, b"DEALLOCATE ALL")
        self._send_sync()
        self.others += 1
        self.waiting.append(exchange)
        self._schedule_flush()

    # The end ---------------------------------------------------------------------------------

    def _lose(self, text: str) -> None:
        if self.closed:
            return
        message = self.pgconn.error_message.decode(errors="replace") or text
        waiting, self.waiting = self.waiting, deque()
        self.close()
        if self.on_lost is not None:
            self.on_lost(self, message)
        for exchange in waiting:
            exchange.done(None, loss_of(exchange, message))

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        if not self._is_paused:
            self.loop.remove_reader(self._socket)
        if self._is_writing:
            self.loop.remove_writer(self._socket)
        self.pgconn.finish()


def loss_of(exchange: Exchange, message: str) -> Exception:
    """What to say of a transaction whose connection broke.

    Postgres may have given a reason before it hung up. In the middle of a transaction
    that is not the client's answer, for PostgREST's is what libpq says of the next command.
    """
    has_begun = any(result.status != ExecStatus.FATAL_ERROR for result in exchange.results)
    return ConnectionLost(NO_CONNECTION) if has_begun else exchange.error or ConnectionLost(message)


def error_of(result: pq.abc.PGresult) -> PostgresError | None:
    """The error that Postgres reported; None where libpq made the result itself, for want of a connection."""

    def field(which: pq.DiagnosticField) -> str | None:
        value = result.error_field(which)
        return None if value is None else value.decode(errors="replace")

    sqlstate, message = field(DiagnosticField.SQLSTATE), field(DiagnosticField.MESSAGE_PRIMARY)
    if sqlstate is None:
        return None
    return PostgresError(
        sqlstate,
        message if message is not None else result.error_message.decode(errors="replace"),
        field(DiagnosticField.MESSAGE_DETAIL),
        field(DiagnosticField.MESSAGE_HINT),
    )


def is_stale_plan(error: Exception) -> bool:
    """Whether a prepared statement failed only because the schema changed, or the pooler's server did."""
    return isinstance(error, PostgresError) and (
        (error.sqlstate == "0A000" and error.message == "cached plan must not change result type")
        or (error.sqlstate == "26000" and "prepared statement" in error.message)
    )


def ignore_outcome(results: Sequence[Rows] | None, error: Exception | None) -> None:
    return None
