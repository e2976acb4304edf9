"""Listens for `NOTIFY pgrst`: reloads of schema cache and configuration.

Source: PostgREST docs, references/listener. A lost connection is made anew with
a back-off; what was notified meanwhile is unknown, so the schema is reloaded.
"""

import asyncio
from collections.abc import Callable

from psycopg import OperationalError, pq

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.observe import events
from tailrace.engine.postgres.connect import connect, socket_is, with_option
from tailrace.engine.statement import ConnectionFailed

MAX_DELAY = 32
"""Seconds between two attempts, at most."""
PATIENCE = 10.0
"""Seconds to wait for the answer to LISTEN."""
NO_ANSWER = "timeout expired\n"
QUEUE_FAULT = "could not access status of transaction"


class Listener:
    """One connection that waits for notifications on one channel."""

    def __init__(self, dsn: str, channel: str, emit: events.Emit, *, reloads: "Reloads") -> None:
        self._dsn = with_option(dsn, "target_session_attrs", "read-write")
        self._channel = channel
        self._emit = emit
        self._reloads = reloads
        self._repair = False
        self._delay = 1
        self.is_listening = False

    async def run(self) -> None:
        """Listen for ever; to be cancelled."""
        while True:
            try:
                await self._listen()
            except (ConnectionFailed, OSError) as error:
                self.is_listening = False
                self._emit(events.ListenerFailed(self._channel, str(error) or NO_ANSWER))
                self._repair = QUEUE_FAULT in str(error)
                if self._repair:
                    self._emit(events.ListenerQueueRepaired())
            self._reloads.lost()
            self._emit(events.ListenerRetry(self._delay))
            await asyncio.sleep(self._delay)
            self._delay = min(self._delay * 2, MAX_DELAY)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        pgconn = await connect(self._dsn)
        try:
            async with asyncio.timeout(PATIENCE):
                version = await self._subscribe(pgconn)
            self.is_listening = True
            if self._delay > 1:
                self._delay = 1
                self._reloads.schema()
            self._emit(
                events.ListenerStarted(
                    pgconn.host.decode(errors="replace"),
                    pgconn.port.decode(errors="replace"),
                    version,
                    self._channel,
                )
            )
            await self._receive(pgconn, loop)
        finally:
            self.is_listening = False
            pgconn.finish()

    async def _subscribe(self, pgconn: pq.abc.PGconn) -> str:
        result = await query(pgconn, "select version()")
        if self._repair:
            await query(pgconn, "select pg_notification_queue_usage()")
        await query(pgconn, f"LISTEN {quote_identifier(self._channel)}")
        return (result.get_value(0, 0) or b"").decode(errors="replace")

    async def _receive(self, pgconn: pq.abc.PGconn, loop: asyncio.AbstractEventLoop) -> None:
        lost: asyncio.Future[None] = loop.create_future()

        def readable() -> None:
            try:
                pgconn.consume_input()
            except Exception as error:
                if not lost.done():
                    lost.set_exception(ConnectionFailed(str(error)))
                return
            while (notification := pgconn.notifies()) is not None:
                self._received(notification.extra)

        socket = pgconn.socket
        loop.add_reader(socket, readable)
        try:
            await lost
        finally:
            loop.remove_reader(socket)

    def _received(self, payload: bytes) -> None:
        if payload in (b"", b"reload schema"):
            self._emit(events.ListenerGotSchemaMessage(self._channel))
            self._reloads.schema()
        elif payload == b"reload config":
            self._emit(events.ListenerGotConfigMessage(self._channel))
            self._reloads.config()


class Reloads:
    """What the listener sets off."""

    def __init__(self, *, schema: Callable[[], None], config: Callable[[], None], lost: Callable[[], None]) -> None:
        self.schema = schema
        self.config = config
        self.lost = lost
        """Called after each failure; it may end the process (db-pool-automatic-recovery)."""


async def query(pgconn: pq.abc.PGconn, sql: str) -> pq.abc.PGresult:
    """Run one statement; not in a thread, which nobody could wake when the network stalls.

    Errors: ConnectionFailed.
    """
    results: list[pq.abc.PGresult] = []
    try:
        pgconn.send_query(sql.encode())
        while True:
            while pgconn.is_busy():
                await socket_is(pq.PollingStatus.READING, pgconn)
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                break
            results.append(result)
    except OperationalError as error:
        raise ConnectionFailed(str(error)) from error
    if not results or results[0].status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise ConnectionFailed(pgconn.error_message.decode(errors="replace"))
    return results[0]
