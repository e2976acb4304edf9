"""Faults of Postgres, the network and the disk: what the client gets, that the rest goes on, that all is well again.

Source: PostgREST docs, references/connection_pool ("automatic recovery"), references/admin_server.
"""

from __future__ import annotations

import http.client
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tailrace.cluster.process import free_port
from tests.support.mixed_load import resident_kib, send_mixed
from tests.support.postgres import PASSWORD, Database
from tests.support.proxy import Proxy
from tests.support.serve import EXECUTABLE, HOST, Api, HttpClient, Response, Setting, environment, wait_until_ready
from tests.support.standalone import FRUIT, OwnCluster, own_cluster, running_server, scratch_folder, until
from tests.support.tokens import bearer

WARM_UP = 5_000
REQUESTS = 20_000
GROWTH = 12 * 1024
"""KiB by which the process may grow after warming up."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnCluster]:
    """A cluster that may be stopped, filled and spoilt; each test leaves it as it was."""
    with scratch_folder() as home, own_cluster(home, FRUIT, max_connections="25") as cluster:
        yield cluster


@pytest.fixture
def api(postgres: OwnCluster) -> Iterator[Api]:
    with running_server(postgres.authenticator_dsn, db_schemas="api", db_pool=3, log_level="info") as api:
        yield api


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as pool:
        yield pool


def is_documented_error(response: Response, *statuses: int) -> bool:
    return response.status in statuses and set(response.json()) == {"code", "message", "details", "hint"}


def ask_until(client: HttpClient, target: str, status: int) -> Response:
    """Ask until this status comes; that answer."""
    answers: list[Response] = []

    def comes() -> bool:
        answers.append(client.get(target))
        return answers[-1].status == status

    until(comes)
    return answers[-1]


def assert_well_again(api: Api) -> None:
    """Reads work, the process says that it is ready, and nothing but documented messages was logged."""
    assert ask_until(api, "/fruit?id=eq.1", 200).json() == [{"id": 1, "name": "pear"}]
    assert ask_until(api.admin, "/ready", 200).status == 200
    assert api.process.poll() is None
    assert "Traceback" not in api.log
    assert PASSWORD not in api.log


def assert_others_go_on(api: Api) -> None:
    """What needs no database is answered as ever."""
    assert api.admin.get("/live").status == 200
    assert api.admin.get("/metrics").status == 200
    assert api.options("/fruit").status == 200
    assert api.get("/nowhere").status == 404
    assert api.get("/fruit", headers={"authorization": "Bearer nonsense"}).status == 401


def start_nap(api: Api, postgres: OwnCluster, threads: ThreadPoolExecutor, seconds: float) -> Future[Response]:
    """A request that is under way in Postgres when this returns."""
    nap = threads.submit(api.get, f"/rpc/nap?seconds={seconds}")
    until(lambda: postgres.query("select pid from pg_stat_activity where wait_event = 'PgSleep'"))
    return nap


def terminate_sessions(postgres: OwnCluster) -> None:
    """Cut all sessions of the server, and wait until they are gone."""
    postgres.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'authenticator'")


# ---------------------------------------------------------------- Postgres


def test_postgres_restarts(api: Api, postgres: OwnCluster, threads: ThreadPoolExecutor) -> None:
    nap = start_nap(api, postgres, threads, 30)

    postgres.stop()
    away = ask_until(api, "/fruit", 503)
    assert_others_go_on(api)
    postgres.start()

    assert is_documented_error(nap.result(), 500, 503)
    assert is_documented_error(away, 503)
    assert_well_again(api)


def test_postgres_crashes(api: Api, postgres: OwnCluster, threads: ThreadPoolExecutor) -> None:
    nap = start_nap(api, postgres, threads, 30)

    postgres.stop(immediate=True)
    postgres.start()

    assert is_documented_error(nap.result(), 500, 503)
    assert_well_again(api)


def test_sessions_are_terminated_in_flight(api: Api, postgres: OwnCluster, threads: ThreadPoolExecutor) -> None:
    nap = start_nap(api, postgres, threads, 30)

    postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")

    assert is_documented_error(nap.result(), 500, 503)
    assert_well_again(api)


def test_sessions_are_terminated_while_idle_and_no_request_notices(api: Api, postgres: OwnCluster) -> None:
    assert api.get("/fruit").status == 200

    terminate_sessions(postgres)
    until(lambda: "Retrying listening" in api.log)

    assert [api.get("/fruit").status for _ in range(10)] == [200] * 10
    assert_well_again(api)


def test_the_role_of_requests_is_dropped_and_comes_back(api: Api, postgres: OwnCluster) -> None:
    assert api.get("/fruit", headers=bearer("authenticated")).status == 200

    postgres.execute("drop owned by authenticated; drop role authenticated")
    gone = api.get("/fruit", headers=bearer("authenticated"))
    other = api.get("/fruit?id=eq.1")
    postgres.execute(
        "create role authenticated nologin; grant authenticated to authenticator;"
        "grant usage on schema api to authenticated;"
        "grant select, insert, delete on all tables in schema api to authenticated"
    )

    assert is_documented_error(gone, 400, 401, 403)
    assert gone.json()["code"] == "22023"
    assert other.status == 200
    assert api.get("/fruit", headers=bearer("authenticated")).status == 200
    assert_well_again(api)


def test_the_login_role_may_no_longer_log_in(api: Api, postgres: OwnCluster) -> None:
    assert api.get("/fruit").status == 200

    postgres.execute("alter role authenticator nologin")
    terminate_sessions(postgres)
    refused = ask_until(api, "/fruit", 503)
    assert_others_go_on(api)
    postgres.execute("alter role authenticator login")

    assert is_documented_error(refused, 503)
    assert "is not permitted to log in" in refused.json()["details"]
    assert_well_again(api)


def test_the_password_changes_and_sessions_that_there_are_go_on(api: Api, postgres: OwnCluster) -> None:
    assert api.get("/fruit").status == 200

    postgres.execute("alter role authenticator password 'another'")
    try:
        answers = [api.get("/fruit?id=eq.1").status for _ in range(10)]
    finally:
        postgres.execute(f"alter role authenticator password '{PASSWORD}'")

    assert answers == [200] * 10
    assert_well_again(api)


def test_a_password_that_is_refused_when_no_session_is_left_ends_the_process_which_says_why(
    api: Api, postgres: OwnCluster
) -> None:
    """As PostgREST does: the service manager starts it again, by then perhaps with the right password."""
    assert api.get("/fruit").status == 200

    postgres.execute("alter role authenticator password 'another'")
    try:
        terminate_sessions(postgres)
        refused = api.get("/fruit")
        code = api.process.wait(30)
    finally:
        postgres.execute(f"alter role authenticator password '{PASSWORD}'")

    assert is_documented_error(refused, 503)
    assert code == 1
    assert "password authentication failed" in api.log
    assert PASSWORD not in api.log


def test_a_password_in_a_file_may_be_changed_while_the_server_runs(postgres: OwnCluster, tmp_path: Path) -> None:
    """libpq reads the file at every connection, so nothing has to be restarted."""
    file = tmp_path / "passwords"
    file.write_text(f"*:*:*:authenticator:{PASSWORD}\n")
    file.chmod(0o600)
    address = f"postgresql://authenticator@{HOST}:{postgres.port}/postgres?passfile={file}"
    with running_server(address, db_schemas="api", db_pool=3) as api:
        file.write_text("*:*:*:authenticator:another\n")
        postgres.execute("alter role authenticator password 'another'")
        try:
            terminate_sessions(postgres)

            assert_well_again(api)
        finally:
            postgres.execute(f"alter role authenticator password '{PASSWORD}'")


@contextmanager
def all_connections_taken(postgres: OwnCluster) -> Iterator[None]:
    """Take what other roles than the superuser may have, as the login role."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        while True:
            try:
                taken.append(psycopg.connect(postgres.authenticator_dsn))
            except psycopg.OperationalError:
                break
        yield
    finally:
        for connection in taken:
            connection.close()


