"""The admin server (PostgREST docs, references/admin_server)."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.support.serve import Api, Serve

LIGHTHOUSE = """
create schema lighthouse;
create table lighthouse.lamps (id int primary key);
create table lighthouse.boats (id int primary key);
create function lighthouse.nap(seconds float) returns int language sql volatile as
  $$ select pg_sleep(seconds); select 1 $$;
grant usage on schema lighthouse to anonymous;
grant select on all tables in schema lighthouse to anonymous;
"""


@pytest.fixture(scope="module")
def lighthouse(serve: Serve) -> Api:
    return serve(LIGHTHOUSE, db_schemas="lighthouse", db_pool=1)


@pytest.mark.parametrize("path", ["/live", "/ready"])
def test_a_server_that_serves_is_live_and_ready(lighthouse: Api, path: str) -> None:
    answer = lighthouse.admin.get(path)

    assert (answer.status, answer.body) == (200, b"")


def test_what_is_not_there_is_404(lighthouse: Api) -> None:
    assert lighthouse.admin.get("/lamps").status == 404


def test_metrics_are_in_prometheus_format(lighthouse: Api) -> None:
    answer = lighthouse.admin.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    for name in ("pgrst_db_pool_max 1.0", 'pgrst_schema_cache_loads_total{status="SUCCESS"}', "pgrst_db_pool_waiting"):
        assert name in answer.text


def test_the_schema_cache_is_dumped_in_the_order_of_names(lighthouse: Api) -> None:
    answer = lighthouse.admin.get("/schema_cache").text

    assert '"dbTables":[[{"qiName":"boats","qiSchema":"lighthouse"}' in answer


def test_transactions_that_wait_for_a_connection_are_counted(lighthouse: Api) -> None:
    with ThreadPoolExecutor(3) as threads:
        naps = [threads.submit(lighthouse.post, "/rpc/nap", {"seconds": 0.6}) for _ in range(3)]
        time.sleep(0.3)
        text = lighthouse.admin.get("/metrics").text
        for nap in naps:
            nap.result()

    assert "pgrst_db_pool_waiting 2.0" in text
    assert "pgrst_db_pool_available 0.0" in text


def test_without_its_unix_socket_the_server_is_neither_live_nor_ready(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    api = serve(LIGHTHOUSE, fresh=True, db_schemas="lighthouse", server_unix_socket=str(path))
    before = [api.admin.get(at).status for at in ("/live", "/ready")]

    os.remove(path)

    assert before == [200, 200]
    assert [api.admin.get(at).status for at in ("/live", "/ready")] == [500, 500]


@pytest.mark.parametrize("has_channel", [True, False])
def test_a_server_whose_database_is_away_is_live_but_not_ready(serve: Serve, has_channel: bool) -> None:
    api = serve(LIGHTHOUSE, fresh=True, db_schemas="lighthouse", db_channel_enabled=has_channel)
    name = api.database.name

    _administer(api, f'alter database "{name}" allow_connections false')
    _administer(api, f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
    statuses = [_eventually(api, 503), api.admin.get("/live").status]
    _administer(api, f'alter database "{name}" allow_connections true')

    assert statuses == [503, 200]
    assert _eventually(api, 200) == 200


def _administer(api: Api, statement: str) -> None:
    """Run SQL in another database than the server's."""
    with psycopg.connect(api.database.dsn, dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def _eventually(api: Api, status: int) -> int:
    deadline = time.monotonic() + 15
    while (found := api.admin.get("/ready").status) != status and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
