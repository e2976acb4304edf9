"""One embedded Postgres for the whole run, and fresh databases on it.

Every database finds these roles: `authenticator` (logs in, may become the others),
`anonymous` and `authenticated`. Roles that a test's SQL adds go with its database.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tailrace.cluster import ClusterSpec, RunningCluster, start

PASSWORD = "a password for tests"
ROLES = ("authenticator", "anonymous", "authenticated")
_CREATE_ROLES = f"""
    create role authenticator login noinherit password '{PASSWORD}';
    create role anonymous nologin;
    create role authenticated nologin;
    grant anonymous, authenticated to authenticator;
"""


@dataclass(frozen=True, slots=True)
class Database:
    """A database of the test's own; `dsn` is the superuser's, `authenticator_dsn` the server's."""

    name: str
    dsn: str
    authenticator_dsn: str

    def execute(self, statements: str) -> None:
        """Run SQL as the superuser: one statement or many."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statements)

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one statement, run as the superuser."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(statement, values or None).fetchall()


CreateDatabase = Callable[[str], Database]


@pytest.fixture(scope="session")
def cluster() -> Iterator[RunningCluster]:
    """A Postgres server on data of its own, gone after the run."""
    home = Path(tempfile.mkdtemp(prefix="tailrace-tests-"))
    home.chmod(0o755)  # root's server runs as another user, who must get in
    spec = ClusterSpec(
        data_dir=home / "postgres", password=PASSWORD, durable=False, settings={"max_connections": "200"}
    )
    try:
        running = start(spec)
        try:
            with psycopg.connect(running.dsn(), autocommit=True) as connection:
                connection.execute(_CREATE_ROLES)
            yield running
        finally:
            running.stop(immediate=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def create_database(cluster: RunningCluster) -> Iterator[CreateDatabase]:
    """Makes databases from SQL text, which are dropped after the module."""
    created: list[str] = []
    numbers = count(1)

    def create(schema_sql: str = "") -> Database:
        name = f"test_{next(numbers)}"
        _administer(cluster, sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        created.append(name)
        database = Database(
            name=name,
            dsn=cluster.dsn(name),
            authenticator_dsn=cluster.dsn(name, user="authenticator", password=PASSWORD),
        )
        if schema_sql:
            database.execute(schema_sql)
        return database

    yield create
    for name in created:
        _administer(cluster, sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
    _restore_roles(cluster)


def _administer(cluster: RunningCluster, statement: sql.Composed) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(statement)


def _restore_roles(cluster: RunningCluster) -> None:
    """Roles belong to the cluster, not to a database: undo what the module's SQL did to them."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        added = connection.execute(
            "select rolname from pg_roles where oid >= 16384 and not rolname = any(%s)", [list(ROLES)]
        ).fetchall()
        for (role,) in added:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
        for name in ROLES:
            connection.execute(sql.SQL("alter role {} reset all").format(sql.Identifier(name)))