def test_max_connections_is_reached_and_the_sessions_that_there_are_serve_all(
    api: Api, postgres: OwnCluster, threads: ThreadPoolExecutor
) -> None:
    assert api.get("/fruit").status == 200

    with all_connections_taken(postgres):
        answers = list(threads.map(lambda _: api.get("/fruit?id=eq.1").status, range(24)))

    assert answers == [200] * 24
    assert_well_again(api)


def test_max_connections_is_reached_and_there_is_no_session_left(api: Api, postgres: OwnCluster) -> None:
    terminate_sessions(postgres)

    with all_connections_taken(postgres):
        refused = ask_until(api, "/fruit", 503)
        assert_others_go_on(api)

    assert is_documented_error(refused, 503)
    assert "remaining connection slots" in refused.json()["details"] or "too many" in refused.json()["details"]
    assert_well_again(api)


def test_a_schema_that_fails_to_load_leaves_the_last_good_one_in_force(api: Api, postgres: OwnCluster) -> None:
    assert api.get("/fruit?id=eq.1").status == 200

    with psycopg.connect(postgres.dsn) as lock:
        # The catalog cannot be read: the load waits, and its statement ends.
        postgres.execute("alter role authenticator set statement_timeout = '300ms'")
        terminate_sessions(postgres)
        until(lambda: api.get("/fruit?id=eq.1").status == 200)
        lock.execute("lock table pg_catalog.pg_description in access exclusive mode")
        api.process.send_signal(signal.SIGUSR1)
        until(lambda: "Failed to load the schema cache" in api.log)
        answers = [api.get("/fruit?id=eq.1").status for _ in range(5)]
        live = api.admin.get("/live").status
        lock.rollback()
    postgres.execute("alter role authenticator reset statement_timeout")

    assert answers == [200] * 5
    assert live == 200
    assert_well_again(api)


