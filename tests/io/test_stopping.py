"""The end has a bound (server-stop-timeout): what Postgres still runs is cancelled, and clients are cut off."""

import http.client
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from tests.support.postgres import CreateDatabase, Database
from tests.support.proxy import Proxy
from tests.support.serve import HOST, Api
from tests.support.standalone import running_server, until

DOCK = """
create schema dock;
create table dock.ships (id int primary key);
insert into dock.ships select generate_series(1, 200000);
create function dock.nap(seconds float) returns text language sql volatile as
  $$ select pg_sleep(seconds); select 'awake' $$;
grant usage on schema dock to anonymous;
grant select, insert, update on all tables in schema dock to anonymous;
"""
LONG = 600
GIVEN_UP = "Stopping took longer than 1 seconds, giving up what "


@pytest.fixture
def dock(create_database: CreateDatabase) -> Database:
    return create_database(DOCK)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def running(database: Database) -> int:
    """How many statements of the server Postgres is busy with."""
    return int(
        database.query(
            "select count(*)::int from pg_stat_activity"
            " where datname = current_database() and usename = 'authenticator' and state = 'active'"
        )[0][0]
    )


def stop(api: Api) -> float:
    """Seconds that it took; the exit code has to be 0."""
    began = time.monotonic()
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(15) == 0
    return time.monotonic() - began


def outcome(request: "Future[int]") -> int | None:
    """The status; None for a client that was cut off."""
    try:
        return request.result(10)
    except (OSError, http.client.HTTPException):
        return None


def test_statements_that_outlast_the_bound_are_cancelled(dock: Database, threads: ThreadPoolExecutor) -> None:
    with running_server(dock.authenticator_dsn, db_schemas="dock", server_stop_timeout=1) as api:
        naps = [threads.submit(lambda: api.post("/rpc/nap", {"seconds": LONG}).status) for _ in range(3)]
        until(lambda: running(dock) == 3)

        took = stop(api)

        assert 1 <= took < 4
        assert f"{GIVEN_UP}3 clients wait for" in api.log
        until(lambda: running(dock) == 0, seconds=2)
        assert all(status is None or status >= 400 for status in map(outcome, naps))
        assert "Traceback" not in api.log


def test_reads_that_queue_behind_a_lock_are_all_cancelled(dock: Database, threads: ThreadPoolExecutor) -> None:
    with running_server(dock.authenticator_dsn, db_schemas="dock", db_pool=1, server_stop_timeout=1) as api:
        for _ in range(20):
            api.get("/ships?id=eq.1")
        with psycopg.connect(dock.dsn) as locker:
            locker.execute("lock table dock.ships")
            reads = [threads.submit(lambda: api.get("/ships?id=eq.1").status) for _ in range(4)]
            until(lambda: running(dock) == 1)

            took = stop(api)

            assert 1 <= took < 5
            until(lambda: running(dock) == 0, seconds=2)
            assert all(status is None or status >= 400 for status in map(outcome, reads))


def test_a_stalled_network_does_not_hold_up_the_end(dock: Database, threads: ThreadPoolExecutor) -> None:
    port = int(dock.authenticator_dsn.rpartition("@")[2].partition("/")[0].rpartition(":")[2])
    with Proxy(port) as network:
        address = dock.authenticator_dsn.replace(f":{port}/", f":{network.port}/")
        with running_server(address, db_schemas="dock", server_stop_timeout=1) as api:
            assert api.get("/ships?id=eq.1").status == 200
            network.stall()
            request = threads.submit(lambda: api.get("/ships?id=eq.1").status)
            until(lambda: not request.done() and api.admin.get("/live").status == 200)
            time.sleep(0.1)

            took = stop(api)

            assert 1 <= took < 5
            assert f"{GIVEN_UP}1 clients wait for" in api.log
            status = outcome(request)
            assert status is None or status >= 500


def test_a_client_that_does_not_read_its_answer_does_not_hold_up_the_end(dock: Database) -> None:
    with running_server(dock.authenticator_dsn, db_schemas="dock", server_stop_timeout=1) as api:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((HOST, api.port))
            client.sendall(b"GET /ships?select=id,a:id,b:id,c:id,d:id,e:id HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
            until(lambda: running(dock) == 1)

            took = stop(api)

        assert 1 <= took < 5
        until(lambda: running(dock) == 0, seconds=2)


def test_several_workers_keep_the_bound_too(dock: Database, threads: ThreadPoolExecutor) -> None:
    with running_server(
        dock.authenticator_dsn, db_schemas="dock", server_workers=2, db_pool=4, server_stop_timeout=1
    ) as api:
        naps = [threads.submit(lambda: api.post("/rpc/nap", {"seconds": LONG}).status) for _ in range(2)]
        until(lambda: running(dock) == 2)

        took = stop(api)

        assert 1 <= took < 4
        until(lambda: running(dock) == 0, seconds=2)
        assert all(status is None or status >= 400 for status in map(outcome, naps))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_signal_ends_at_once_and_says_so(dock: Database, threads: ThreadPoolExecutor, workers: int) -> None:
    with running_server(dock.authenticator_dsn, db_schemas="dock", server_workers=workers, db_pool=4) as api:
        nap = threads.submit(lambda: api.post("/rpc/nap", {"seconds": LONG}).status)
        until(lambda: running(dock) == 1)

        api.process.send_signal(signal.SIGTERM)
        until(lambda: "Received termination unix signal SIGTERM" in api.log)
        took = stop(api)

        assert took < 1
        assert "Received termination unix signal SIGTERM again, ending at once" in api.log
        assert "Traceback" not in api.log
        assert outcome(nap) is None


def test_a_request_that_ends_within_the_bound_is_answered(dock: Database, threads: ThreadPoolExecutor) -> None:
    with running_server(dock.authenticator_dsn, db_schemas="dock", server_stop_timeout=10) as api:
        nap = threads.submit(lambda: api.post("/rpc/nap", {"seconds": 1.5}).status)
        until(lambda: running(dock) == 1)

        took = stop(api)

        assert nap.result(5) == 200
        assert took < 4
        assert "Stopping took longer" not in api.log
