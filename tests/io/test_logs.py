"""The log of a running server (PostgREST docs, references/observability, "Logs")."""

import re
import time
from collections.abc import Callable

import pytest

from tests.support.serve import Api, Serve
from tests.support.tokens import bearer, sign

LOGBOOK = """
create schema logbook;
create table logbook.films (id int primary key, title text);
create table logbook.roles (id int primary key, film_id int references logbook.films);
insert into logbook.films values (1, 'Metropolis');
create function logbook.announced() returns text language sql as 'select current_setting(''application_name'')';
create function logbook.cut() returns void language sql volatile security definer as
  'select pg_terminate_backend(pg_backend_pid())';
create function logbook.nap() returns void language sql volatile set statement_timeout = '100ms' as
  'select pg_sleep(2)';
grant usage on schema logbook to anonymous, authenticated;
grant select on all tables in schema logbook to anonymous, authenticated;
"""

SETTLING = 0.1
"""Seconds until an answer's line is in the log, too."""


@pytest.fixture(scope="module")
def logbook(serve: Serve) -> Api:
    return serve(LOGBOOK, db_schemas="logbook", log_level="info", db_channel_enabled=False)


def logged(api: Api, action: Callable[[], object]) -> list[str]:
    """What the server logs during an action."""
    time.sleep(SETTLING)
    before = len(api.log)
    action()
    time.sleep(SETTLING)
    return api.log[before:].splitlines()


def eventually(holds: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_executable_announces_itself_as_postgrest_to_clients_and_to_postgres(logbook: Api) -> None:
    answer = logbook.get("/rpc/announced")

    name, version = answer.headers["server"].split("/")
    assert name == "postgrest"
    assert answer.json() == f"PostgREST {version}"
    assert f"Starting PostgREST {version}..." in logbook.log


def test_a_severe_fault_of_the_database_is_told_once_before_its_access_line(logbook: Api) -> None:
    lines = logged(logbook, lambda: logbook.post("/rpc/nap"))

    assert len(lines) == 2
    assert '"code":"57014"' in lines[0]
    assert '"POST /rpc/nap HTTP/1.1" 500 ' in lines[1]


def test_a_fault_of_the_client_or_of_the_configuration_has_its_access_line_only(serve: Serve) -> None:
    api = serve(LOGBOOK, fresh=True, db_schemas="logbook", log_level="info", jwt_secret=None)

    lines = logged(api, lambda: api.get("/films", headers=bearer(sign({"role": "authenticated"}))))

    assert len(lines) == 1
    assert '"GET /films HTTP/1.1" 500 ' in lines[0]


def test_a_connection_that_is_cut_in_the_middle_of_a_request_is_told(logbook: Api) -> None:
    lines = logged(logbook, lambda: logbook.post("/rpc/cut"))

    assert any('{"code":"PGRST001","details":"no connection to the server\\n"' in line for line in lines)


def test_a_name_that_stands_for_an_alias_is_warned_of_at_every_request(logbook: Api) -> None:
    target = "/films?select=title,parts:roles(id)&roles.id=eq.{}"

    lines = logged(logbook, lambda: [logbook.get(target.format(number)) for number in (1, 2)])

    warnings = [line for line in lines if "WARNING: Embedded resource" in line]
    replacements = [line for line in lines if "that use `roles` to `parts` in `GET /films?select=" in line]
    assert len(warnings) == len(replacements) == 2


def test_the_deprecated_path_to_the_role_is_warned_of_at_start_and_at_every_reload(serve: Serve) -> None:
    api = serve(LOGBOOK, fresh=True, db_schemas="logbook", jwt_role_claim_key=".realm.role")

    warning = 'WARNING: The config `jwt-role-claim-key=."realm"."role"` is using the deprecated JSPath syntax.'
    before = api.log.count(warning)
    api.database.execute("notify pgrst, 'reload config'")

    assert before >= 1
    assert eventually(lambda: api.log.count(warning) == before + 1)


@pytest.mark.parametrize(("level", "count"), [("info", 0), ("debug", 1)])
def test_the_time_of_each_catalog_query_is_told_for_debugging(serve: Serve, level: str, count: int) -> None:
    api = serve(LOGBOOK, fresh=True, db_schemas="logbook", log_level=level)

    assert len(re.findall(r": tables: [\d.]+ ms, keydeps: [\d.]+ ms, ", api.log)) == count


def test_a_schema_that_does_not_exist_fails_the_load_and_the_last_good_cache_serves_on(serve: Serve) -> None:
    api = serve(LOGBOOK, fresh=True, db_schemas="logbook")
    api.database.execute("alter role authenticator set pgrst.db_extra_search_path = 'nowhere'")

    api.database.execute("notify pgrst, 'reload schema'")

    failure = "Failed to load the schema cache using db-schemas=logbook and db-extra-search-path=nowhere. "
    assert eventually(lambda: failure + '{"code":"3F000"' in api.log)
    assert api.get("/films").status == 200
    assert api.admin.get("/ready").status == 503
    api.database.execute("alter role authenticator reset pgrst.db_extra_search_path")
