"""Signals, and a graceful end (PostgREST docs, references/configuration and references/schema_cache)."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tailrace.cluster.process import free_port
from tests.support.postgres import CreateDatabase
from tests.support.serve import EXECUTABLE, HOST, Api, HttpClient, Serve, environment, wait_until_ready

SIGNALS = """
create schema harbour;
create table harbour.boats (id int primary key);
insert into harbour.boats values (1), (2);
create function harbour.nap(seconds float) returns text language sql volatile as
  $$ select pg_sleep(seconds); select 'awake' $$;
grant usage on schema harbour to anonymous;
grant select, insert on all tables in schema harbour to anonymous;
"""


@pytest.fixture
def harbour(serve: Serve) -> Api:
    return serve(SIGNALS, fresh=True, db_schemas="harbour", db_channel_enabled=False, log_level="info")


def eventually(holds: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_sigusr1_reloads_the_schema_cache(harbour: Api) -> None:
    harbour.database.execute("create table harbour.quays (id int); grant select on harbour.quays to anonymous")
    before = harbour.get("/quays").status

    harbour.process.send_signal(signal.SIGUSR1)

    assert before == 404
    assert eventually(lambda: harbour.get("/quays").status == 200)


def test_sigusr2_reloads_the_configuration(harbour: Api) -> None:
    harbour.database.execute("alter role authenticator set pgrst.db_max_rows = '1'")

    harbour.process.send_signal(signal.SIGUSR2)

    assert eventually(lambda: len(harbour.get("/boats").json()) == 1)
    harbour.database.execute("alter role authenticator reset pgrst.db_max_rows")


def test_no_request_fails_during_many_reloads(harbour: Api) -> None:
    def ask(_: int) -> int:
        return harbour.get("/boats?id=eq.1").status

    with ThreadPoolExecutor(4) as threads:
        statuses = threads.map(ask, range(200))
        for _ in range(10):
            harbour.process.send_signal(signal.SIGUSR1)
            harbour.process.send_signal(signal.SIGUSR2)
            time.sleep(0.02)

    assert set(statuses) == {200}


def test_a_reload_that_fails_keeps_the_configuration_and_says_so(harbour: Api) -> None:
    harbour.database.execute("alter role authenticator set pgrst.jwt_role_claim_key = 'no path'")

    harbour.process.send_signal(signal.SIGUSR2)

    assert eventually(lambda: "Failed reloading config: " in harbour.log)
    assert harbour.get("/boats").status == 200
    harbour.database.execute("alter role authenticator reset pgrst.jwt_role_claim_key")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_0_and_is_told_by_name(harbour: Api, number: signal.Signals) -> None:
    harbour.process.send_signal(number)

    assert harbour.process.wait(5) == 0
    assert f"Received termination unix signal {number.name}" in harbour.log


def test_a_second_signal_ends_the_server_at_once(harbour: Api) -> None:
    with ThreadPoolExecutor(1) as threads:
        napping = threads.submit(harbour.post, "/rpc/nap", {"seconds": 8})
        time.sleep(0.4)
        began = time.monotonic()
        harbour.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        was_waiting = harbour.process.poll() is None
        harbour.process.send_signal(signal.SIGTERM)
        harbour.process.wait(5)
        took = time.monotonic() - began
        with pytest.raises((http.client.HTTPException, OSError)):
            napping.result()

    assert was_waiting
    assert took < 3


def test_a_request_that_was_on_its_way_is_answered_and_its_connection_closed(harbour: Api) -> None:
    kept_open = http.client.HTTPConnection(HOST, harbour.port, timeout=5)
    kept_open.request("GET", "/boats?id=eq.1")
    kept_open.getresponse().read()

    harbour.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: "SIGTERM" in harbour.log, seconds=1)
    kept_open.request("GET", "/boats?id=eq.2")
    answer = kept_open.getresponse()

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert json.loads(answer.read()) == [{"id": 2}]
    assert harbour.process.wait(5) == 0


def test_a_body_that_was_being_sent_is_still_taken(harbour: Api) -> None:
    body = b'{"id": 3}'
    head = b"POST /boats HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection((HOST, harbour.port), timeout=5) as client:
        client.sendall(head % len(body) + body[:4])
        time.sleep(0.1)
        harbour.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        client.sendall(body[4:])
        answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert harbour.process.wait(5) == 0


@pytest.fixture
def launch(create_database: CreateDatabase, tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """Starts servers on one database with settings of their own."""
    database = create_database(SIGNALS)
    running: list[Api] = []

    def start(port: int, *arguments: Path, **settings: str | int | bool | None) -> Api:
        admin_port = free_port()
        env = environment(
            database.authenticator_dsn,
            port=port,
            admin_port=admin_port,
            settings={"db_schemas": "harbour", "admin_server_host": HOST, **settings},
        )
        log_file = tmp_path / f"log-{len(running)}"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [EXECUTABLE, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        api = Api(database, process, port=port, admin=HttpClient(admin_port))
        api.log_file = log_file
        running.append(api)
        return api

    yield start
    for api in running:
        api.terminate()


def test_sigusr2_changes_what_the_log_shows_of_the_pool(launch: Callable[..., Api], tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text('log-level = "error"\n')
    api = launch(free_port(), file)
    wait_until_ready(api)
    api.get("/boats")
    before = api.log

    file.write_text('log-level = "debug"\n')
    api.process.send_signal(signal.SIGUSR2)
    assert eventually(lambda: api.log.count("Config reloaded") > before.count("Config reloaded"))
    api.get("/boats")

    assert "from pool" not in before
    assert eventually(lambda: "Trying to borrow a connection from pool" in api.log, seconds=2)
    assert eventually(lambda: "Borrowed a connection from the pool" in api.log, seconds=2)


# ---------------------------------------------------------------- where it listens


def can_connect(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "on_ipv4", "on_ipv6"),
    [("*4", True, False), ("!4", True, False), ("*6", False, True), ("!6", False, True), ("::1", False, True)],
)
def test_special_host_names_choose_the_family(
    launch: Callable[..., Api], host: str, on_ipv4: bool, on_ipv6: bool
) -> None:
    api = launch(free_port(), server_host=host)
    wait_until_ready(api)

    assert (can_connect("127.0.0.1", api.port), can_connect("::1", api.port)) == (on_ipv4, on_ipv6)


def test_a_unix_socket_has_the_mode_that_was_asked_for(launch: Callable[..., Api], tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    api = launch(free_port(), server_unix_socket=str(path), server_unix_socket_mode="600")
    wait_until_ready(api)

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /boats?id=eq.1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = client.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert f"API server listening on {path}" in api.log


def test_a_port_that_is_taken_is_told_in_one_sentence(launch: Callable[..., Api]) -> None:
    first = launch(free_port())
    wait_until_ready(first)

    second = launch(first.port)

    assert second.process.wait(10) == 1
    assert f"Cannot listen on {HOST}:{first.port}: Address already in use" in second.log
    assert "Traceback" not in second.log


def test_with_reuseport_one_server_takes_over_from_another(launch: Callable[..., Api]) -> None:
    port = free_port()
    first = launch(port, server_reuseport=True)
    wait_until_ready(first)
    second = launch(port, server_reuseport=True)
    wait_until_ready(second)

    def ask(_: int) -> int:
        time.sleep(0.005)
        return first.get("/boats").status

    with ThreadPoolExecutor(2) as threads:
        statuses = threads.map(ask, range(150))
        time.sleep(0.2)
        first.terminate()

    assert set(statuses) == {200}
