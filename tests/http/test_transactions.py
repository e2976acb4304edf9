"""Settings that live as long as a request. PostgREST docs, references/transactions."""

from __future__ import annotations

import json

import pytest

from tests.support.serve import Api, Serve
from tests.support.tokens import bearer

SCENE = """
create schema scene;
create table scene.acts (id int primary key, name text);
insert into scene.acts values (1, 'opening');
create sequence scene.calls;
create view scene.counter as select nextval('scene.calls') as n;
create function scene.setting(name text) returns text language sql stable as 'select current_setting(name, true)';
create function scene.setting_when_writing(name text) returns text language sql volatile as
  'select current_setting(name, true)';
create function scene.nap(seconds float) returns text language sql stable as
  $$ select pg_sleep(seconds); select 'up' $$;
create function scene.long_nap(seconds float) returns text language sql stable set statement_timeout = '5s' as
  $$ select pg_sleep(seconds); select 'up' $$;
create function scene.short_nap(seconds float) returns text language sql stable set statement_timeout = '100ms' as
  $$ select pg_sleep(seconds); select 'up' $$;
create function scene.serial() returns text language sql stable set default_transaction_isolation = 'serializable' as
  $$ select current_setting('transaction_isolation') $$;
create function scene.respond(status text default null, headers text default null) returns json language plpgsql as $$
begin
  if status is not null then perform set_config('response.status', status, true); end if;
  if headers is not null then perform set_config('response.headers', headers, true); end if;
  return '{"ok": true}'::json;
end $$;
create function scene.before() returns void language plpgsql as $$
begin
  perform set_config('response.headers', '[{"X-Before": "yes"}]', true);
end $$;
grant usage on schema scene to anonymous;
grant select, insert, update, delete on scene.acts to anonymous;
grant select on scene.counter to anonymous;
grant usage on scene.calls to anonymous;
"""
PATIENT = """
create role patient nologin;
grant patient to authenticator;
alter role patient set statement_timeout = '200ms';
alter role patient set default_transaction_isolation = 'repeatable read';
grant usage on schema scene to patient;
"""


@pytest.fixture(scope="module")
def scene(serve: Serve) -> Api:
    return serve(
        SCENE + PATIENT,
        db_schemas="scene",
        db_tx_end="rollback",
        app_settings_colour="green",
        server_trace_header="X-Request-Id",
        server_timing_enabled=True,
    )


def setting(api: Api, name: str, **headers: str) -> object:
    return api.get(f"/rpc/setting?name={name}", headers=headers).json()


# ---------------------------------------------------------------- what a request tells


def test_headers_and_cookies_are_json_with_lower_case_names(scene: Api) -> None:
    headers = {"X-Stage": "left", "Cookie": "session=abc; theme=dark"}

    told = json.loads(str(setting(scene, "request.headers", **headers)))
    cookies = json.loads(str(setting(scene, "request.cookies", **headers)))

    assert told["x-stage"] == "left"
    assert "cookie" not in told
    assert cookies == {"session": "abc", "theme": "dark"}


def test_method_and_path_are_text(scene: Api) -> None:
    assert setting(scene, "request.method") == "GET"
    assert setting(scene, "request.path") == "/rpc/setting"
    assert scene.post("/rpc/setting_when_writing", {"name": "request.method"}).json() == "POST"


def test_role_and_search_path_are_set(scene: Api) -> None:
    assert setting(scene, "role") == "anonymous"
    assert str(setting(scene, "search_path")).replace('"', "") == "scene, public"


def test_application_settings_are_there(scene: Api) -> None:
    assert setting(scene, "app.settings.colour") == "green"


def test_nothing_of_a_request_is_left_for_the_next(scene: Api) -> None:
    setting(scene, "request.headers", **{"X-Stage": "left"})

    assert "x-stage" not in str(setting(scene, "request.headers"))


# ---------------------------------------------------------------- access mode and isolation


@pytest.mark.parametrize(
    ("method", "target", "read_only"),
    [
        ("GET", "/rpc/setting?name=transaction_read_only", "on"),
        ("GET", "/rpc/setting_when_writing?name=transaction_read_only", "on"),
        ("POST", "/rpc/setting", "on"),
        ("POST", "/rpc/setting_when_writing", "off"),
    ],
)
def test_method_and_volatility_decide_whether_a_function_may_write(
    scene: Api, method: str, target: str, read_only: str
) -> None:
    body = {"name": "transaction_read_only"} if method == "POST" else None

    assert scene.request(method, target, body).json() == read_only


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_view_that_writes_cannot_be_read(scene: Api, method: str) -> None:
    response = scene.request(method, "/counter")

    assert response.status == 405
    assert response.headers["proxy-status"] == "PostgREST; error=25006"


