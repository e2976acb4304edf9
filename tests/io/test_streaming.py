"""Large results: memory stays bounded, slow clients hurt only themselves, a client that goes ends its statement."""

import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.serve import HOST, Api, Serve

SCHEMA = """
create table public.rows as
  select i as id, md5(i::text) as a, md5((2 * i)::text) as b, repeat('x', 40) as c from generate_series(1, 300000) i;
create view public.nap as select 1 as id from (select pg_sleep(60)) slept;
grant select on public.rows, public.nap to anonymous;
"""
SLOW_CLIENTS = 4


@pytest.fixture(scope="module")
def api(serve: Serve) -> Api:
    return serve(SCHEMA, db_pool=SLOW_CLIENTS)


def resident(api: Api) -> int:
    """Memory of the server process in KiB."""
    status = Path(f"/proc/{api.process.pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1])


@pytest.fixture
def slow_clients(api: Api) -> Iterator[None]:
    """As many clients as the pool has connections ask for everything and read nothing."""
    sockets = []
    for _ in range(SLOW_CLIENTS):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((HOST, api.port))
        client.sendall(b"GET /rows HTTP/1.1\r\nHost: a\r\n\r\n")
        sockets.append(client)
    yield
    for client in sockets:
        client.close()


def test_a_large_result_is_whole_and_in_order(api: Api) -> None:
    response = api.get("/rows?select=id,a&order=id")

    rows = response.json()
    assert response.status == 200
    assert response.headers["Content-Range"] == "0-299999/*"
    assert [row["id"] for row in rows] == list(range(1, 300001))
    assert rows[4]["a"] == hashlib.md5(b"5").hexdigest()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_result(api: Api) -> None:
    api.get("/rows?limit=2000")
    before = resident(api)

    response = api.get("/rows")

    assert len(response.body) > 40_000_000
    assert resident(api) - before < 32 * 1024


def test_an_exact_count_stands_in_the_head(api: Api) -> None:
    response = api.get("/rows?id=gt.100000", headers={"Prefer": "count=exact"})

    assert response.headers["Content-Range"] == "0-199999/200000"
    assert response.status == 200


@pytest.mark.usefixtures("slow_clients")
def test_clients_that_do_not_read_keep_nobody_out(api: Api) -> None:
    time_limit = time.monotonic() + 8

    response = api.get("/rows?id=eq.7&select=id")

    assert response.json() == [{"id": 7}]
    assert time.monotonic() < time_limit


def test_a_client_that_goes_away_ends_its_read(api: Api) -> None:
    def is_running() -> bool:
        [(count,)] = api.database.query(
            "select count(*) from pg_stat_activity"
            " where state = 'active' and query like '%nap%' and pid <> pg_backend_pid()"
        )
        return bool(count)

    with socket.create_connection((HOST, api.port)) as client:
        client.sendall(b"GET /nap HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(is_running)

    wait_until(lambda: not is_running())


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
