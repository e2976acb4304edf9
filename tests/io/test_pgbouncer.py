"""Behind a pooler in transaction mode, where a session is another one at every transaction.

Source: PostgREST docs, references/connection_pool ("using an external connection pooler"),
and PgBouncer's page "features": no prepared statements, no session settings, no LISTEN.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tailrace.cluster import RunningCluster
from tailrace.cluster.owner import choose_owner
from tailrace.cluster.process import free_port
from tests.support.postgres import PASSWORD, CreateDatabase, Database
from tests.support.serve import HOST, Api, Response
from tests.support.standalone import FRUIT, running_server, scratch_folder, until
from tests.support.tokens import bearer

SERVERS = 2
"""Sessions of Postgres behind the pooler; fewer than ours with it."""


def find_pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


pytestmark = pytest.mark.skipif(find_pgbouncer() is None, reason="needs the program pgbouncer, which is not installed")


def configuration(home: Path, cluster: RunningCluster, port: int) -> str:
    return f"""
[databases]
* = host={HOST} port={cluster.port}
[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir =
auth_type = md5
auth_file = {home / "users"}
pool_mode = transaction
default_pool_size = {SERVERS}
max_client_conn = 50
ignore_startup_parameters = extra_float_digits
server_reset_query =
"""


@contextmanager
def pooler(home: Path, cluster: RunningCluster) -> Iterator[int]:
    """A PgBouncer in front of the cluster; its port. It refuses to run as root."""
    program, port, owner = find_pgbouncer(), free_port(), choose_owner(cluster.spec.data_dir)
    assert program is not None
    (home / "users").write_text(f'"authenticator" "{PASSWORD}"\n')
    (home / "pgbouncer.ini").write_text(configuration(home, cluster, port))
    user = ("--user", pwd.getpwuid(owner.uid).pw_name) if owner.other else ()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([program, *user, home / "pgbouncer.ini"], stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or is_listening(port))
        assert process.poll() is None, (home / "log").read_text()
        yield port
    finally:
        process.kill()
        process.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture(scope="module")
def fruit(create_database: CreateDatabase) -> Database:
    return create_database(FRUIT)


@pytest.fixture(scope="module")
def pooled(fruit: Database, cluster: RunningCluster) -> Iterator[Api]:
    with scratch_folder() as home, pooler(home, cluster) as port:
        address = fruit.authenticator_dsn.replace(f":{cluster.port}/", f":{port}/")
        with running_server(
            address,
            db_schemas="api",
            db_pool=6,
            db_prepared_statements=False,
            db_channel_enabled=False,
            db_tx_end="commit-allow-override",
            log_level="info",
        ) as api:
            yield api


def ask(api: Api, number: int) -> Response:
    match number % 4:
        case 0:
            return api.get("/rpc/seen", headers=bearer("authenticated", sub=str(number)))
        case 1:
            return api.get("/rpc/seen")
        case 2:
            return api.post("/fruit", {"id": 1000 + number}, headers={"prefer": "tx=rollback"})
        case _:
            return api.post("/fruit", {"id": 1}, headers=bearer("authenticated"))


def test_many_requests_share_few_sessions_and_none_sees_anothers_settings(pooled: Api) -> None:
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda number: ask(pooled, number), range(400)))

    for number, answer in enumerate(answers):
        match number % 4:
            case 0:
                assert answer.json()["claims"]["sub"] == str(number)
                assert answer.json()["user"] == "authenticated"
            case 1:
                assert answer.json()["claims"] == {"role": "anonymous"}
                assert answer.json()["user"] == "anonymous"
            case 2:
                assert answer.status == 201
            case _:
                assert (answer.status, answer.json()["code"]) == (409, "23505")
    assert pooled.get("/fruit?id=gte.1000").json() == []


def test_only_unnamed_statements_are_used_and_the_sessions_stay_as_they_were(pooled: Api, fruit: Database) -> None:
    answers = [ask(pooled, 4 * number).json() for number in range(20)]
    sessions = fruit.query(
        "select count(*) from pg_stat_activity where usename = 'authenticator' and datname = %s", fruit.name
    )

    assert {answer["prepared"] for answer in answers} == {0}
    assert {answer["login"] for answer in answers} == {"authenticator"}
    assert len({answer["backend"] for answer in answers}) <= SERVERS
    assert sessions[0][0] <= SERVERS
    assert "42P05" not in pooled.log
    assert "DEALLOCATE" not in pooled.log


def test_a_changed_schema_is_served_after_a_reload_without_named_statements_going_stale(
    pooled: Api, fruit: Database
) -> None:
    before = pooled.get("/fruit?id=eq.1")

    fruit.execute("alter table api.fruit add column colour text default 'green'")
    pooled.process.send_signal(signal.SIGUSR1)
    after = until(lambda: "colour" in pooled.get("/fruit?id=eq.1").text)

    assert before.status == 200
    assert after
    assert pooled.get("/fruit?id=eq.1&select=colour").json() == [{"colour": "green"}]


def test_sessions_that_postgres_cuts_behind_the_pooler_are_replaced(pooled: Api, fruit: Database) -> None:
    assert pooled.get("/fruit?id=eq.1").status == 200

    fruit.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator' and datname = %s",
        fruit.name,
    )

    assert until(lambda: pooled.get("/fruit?id=eq.1").status == 200)
    assert pooled.process.poll() is None