def test_isolation_is_read_committed_unless_a_role_or_function_says_otherwise(scene: Api) -> None:
    assert setting(scene, "transaction_isolation") == "read committed"
    assert setting(scene, "transaction_isolation", **bearer("patient")) == "repeatable read"
    assert scene.get("/rpc/serial").json() == "serializable"


# ---------------------------------------------------------------- settings of roles and functions


def test_settings_of_a_role_hold_while_it_is_taken(scene: Api) -> None:
    assert setting(scene, "statement_timeout", **bearer("patient")) == "200ms"
    assert setting(scene, "statement_timeout") == "0"


def test_a_statement_that_takes_too_long_is_stopped(scene: Api) -> None:
    response = scene.get("/rpc/nap?seconds=2", headers=bearer("patient"))

    assert response.status == 500
    assert response.json()["code"] == "57014"
    assert response.json()["message"] == "canceling statement due to statement timeout"


def test_a_function_sets_its_own_timeout_over_the_role_s(scene: Api) -> None:
    patient = scene.get("/rpc/long_nap?seconds=0.3", headers=bearer("patient"))
    hurried = scene.get("/rpc/short_nap?seconds=2")

    assert (patient.status, patient.json()) == (200, "up")
    assert (hurried.status, hurried.json()["code"]) == (500, "57014")


# ---------------------------------------------------------------- what a function tells the client


def test_a_function_sets_the_status(scene: Api) -> None:
    response = scene.post("/rpc/respond", {"status": "418"})

    assert response.status == 418
    assert response.json() == {"ok": True}


def test_a_function_sets_headers_even_repeated_ones(scene: Api) -> None:
    headers = '[{"Cache-Control": "public"}, {"Set-Cookie": "a=1"}, {"Set-Cookie": "b=2"}]'

    response = scene.post("/rpc/respond", {"headers": headers})

    assert response.status == 200
    assert response.headers["cache-control"] == "public"
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_headers_of_a_function_win_over_the_server_s(scene: Api) -> None:
    response = scene.post("/rpc/respond", {"headers": '[{"Content-Type": "application/x-stage"}, {"Vary": "Accept"}]'})

    assert response.headers.get_all("content-type") == ["application/x-stage"]
    assert response.headers.get_all("vary") == ["Accept"]


@pytest.mark.parametrize("headers", ["{}", '{"a": "b"}', "[1]", "nonsense"])
def test_headers_in_another_form_are_a_fault_of_the_database(scene: Api, headers: str) -> None:
    response = scene.post("/rpc/respond", {"headers": headers})

    assert response.status == 500
    assert response.json()["code"] == "PGRST111"


def test_a_status_that_is_no_number_is_a_fault_of_the_database(scene: Api) -> None:
    response = scene.post("/rpc/respond", {"status": "fine"})

    assert response.status == 500
    assert response.json() == {
        "code": "PGRST112",
        "details": None,
        "hint": None,
        "message": "response.status guc must be a valid status code",
    }


def test_the_function_before_each_request_may_set_headers(serve: Serve) -> None:
    api = serve(SCENE, db_schemas="scene", db_pre_request="scene.before")

    assert api.get("/acts").headers["x-before"] == "yes"
    assert api.post("/acts", {"id": 2, "name": "end"}).headers["x-before"] == "yes"


# ---------------------------------------------------------------- observability


def test_the_trace_header_comes_back(scene: Api) -> None:
    assert scene.get("/acts", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"


def test_server_timing_names_the_stages(scene: Api) -> None:
    header = scene.get("/acts").headers["server-timing"]

    stages = [part.split(";dur=") for part in header.split(", ")]
    assert [name for name, _ in stages] == ["jwt", "parse", "plan", "transaction", "response"]
    assert all(float(milliseconds) >= 0 for _, milliseconds in stages)


def test_a_transaction_that_fails_changes_nothing(serve: Serve) -> None:
    api = serve(SCENE, db_schemas="scene", db_pre_request="scene.before")

    response = api.post("/acts", [{"id": 7, "name": "seven"}, {"id": 1, "name": "one again"}])

    assert response.status == 409
    assert api.get("/acts?name=eq.seven").json() == []
