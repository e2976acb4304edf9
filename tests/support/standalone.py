"""Clusters and servers of a test's own, for what must not be done to the shared ones."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from tailrace.cluster import ClusterSpec, RunningCluster, start
from tailrace.cluster.process import free_port
from tests.support.postgres import PASSWORD, Database
from tests.support.serve import EXECUTABLE, Api, HttpClient, Setting, environment, wait_until_ready

PATIENCE = 30.0
"""Seconds until a condition that does not come about fails the test."""
LOGIN = f"""
create role authenticator login noinherit password '{PASSWORD}';
create role anonymous nologin;
create role authenticated nologin;
grant anonymous, authenticated to authenticator;
"""
FRUIT = """
create schema api;
create table api.fruit (id int primary key, name text);
insert into api.fruit values (1, 'pear'), (2, 'plum');
create function api.nap(seconds float) returns text language sql stable as
  $$ select pg_sleep(seconds); select 'awake' $$;
create function api.seen() returns json language sql stable as $$
  select json_build_object(
    'user', current_user,
    'login', session_user,
    'claims', nullif(current_setting('request.jwt.claims', true), '')::json,
    'backend', pg_backend_pid(),
    'is_standby', pg_is_in_recovery(),
    'prepared', (select count(*) from pg_prepared_statements)
  )
$$;
grant usage on schema api to anonymous, authenticated;
grant select, insert, delete on all tables in schema api to anonymous, authenticated;
"""
"""A schema `api` with something to read, something that takes long, and what a transaction sees of itself."""
T = TypeVar("T")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that the user of an embedded Postgres may enter, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tailrace-own-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


class OwnCluster:
    """A cluster on a port that stays the same, which may be stopped and started."""

    def __init__(self, spec: ClusterSpec) -> None:
        self.spec = spec
        self.running: RunningCluster | None = None
        self.start()

    @property
    def port(self) -> int:
        assert self.running is not None
        return self.running.port

    def start(self) -> None:
        self.running = start(self.spec)

    def stop(self, *, immediate: bool = False) -> None:
        if self.running is not None:
            self.running.stop(immediate=immediate)
            self.running = None

    @property
    def dsn(self) -> str:
        assert self.running is not None
        return self.running.dsn()

    @property
    def authenticator_dsn(self) -> str:
        assert self.running is not None
        return self.running.dsn(user="authenticator", password=PASSWORD)

    def execute(self, statements: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statements.encode())

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(statement.encode(), values or None).fetchall()


@contextmanager
def own_cluster(folder: Path, schema_sql: str = "", **settings: str) -> Iterator[OwnCluster]:
    """A cluster with the usual roles and `schema_sql`; `settings` are Postgres's."""
    cluster = OwnCluster(
        ClusterSpec(data_dir=folder / "postgres", password=PASSWORD, durable=False, port=free_port(), settings=settings)
    )
    try:
        cluster.execute(LOGIN + schema_sql)
        yield cluster
    finally:
        cluster.stop(immediate=True)


@contextmanager
def running_server(
    db_uri: str, *, environ: Mapping[str, str] | None = None, wait: bool = True, **settings: Setting
) -> Iterator[Api]:
    """The executable on any address; `environ` is added to its environment. `wait` is for readiness."""
    port, admin_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="tailrace-server-") as folder:
        log_file = Path(folder) / "log"
        env = environment(db_uri, port=port, admin_port=admin_port, settings=settings) | dict(environ or {})
        with log_file.open("wb") as log:
            process = subprocess.Popen([EXECUTABLE], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        api = Api(Database("", db_uri, db_uri), process, port=port, admin=HttpClient(admin_port))
        api.log_file = log_file
        try:
            if wait:
                wait_until_ready(api)
            yield api
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(condition: Callable[[], T], *, seconds: float = PATIENCE) -> T:
    """Ask until the answer is truthy, and give it; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{condition} did not come about in {seconds} s, last: {found!r}"
        time.sleep(0.02)
