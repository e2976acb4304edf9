"""Through the door with real clients, to a real Postgres."""

import asyncio
import os
import socket
import ssl
import stat
import threading
import time
from collections.abc import Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it brings no types
import psycopg
import pytest
from psycopg import sql

from tailrace.cluster import RunningCluster
from tailrace.cluster.front_door import Backend, parse_allow_list
from tailrace.cluster.front_door.startup import CancelRequest, Startup, TlsRequest, encode_request
from tests.cluster.front_door.support import PASSWORD, ROLE, OpenDoor, backend_of

OpenWith = Callable[..., OpenDoor]


def refusal(door: OpenDoor, **asked: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        door.connect(**asked)
    return str(caught.value)


def administer(cluster: RunningCluster, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        composed = sql.SQL(statement).format(*(sql.Literal(value) for value in values), role=sql.Identifier(ROLE))
        cursor = connection.execute(composed)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize(
    "options",
    [
        "sslmode=require&channel_binding=require",
        "sslmode=require&channel_binding=disable",
        "sslmode=require&sslnegotiation=direct&channel_binding=require",
        "sslmode=require&channel_binding=require&max_protocol_version=3.2",
        "sslmode=prefer&gssencmode=prefer",
    ],
)
def test_a_client_is_in_as_its_own_role(door: OpenDoor, options: str) -> None:
    with door.connect(options=options + "&application_name=mine") as connection:
        row = connection.execute(
            "select session_user, usename, application_name from pg_stat_activity where pid = pg_backend_pid()"
        ).fetchone()

    assert row == (ROLE, ROLE, "mine")


def test_startup_options_reach_the_session(door: OpenDoor) -> None:
    with door.connect(options="sslmode=require&options=-c%20work_mem%3D7MB") as connection:
        row = connection.execute("show work_mem").fetchone()

    assert row == ("7MB",)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_certificate_is_for_the_host_and_signed_by_our_authority(door: OpenDoor, host: str) -> None:
    authority = door.folder / "ca.crt"

    with psycopg.connect(door.dsn(options="sslmode=verify-full"), host=host, sslrootcert=str(authority)) as connection:
        assert connection.pgconn.ssl_in_use

    assert stat.S_IMODE((door.folder / "ca.key").stat().st_mode) == 0o600


def test_asyncpg_comes_in_as_well(door: OpenDoor) -> None:
    async def ask() -> object:
        context = ssl.create_default_context(cafile=str(door.folder / "ca.crt"))
        connection = await asyncpg.connect(
            host="localhost", port=door.door.port, user=ROLE, password=PASSWORD, database="postgres", ssl=context
        )
        try:
            return await connection.fetchval("select $1::int + 1", 41)
        finally:
            await connection.close()

    assert asyncio.run(ask()) == 42


def test_a_wrong_password_an_unknown_and_an_expired_role_look_alike(door: OpenDoor, cluster: RunningCluster) -> None:
    wrong = refusal(door, password="guess")
    unknown = refusal(door, user="nobody at all")
    administer(cluster, "alter role {role} valid until '2001-01-01'")
    expired = refusal(door)
    administer(cluster, "alter role {role} valid until 'infinity'")

    assert f'FATAL:  password authentication failed for user "{ROLE}"' in wrong
    assert expired == wrong
    assert unknown.replace("nobody at all", ROLE) == wrong


def test_a_role_that_may_not_log_in_hears_so_from_postgres_once_it_is_known(
    door: OpenDoor, cluster: RunningCluster
) -> None:
    administer(cluster, "alter role {role} nologin")

    said = refusal(door)

    administer(cluster, "alter role {role} login")
    assert "is not permitted to log in" in said


def test_a_changed_password_counts_at_once_and_so_do_its_iterations(door: OpenDoor, cluster: RunningCluster) -> None:
    door.connect().close()
    administer(cluster, "set scram_iterations = 7777; alter role {role} password 'newer'")

    old = refusal(door)
    door.connect(password="newer").close()

    administer(cluster, "alter role {role} password {}", PASSWORD)
    assert "password authentication failed" in old
    door.connect().close()


@pytest.mark.filterwarnings("ignore")
def test_a_password_stored_as_md5_is_refused_with_the_reason(door: OpenDoor, cluster: RunningCluster) -> None:
    administer(cluster, "alter role {role} password 'md5" + "0" * 32 + "'")

    said = refusal(door)

    administer(cluster, "alter role {role} password {}", PASSWORD)
    assert "stored as md5" in said


def test_a_plain_connection_is_refused_unless_the_door_allows_it(door: OpenDoor, open_with: OpenWith) -> None:
    lax = open_with(allow_plain=True)

    said = refusal(door, options="sslmode=disable")

    assert "connection is insecure" in said
    with lax.connect(options="sslmode=disable") as connection:
        assert connection.execute("select current_user").fetchone() == (ROLE,)


@pytest.mark.parametrize("options", ["sslmode=require", "sslmode=require&max_protocol_version=3.2", "sslmode=disable"])
def test_a_statement_can_be_cancelled(open_with: OpenWith, options: str) -> None:
    door = open_with(allow_plain=True)
    with door.connect(options=options) as connection:
        timer = threading.Timer(0.2, connection.cancel_safe)
        timer.start()

        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(20)")

        timer.join()


def test_a_request_to_cancel_does_not_pass_through_another_door(door: OpenDoor, open_with: OpenWith) -> None:
    other = open_with()

    with door.connect() as connection:
        request = CancelRequest(connection.info.backend_pid, b"\0\0\0\0")
        with socket.create_connection(("127.0.0.1", other.door.port), timeout=5) as client:
            client.sendall(encode_request(request))
            assert client.recv(10) == b""
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_hundred_megabytes_go_out_and_come_in_whole(door: OpenDoor) -> None:
    line = b"x" * 999 + b"\n"
    with door.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table heap (line text)")
        with cursor.copy("copy heap from stdin") as copy:
            for _ in range(400):
                copy.write(line * 256)
        received = 0
        with cursor.copy("copy heap to stdout") as copy:
            for piece in copy:
                received += len(piece)

    assert received == 400 * 256 * 1000


def test_a_client_that_reads_slowly_stops_postgres_instead_of_filling_the_door(door: OpenDoor) -> None:
    before = door.door.activity.bytes_passed

    connection = door.connect()
    connection.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 200000)")
    time.sleep(0.5)
    passed = door.door.activity.bytes_passed - before
    connection.close()

    assert passed < 30_000_000


def test_two_hundred_clients_are_in_at_once(open_with: OpenWith, cluster: RunningCluster) -> None:
    door = open_with()
    available = int(administer(cluster, "show max_connections")[0][0]) - 40

    async def crowd() -> list[Any]:
        connections = await asyncio.gather(
            *(psycopg.AsyncConnection.connect(door.dsn(), autocommit=True) for _ in range(min(200, available)))
        )
        answers = await asyncio.gather(*(connection.execute("select 1") for connection in connections))
        count = door.door.activity.sessions
        await asyncio.gather(*(connection.close() for connection in connections))
        return [count, len(answers)]

    expected = min(200, available)
    assert asyncio.run(crowd()) == [expected, expected]


def test_more_sessions_than_the_door_has_room_for_are_told_so(open_with: OpenWith) -> None:
    small = open_with(max_sessions=1)

    with small.connect():
        said = refusal(small)

    assert "sorry, too many clients already" in said


def test_an_address_off_the_list_is_refused_and_the_list_changes_while_the_door_is_open(open_with: OpenWith) -> None:
    door = open_with(allowed=parse_allow_list(("10.0.0.0/8",)))

    said = refusal(door)
    door.call(door.door.allow, parse_allow_list(("127.0.0.1-127.0.0.9", "::1")))

    assert "This IP address 127.0.0.1 is not allowed" in said
    door.connect().close()


def test_replication_is_refused_unless_the_door_allows_it(
    door: OpenDoor, open_with: OpenWith, cluster: RunningCluster
) -> None:
    administer(cluster, "alter role {role} replication")
    liberal = open_with(allow_replication=True)

    said = refusal(door, options="sslmode=require&replication=database")

    assert "replication connections are not allowed" in said
    with liberal.connect(options="sslmode=require&replication=true") as connection:
        assert connection.pgconn.exec_(b"IDENTIFY_SYSTEM").ntuples == 1
    administer(cluster, "alter role {role} noreplication")


def test_the_compute_is_woken_once_for_all_who_wait(open_with: OpenWith, cluster: RunningCluster) -> None:
    calls: list[float] = []

    async def wake() -> Backend:
        calls.append(time.monotonic())
        await asyncio.sleep(0.3)
        return backend_of(cluster)

    door = open_with(wake=wake)

    async def three() -> None:
        for connection in await asyncio.gather(*(psycopg.AsyncConnection.connect(door.dsn()) for _ in range(3))):
            await connection.close()

    asyncio.run(three())

    assert len(calls) == 1


def test_a_compute_that_does_not_start_is_an_error_that_clients_may_retry(open_with: OpenWith) -> None:
    async def never() -> Backend:
        await asyncio.sleep(60)
        raise AssertionError

    async def broken() -> Backend:
        raise RuntimeError("a secret")

    assert "the compute is still starting" in refusal(open_with(wake=never, wake_timeout=0.2))
    assert "the compute could not be started" in refusal(open_with(wake=broken))


def test_who_says_nothing_is_hung_up_on(open_with: OpenWith) -> None:
    hasty = open_with(handshake_timeout=0.3)
    starts = (b"", b"\0\0", encode_request(TlsRequest()), b"\x16\x03\x01\x02\0\x01")

    for start in starts:
        with socket.create_connection(("127.0.0.1", hasty.door.port), timeout=5) as slow:
            slow.sendall(start)
            while slow.recv(100):
                pass

    assert hasty.door.activity.sessions == 0


def test_bytes_slipped_in_before_tls_are_refused(door: OpenDoor) -> None:
    with socket.create_connection(("127.0.0.1", door.door.port), timeout=5) as client:
        client.sendall(encode_request(TlsRequest()) + encode_request(Startup(0, ((b"user", b"x"),))))
        said = client.recv(1000)

    assert b"received unencrypted data after SSL request" in said


def test_noise_never_brings_the_door_down(door: OpenDoor) -> None:
    for size in (1, 4, 8, 9, 100, 20_000):
        with socket.create_connection(("127.0.0.1", door.door.port), timeout=5) as client:
            try:
                client.sendall(os.urandom(size))
                client.shutdown(socket.SHUT_WR)
                while client.recv(1000):
                    pass
            except ConnectionError:
                continue

    door.connect().close()


def test_what_the_server_says_last_reaches_the_client(door: OpenDoor, cluster: RunningCluster) -> None:
    with door.connect() as connection:
        pid = connection.info.backend_pid
        administer(cluster, "select pg_terminate_backend({})", pid)

        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("select 1")


def test_a_client_that_vanishes_takes_its_backend_along(door: OpenDoor, cluster: RunningCluster) -> None:
    connection = door.connect()
    pid = connection.info.backend_pid

    with socket.socket(fileno=os.dup(connection.fileno())) as raw:
        raw.shutdown(socket.SHUT_RDWR)
    deadline = time.monotonic() + 5
    while administer(cluster, "select 1 from pg_stat_activity where pid = {}", pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    connection.close()


def test_closing_gives_sessions_their_grace_and_then_ends_them(open_with: OpenWith) -> None:
    door = open_with()
    connection = door.connect()

    door.run(door.door.close(grace=0.1))

    assert door.door.activity.sessions == 0
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")
    connection.close()
