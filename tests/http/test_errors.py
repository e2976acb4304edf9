"""How faults are told. PostgREST docs, references/errors."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve
from tests.support.tokens import bearer

FAULTS = """
create schema faults;
create table faults.things (id int primary key);
create function faults.fail(state text) returns text language plpgsql stable as $$
begin
  raise exception using errcode = state, message = 'said so', detail = 'why', hint = 'what next';
end $$;
create function faults.plain() returns void language plpgsql as $$
begin
  raise exception 'I refuse' using detail = 'Simply so', hint = 'Nothing to be done';
end $$;
create function faults.shaped(message text, detail text) returns void language plpgsql as $$
begin
  raise sqlstate 'PGRST' using message = shaped.message, detail = shaped.detail;
end $$;
grant usage on schema faults to anonymous, authenticated;
"""


@pytest.fixture(scope="module")
def faults(serve: Serve) -> Api:
    return serve(FAULTS, db_schemas="faults")


def test_a_raised_exception_is_400_with_its_parts(faults: Api) -> None:
    response = faults.post("/rpc/plain", {})

    assert response.status == 400
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["proxy-status"] == "PostgREST; error=P0001"
    assert response.text == ('{"code":"P0001","details":"Simply so","hint":"Nothing to be done","message":"I refuse"}')


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("08000", 503), ("09000", 500), ("0L000", 403), ("0P000", 403), ("23503", 409), ("23505", 409),
        ("23514", 400), ("25001", 500), ("25006", 405), ("28000", 403), ("2D000", 500), ("38000", 500),
        ("39000", 500), ("3B000", 500), ("40001", 500), ("53300", 503), ("53400", 500), ("54000", 500),
        ("55000", 500), ("57014", 500), ("58000", 500), ("F0000", 500), ("HV000", 500), ("P0001", 400),
        ("P0002", 500), ("XX000", 500), ("42883", 404), ("42P01", 404), ("42P17", 500), ("42501", 401),
        ("22000", 400), ("PT402", 402), ("PT418", 418), ("ABCDE", 400),
    ],
)  # fmt: skip
def test_a_sqlstate_decides_the_status(faults: Api, state: str, status: int) -> None:
    response = faults.get(f"/rpc/fail?state={state}")

    assert response.status == status
    assert response.json() == {"code": state, "details": "why", "hint": "what next", "message": "said so"}


def test_a_missing_privilege_is_403_for_somebody_known(faults: Api) -> None:
    assert faults.get("/rpc/fail?state=42501", headers=bearer("authenticated")).status == 403


def test_a_head_request_shows_the_code_in_a_header(faults: Api) -> None:
    response = faults.head("/things")

    assert (response.status, response.text) == (401, "")
    assert response.headers["proxy-status"] == "PostgREST; error=42501"


def test_pgrst_raises_status_headers_and_body(faults: Api) -> None:
    response = faults.post(
        "/rpc/shaped",
        {
            "message": '{"code": "123", "message": "Pay first", "details": "Quota exceeded", "hint": "Upgrade"}',
            "detail": '{"status": 402, "headers": {"X-Powered-By": "Nerves"}}',
        },
    )

    assert response.status == 402
    assert response.headers["x-powered-by"] == "Nerves"
    assert response.json() == {
        "code": "123",
        "message": "Pay first",
        "details": "Quota exceeded",
        "hint": "Upgrade",
    }


def test_pgrst_may_name_a_status_that_has_no_name(faults: Api) -> None:
    response = faults.post(
        "/rpc/shaped",
        {
            "message": '{"code": "123", "message": "Gone stale"}',
            "detail": '{"status": 419, "status_text": "Page Expired", "headers": {}}',
        },
    )

    assert (response.status, response.reason) == (419, "Page Expired")
    assert response.json() == {"code": "123", "message": "Gone stale", "details": None, "hint": None}


@pytest.mark.parametrize(
    ("message", "detail"),
    [("no json", '{"status": 402, "headers": {}}'), ('{"code": "1", "message": "m"}', "no json")],
)
def test_pgrst_with_broken_json_is_a_fault_of_the_database(faults: Api, message: str, detail: str) -> None:
    response = faults.post("/rpc/shaped", {"message": message, "detail": detail})

    assert response.status == 500
    assert response.json()["code"] == "PGRST121"
    assert response.json()["message"] == "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error"


@pytest.mark.parametrize("method", ["TRACE", "PURGE"])
def test_an_unknown_method_is_not_allowed(faults: Api, method: str) -> None:
    response = faults.request(method, "/things")

    assert response.status == 405
    assert response.json()["code"] == "PGRST117"
    assert response.json()["message"] == f"Unsupported HTTP method: {method}"


@pytest.mark.parametrize("path", ["/a/b", "/rpc/a/b", "/things/1"])
def test_a_path_of_too_many_parts_is_not_found(faults: Api, path: str) -> None:
    response = faults.get(path)

    assert response.status == 404
    assert response.json() == {
        "code": "PGRST125",
        "details": None,
        "hint": None,
        "message": "Invalid path specified in request URL",
    }


def test_minimal_verbosity_keeps_details_from_clients(serve: Serve) -> None:
    api = serve(FAULTS, db_schemas="faults", client_error_verbosity="minimal")

    assert api.post("/rpc/plain", {}).text == '{"code":"P0001","message":"I refuse"}'
    assert api.get("/thingss").text == (
        '{"code":"PGRST205","message":"Could not find the table \'faults.thingss\' in the schema cache"}'
    )
