"""Listens for `NOTIFY pgrst`: reloads of schema cache and configuration.

Source: PostgREST docs, references/listener. A lost connection is made anew with
a back-off; what was notified meanwhile is unknown, so the schema is reloaded.
"""

import asyncio
from collections.abc import Callable

from psycopg import pq

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.observe import events
from tailrace.engine.postgres.connect import connect, with_option
from tailrace.engine.statement import ConnectionFailed

MAX_DELAY = 32
"""Seconds between two attempts, at most."""
QUEUE_FAULT = "could not access status of transaction"


class Listener:
    """One connection that waits for notifications on one channel."""

    def __init__(self, dsn: str, channel: str, emit: events.Emit, *, reloads: "Reloads") -> None:
        self._dsn = with_option(dsn, "target_session_attrs", "read-write")
        self._channel = channel
        self._emit = emit
        self._reloads = reloads
        self._repair = False
        self.is_listening = False

    async def run(self) -> None:
        """Listen for ever; to be cancelled."""
        delay = 1
        while True:
            try:
                await self._listen(is_retry=delay > 1)
            except (ConnectionFailed, OSError) as error:
                self.is_listening = False
                self._emit(events.ListenerFailed(self._channel, str(error)))
                self._repair = QUEUE_FAULT in str(error)
                if self._repair:
                    self._emit(events.ListenerQueueRepaired())
            else:
                delay = 1
            self._reloads.lost()
            self._emit(events.ListenerRetry(delay))
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_DELAY)

    async def _listen(self, *, is_retry: bool) -> None:
        loop = asyncio.get_running_loop()
        pgconn = await loop.run_in_executor(None, connect, self._dsn)
        try:
            version = await loop.run_in_executor(None, self._subscribe, pgconn)
            self.is_listening = True
            if is_retry:
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

    def _subscribe(self, pgconn: pq.abc.PGconn) -> str:
        result = query(pgconn, "select version()")
        if self._repair:
            query(pgconn, "select pg_notification_queue_usage()")
        query(pgconn, f"listen {quote_identifier(self._channel)}")
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


def query(pgconn: pq.abc.PGconn, sql: str) -> pq.abc.PGresult:
    result = pgconn.exec_(sql.encode())
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise ConnectionFailed(result.error_message.decode(errors="replace"))
    return result
