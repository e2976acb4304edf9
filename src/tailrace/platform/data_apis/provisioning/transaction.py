"""One transaction for everything, alone in its database, that gives up rather than waits for long."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from tailrace.platform.data_apis.provisioning.errors import DatabaseBusy, MissingPrivileges
from tailrace.platform.data_apis.provisioning.provisioning import Limits

T = TypeVar("T")
ATTEMPTS = 4
ADVISORY_LOCK = int.from_bytes(b"tailrace", "big")
_PREPARE = """
SET LOCAL client_encoding TO 'UTF8';
SET LOCAL search_path TO '';
SET LOCAL standard_conforming_strings TO on;
SET LOCAL check_function_bodies TO on;
SET LOCAL lock_timeout TO '{lock}ms';
SET LOCAL statement_timeout TO '{statement}ms';
SELECT pg_catalog.pg_advisory_xact_lock({key})"""
_BUSY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)
_RACES = (
    errors.UniqueViolation,
    errors.DuplicateObject,
    errors.DuplicateSchema,
    errors.DependentObjectsStillExist,
)
"""Roles belong to the cluster: what is done in another database may be quicker."""


class Outrun(DatabaseBusy):
    """Another installation has changed a role meanwhile: what is found at the next attempt is settled."""


class Work:
    """The statements of one transaction. `doing` says in words what the present one is for."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self.connection = connection
        self.doing = "reading the catalog"

    async def run(self, *statements: str) -> None:
        """Run statements of our own, in one round trip."""
        if statements:
            await self.connection.execute(";\n".join(statements).encode(), prepare=False)

    async def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor(row_factory=tuple_row)
        await cursor.execute(query, values or None)
        return await cursor.fetchall()


@asynccontextmanager
async def transaction(connection: psycopg.AsyncConnection[Any], limits: Limits) -> AsyncIterator[Work]:
    """Commit when the block ends, undo everything when it raises.

    Errors: DatabaseBusy, MissingPrivileges; ValueError when the connection is in a transaction already.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("The connection must not be in a transaction.")
    work = Work(connection)
    try:
        async with connection.transaction():
            await work.run(
                _PREPARE.format(
                    lock=max(1, round(limits.lock_timeout * 1000)),
                    statement=max(1, round(limits.statement_timeout * 1000)),
                    key=ADVISORY_LOCK,
                )
            )
            yield work
    except _BUSY as error:
        raise DatabaseBusy(_sentence(error)) from error
    except _RACES as error:
        raise Outrun(_sentence(error)) from error
    except errors.InternalError_ as error:
        if "concurrently" not in _sentence(error):
            raise
        raise Outrun(_sentence(error)) from error
    except errors.InsufficientPrivilege as error:
        missing = (f"what {work.doing} needs ({_sentence(error)})",)
        raise MissingPrivileges(connection.info.user, missing) from error


async def persistently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Begin anew while others are quicker, a few times."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except Outrun:
            continue
    return await attempt()


def _sentence(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)
