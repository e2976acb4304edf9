"""Several worker processes on one socket (server-workers)."""

import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.serve import HOST, Api, Serve

WORKSHOP = """
create schema workshop;
create table workshop.tools (id int primary key);
insert into workshop.tools values (1);
create function workshop.backend() returns int language sql volatile as 'select pg_backend_pid()';
create function workshop.nap(seconds float) returns int language sql volatile as
  $$ select pg_sleep(seconds); select 1 $$;
grant usage on schema workshop to anonymous;
grant select on all tables in schema workshop to anonymous;
"""
SAMPLE = re.compile(r"^(\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def workshop(serve: Serve) -> Api:
    return serve(WORKSHOP, db_schemas="workshop", db_pool=3, server_workers=2, log_level="info")


@pytest.fixture
def own_workshop(serve: Serve) -> Api:
    """One that a test may break."""
    return serve(WORKSHOP, fresh=True, db_schemas="workshop", db_pool=3, server_workers=2)


def workers_of(api: Api) -> list[int]:
    """The processes that the server has started."""
    pids = Path(f"/proc/{api.process.pid}/task/{api.process.pid}/children").read_text()
    return [int(pid) for pid in pids.split()]


def eventually(holds: Callable[[], bool], *, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def serving_workers(api: Api) -> bool:
    """Whether both take requests: the pool's size is that of the workers that answer."""
    return metrics(api)["pgrst_db_pool_max"] == 3


def metrics(api: Api) -> dict[str, float]:
    return {name: float(value) for name, value in SAMPLE.findall(api.admin.get("/metrics").text)}


def test_as_many_processes_answer_as_the_setting_says(workshop: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: workshop.get("/tools"), range(40)))

    assert [answer.json() for answer in answers] == [[{"id": 1}]] * 40
    assert len(workers_of(workshop)) == 2


def test_the_workers_share_the_connections_of_the_pool(workshop: Api) -> None:
    assert eventually(lambda: serving_workers(workshop))

    with ThreadPoolExecutor(8) as threads:
        backends = set(threads.map(lambda _: workshop.post("/rpc/backend", {}).text, range(60)))

    assert len(backends) <= 3


def test_metrics_are_added_up_over_the_workers(workshop: Api) -> None:
    assert eventually(lambda: serving_workers(workshop))
    name = 'tailrace_request_duration_seconds_count{status="4xx"}'
    before = metrics(workshop).get(name, 0)

    for _ in range(20):
        workshop.get("/nothing")

    after = metrics(workshop)
    text = workshop.admin.get("/metrics").text
    assert after[name] == before + 20
    assert after['pgrst_schema_cache_loads_total{status="SUCCESS"}'] >= 2
    assert max(Counter(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)).values()) == 1


def test_the_admin_server_answers_while_every_connection_is_busy(workshop: Api) -> None:
    with ThreadPoolExecutor(6) as threads:
        naps = [threads.submit(workshop.post, "/rpc/nap", {"seconds": 1}) for _ in range(6)]
        time.sleep(0.3)
        began = time.monotonic()
        statuses = [workshop.admin.get(path).status for path in ("/live", "/ready", "/metrics", "/schema_cache")]
        took = time.monotonic() - began
        done = [nap.result().status for nap in naps]

    assert statuses == [200, 200, 200, 200]
    assert took < 0.7
    assert done == [200] * 6


def test_the_admin_server_tells_the_schema_cache_of_a_worker(workshop: Api) -> None:
    assert '"qiName":"tools"' in workshop.admin.get("/schema_cache").text
    assert workshop.admin.get("/nowhere").status == 404


@pytest.mark.parametrize("by_signal", [True, False], ids=["SIGUSR1", "NOTIFY"])
def test_a_reload_reaches_every_worker(workshop: Api, by_signal: bool) -> None:
    table = f"news_{by_signal}".lower()
    workshop.database.execute(f"create table workshop.{table} (id int); grant select on workshop.{table} to anonymous")

    if by_signal:
        workshop.process.send_signal(signal.SIGUSR1)
    else:
        workshop.database.execute("notify pgrst, 'reload schema'")

    assert eventually(lambda: workshop.get(f"/{table}").status == 200)
    assert eventually(lambda: all(workshop.get(f"/{table}").status == 200 for _ in range(40)))


def test_sigusr2_reloads_the_configuration_of_every_worker(own_workshop: Api) -> None:
    own_workshop.database.execute("alter role authenticator set pgrst.db_max_rows = '0'")

    own_workshop.process.send_signal(signal.SIGUSR2)

    assert eventually(lambda: all(own_workshop.get("/tools").json() == [] for _ in range(40)))
    own_workshop.database.execute("alter role authenticator reset pgrst.db_max_rows")


def test_a_worker_that_crashed_is_replaced_and_nobody_notices(own_workshop: Api) -> None:
    assert eventually(lambda: serving_workers(own_workshop))
    before = workers_of(own_workshop)

    os.kill(before[0], signal.SIGKILL)
    answers = [own_workshop.get("/tools").status for _ in range(30)]

    assert answers == [200] * 30
    assert own_workshop.admin.get("/ready").status == 200
    assert eventually(lambda: len(workers_of(own_workshop)) == 2 and serving_workers(own_workshop))
    assert before[0] not in workers_of(own_workshop)
    assert f"Worker process {before[0]} ended by signal 9, starting another one" in own_workshop.log


def test_sigterm_lets_the_requests_of_all_workers_finish(own_workshop: Api) -> None:
    workers = workers_of(own_workshop)
    with ThreadPoolExecutor(3) as threads:
        naps = [threads.submit(own_workshop.post, "/rpc/nap", {"seconds": 1}) for _ in range(3)]
        time.sleep(0.4)
        exit_code = own_workshop.terminate()
        statuses = [nap.result().status for nap in naps]

    assert statuses == [200] * 3
    assert exit_code == 0
    assert not any(os.path.exists(f"/proc/{worker}") for worker in workers)
    assert own_workshop.log.count("Received termination unix signal") == 1


def test_workers_end_when_their_supervisor_is_gone(own_workshop: Api) -> None:
    workers = workers_of(own_workshop)

    own_workshop.process.kill()
    own_workshop.process.wait()

    assert eventually(lambda: not any(os.path.exists(f"/proc/{worker}") for worker in workers))
    with pytest.raises(ConnectionRefusedError), socket.create_connection((HOST, own_workshop.port), timeout=1):
        pass


def test_a_fault_that_no_worker_can_mend_ends_the_server(serve: Serve) -> None:
    api = serve(WORKSHOP, fresh=True, db_schemas="workshop", server_workers=2, db_pool_automatic_recovery=False)

    api.database.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'")

    assert api.process.wait(15) == 1
    assert "Automatic recovery disabled, exiting." in api.log
