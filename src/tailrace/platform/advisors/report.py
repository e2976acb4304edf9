"""Running the checks on a database."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.errors import InsufficientPrivilege, QueryCanceled
from psycopg.rows import tuple_row

from tailrace.platform.advisors import exposure, indexes, neon_auth, programs, row_security, tables
from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Issue, Level

CHECKS: tuple[Check, ...] = (
    row_security.RLS_DISABLED,
    row_security.POLICY_WITHOUT_RLS,
    exposure.SENSITIVE_COLUMNS,
    exposure.DEFINER_VIEW,
    neon_auth.USERS_EXPOSED,
    neon_auth.METADATA_IN_POLICY,
    neon_auth.FOREIGN_KEY_TO_UNIQUE,
    row_security.ALWAYS_TRUE,
    programs.MUTABLE_SEARCH_PATH,
    programs.EXTENSION_IN_PUBLIC,
    programs.OUTDATED_EXTENSION,
    exposure.MATERIALIZED_VIEW,
    exposure.FOREIGN_TABLE,
    tables.UNSUPPORTED_TYPE,
    row_security.RLS_WITHOUT_POLICY,
    row_security.AUTH_CALLED_PER_ROW,
    row_security.MANY_PERMISSIVE,
    indexes.DUPLICATE_INDEX,
    indexes.UNINDEXED_FOREIGN_KEY,
    indexes.UNUSED_INDEX,
    tables.NO_PRIMARY_KEY,
    tables.TABLE_BLOAT,
)
"""In the order of the documentation."""

Connection = AsyncConnection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to look at, and for whom.

    `schemas` are those that the Data API exposes, `roles` those it takes on for its
    callers; ones that do not exist are passed over. `docs_page` is the address of
    docs/references/advisors.md, without a fragment. `timeout` holds for each check,
    in seconds.
    """

    schemas: tuple[str, ...]
    roles: tuple[str, ...] = ("anonymous", "authenticated")
    docs_page: str
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, the worst first; `notes` say in words what could not be judged, and why."""

    issues: tuple[Issue, ...]
    notes: tuple[str, ...]


async def scan(
    connection: Connection, scope: Scope, *, category: Category | None = None, min_severity: Level | None = None
) -> Report:
    """Run the checks that `category` and `min_severity` leave, on one view of the database, changing nothing.

    The connection must not be within a transaction. Its role needs no rights: what it
    may not judge, and a check that takes too long, becomes a note.
    Errors: psycopg's, when the connection is lost.
    """
    wanted = chosen(category=category, min_severity=min_severity, version=connection.info.server_version)
    issues: list[Issue] = []
    notes: list[str] = []
    async with connection.transaction():
        await _prepare(connection, scope)
        for check in wanted:
            try:
                async with connection.transaction():
                    issues += await _find(connection, check, scope=scope)
                    notes += await _unseen(connection, check, scope=scope)
            except QueryCanceled:
                notes.append(f"{check.name}: stopped after {scope.timeout:g} seconds.")
            except InsufficientPrivilege as error:
                notes.append(f"{check.name}: {error.diag.message_primary}.")
    return Report(tuple(sorted(issues, key=lambda issue: -issue.level)), tuple(notes))


def chosen(*, category: Category | None, min_severity: Level | None, version: int) -> Iterable[Check]:
    """The checks that are asked for and that a server of this version can answer."""
    return tuple(
        check
        for check in CHECKS
        if (category is None or category in check.categories)
        and (min_severity is None or check.level >= min_severity)
        and version >= check.since
    )


async def _prepare(connection: Connection, scope: Scope) -> None:
    await connection.execute("set transaction isolation level repeatable read, read only")
    # Without schemas on the path, deparsed expressions name each object in full; short queries gain nothing by JIT.
    await connection.execute(
        "select set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true),"
        " set_config('search_path', 'pg_catalog', true), set_config('jit', 'off', true)",
        [f"{round(scope.timeout * 1000)}ms"] * 2,
    )


async def _find(connection: Connection, check: Check, *, scope: Scope) -> list[Issue]:
    cursor = AsyncRawCursor(connection, row_factory=tuple_row)
    await cursor.execute(check.sql, [list(scope.schemas), list(scope.roles)])
    rows = await cursor.fetchall()
    return [
        Issue(
            name=check.name,
            title=check.title,
            level=check.level,
            facing=check.facing,
            categories=check.categories,
            description=check.description,
            detail=detail,
            remediation=check.remediation(scope.docs_page),
            metadata=MappingProxyType(metadata),
            cache_key="_".join((check.name, *subject)),
            fix=fix,
        )
        for subject, detail, metadata, fix in sorted(rows, key=lambda row: tuple(row[0]))
    ]


async def _unseen(connection: Connection, check: Check, *, scope: Scope) -> list[str]:
    if check.unseen_sql is None:
        return []
    cursor = AsyncRawCursor(connection, row_factory=tuple_row)
    await cursor.execute(check.unseen_sql, [list(scope.schemas), list(scope.roles)])
    row = await cursor.fetchone()
    if row is None or row[0] == 0:
        return []
    return [f"{check.name}: not judged, since {connection.info.user} may not read them: {row[0]} of the large tables."]
