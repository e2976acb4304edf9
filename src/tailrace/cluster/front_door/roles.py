"""What Postgres stores of a role's password, read anew for every login.

Nothing is cached but the connection: reading takes a fraction of a millisecond, and a
password that was just changed, by whatever way, counts at once.
"""

import asyncio
from dataclasses import dataclass

import psycopg

from tailrace.cluster.front_door.scram import Verifier, parse_verifier
from tailrace.cluster.front_door.spec import Backend

IDLE = 5.0
"""Seconds that the connection is kept for the next login."""
_QUERY = """
    select rolpassword from pg_catalog.pg_authid
    where rolname = %s and rolpassword is not null
        and (rolvaliduntil is null or rolvaliduntil >= pg_catalog.now())
"""
_GONE = (psycopg.OperationalError, psycopg.InterfaceError)


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """`verifier` None: the role is unknown, has no password, or one that is expired or no SCRAM (`md5`)."""

    verifier: Verifier | None
    md5: bool = False


class RoleReader:
    """Reads passwords over one connection of the superuser, made when needed."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._backend: Backend | None = None
        self._connection: psycopg.AsyncConnection[tuple[str]] | None = None
        self._closing: asyncio.TimerHandle | None = None

    async def read(self, user: bytes, backend: Backend) -> StoredPassword:
        """Errors: psycopg.Error when the backend cannot be asked."""
        try:
            name = user.decode("utf-8")
        except UnicodeDecodeError:
            return StoredPassword(None)
        async with self._lock:
            self._keep_open()
            try:
                return await self._ask(name, backend)
            except _GONE:  # the server was restarted since: ask the new one
                await self._drop()
                return await self._ask(name, backend)
            finally:
                self._close_when_idle()

    async def close(self) -> None:
        async with self._lock:
            self._keep_open()
            await self._drop()

    async def _ask(self, name: str, backend: Backend) -> StoredPassword:
        connection = await self._connect(backend)
        try:
            row = await (await connection.execute(_QUERY, (name,))).fetchone()
        except BaseException:
            # Cancelled or failed: what state it is in is not worth finding out.
            await self._drop()
            raise
        if row is None:
            return StoredPassword(None)
        return StoredPassword(parse_verifier(row[0]), md5=row[0].startswith("md5"))

    async def _connect(self, backend: Backend) -> psycopg.AsyncConnection[tuple[str]]:
        if self._connection is not None and (self._backend != backend or self._connection.closed):
            await self._drop()
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                host=str(backend.socket_dir),
                port=backend.port,
                user=backend.superuser,
                password=backend.password,
                dbname=backend.database,
                application_name="tailrace front door",
                options="-c log_statement=none -c client_encoding=utf8",
                autocommit=True,
                connect_timeout=10,
            )
            self._backend = backend
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _keep_open(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _close_when_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(IDLE, lambda: loop.create_task(self.close()))