# ---------------------------------------------------------------- the network


def through(network: Proxy, postgres: OwnCluster) -> str:
    return postgres.authenticator_dsn.replace(f":{postgres.port}/", f":{network.port}/") + "?connect_timeout=1"


def test_a_stalled_network_costs_time_outs_and_nothing_else(postgres: OwnCluster, threads: ThreadPoolExecutor) -> None:
    with Proxy(postgres.port) as network:
        address = through(network, postgres)
        with running_server(address, db_schemas="api", db_pool=2, db_pool_acquisition_timeout=1) as api:
            assert api.get("/fruit?id=eq.1").status == 200

            network.stall()
            stalled = [threads.submit(api.get, "/fruit?id=eq.1") for _ in range(8)]
            until(lambda: sum(one.done() for one in stalled) >= 6)
            began = time.monotonic()
            assert_others_go_on(api)
            assert time.monotonic() - began < 1
            network.resume()

            answers = [one.result() for one in stalled]
            assert {answer.status for answer in answers} <= {200, 503, 504}
            assert any(is_documented_error(answer, 504) for answer in answers)
            assert_well_again(api)


def test_a_stalled_network_that_ends_in_a_reset_fails_what_was_under_way(
    postgres: OwnCluster, threads: ThreadPoolExecutor
) -> None:
    with Proxy(postgres.port) as network:
        address = through(network, postgres)
        with running_server(address, db_schemas="api", db_pool=1, db_pool_acquisition_timeout=5) as api:
            assert api.get("/fruit?id=eq.1").status == 200

            network.stall()
            nap = threads.submit(api.get, "/rpc/nap?seconds=0")
            until(lambda: not nap.done() and api.admin.get("/live").status == 200)
            network.cut()
            answer = nap.result()
            network.resume()

            assert is_documented_error(answer, 503)
            assert_well_again(api)


def test_a_client_that_hangs_up_during_a_stall_does_not_stop_the_process(postgres: OwnCluster) -> None:
    """Postgres is asked to cancel, which the stalled network swallows."""
    with Proxy(postgres.port) as network:
        address = through(network, postgres)
        with running_server(address, db_schemas="api", db_pool=3) as api:
            network.stall()
            for _ in range(6):
                client = http.client.HTTPConnection(HOST, api.port)
                client.request("GET", "/fruit")
                client.close()
            began = time.monotonic()
            assert_others_go_on(api)

            assert time.monotonic() - began < 1
            network.resume()
            assert_well_again(api)


def test_the_server_stops_at_once_while_a_reload_waits_for_a_stalled_network(postgres: OwnCluster) -> None:
    with (
        Proxy(postgres.port) as network,
        running_server(through(network, postgres), db_schemas="api", db_channel_enabled=False) as api,
    ):
        accepted = network.accepted
        network.stall()
        network.cut()
        api.process.send_signal(signal.SIGUSR1)
        until(lambda: network.accepted > accepted)
        began = time.monotonic()
        code = api.terminate()

        assert code == 0
        assert time.monotonic() - began < 5


# ---------------------------------------------------------------- the disk


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
@pytest.mark.parametrize("log_level", ["info", "debug"])
def test_a_disk_that_is_full_for_logs_harms_no_request(postgres: OwnCluster, log_level: str) -> None:
    port, admin_port = free_port(), free_port()
    settings: dict[str, Setting] = {"db_schemas": "api", "log_level": log_level, "log_query": log_level == "debug"}
    env = environment(postgres.authenticator_dsn, port=port, admin_port=admin_port, settings=settings)
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen([EXECUTABLE], env=env, stdin=subprocess.DEVNULL, stdout=full, stderr=full)
    api = Api(Database("", "", ""), process, port=port, admin=HttpClient(admin_port))
    try:
        wait_until_ready(api)

        assert [api.get(f"/fruit?id=eq.{number}").status for number in range(200)] == [200] * 200
        assert_others_go_on(api)
    finally:
        process.terminate()
    assert process.wait(20) == 0


# ---------------------------------------------------------------- memory


def test_memory_stays_bounded_over_many_requests_that_are_all_different(postgres: OwnCluster) -> None:
    with running_server(postgres.authenticator_dsn, db_schemas="api", log_level="crit") as api:
        send_mixed(api.port, range(WARM_UP))
        before = resident_kib(api.process.pid)
        statuses = send_mixed(api.port, range(WARM_UP, REQUESTS))
        grown = resident_kib(api.process.pid) - before

        assert sum(statuses.values()) == REQUESTS - WARM_UP
        assert set(statuses) == {200, 400, 404, 409}
        assert grown < GROWTH
        assert_well_again(api)
