"""The Prefer header. PostgREST docs, references/api/preferences."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

PREFER = """
create schema desk;
create table desk.items (id int primary key, name text);
create table desk.moments (id int primary key, at timestamptz);
insert into desk.items select i, 'item ' || i from generate_series(1, 5) i;
insert into desk.moments values (1, '2024-01-01 12:00:00+00');
create function desk.take(up_to int) returns setof desk.items language sql volatile as
  'delete from desk.items where id <= up_to returning *';
create function desk.one() returns int language sql stable as 'select 1';
grant usage on schema desk to anonymous;
grant select, insert, update, delete on all tables in schema desk to anonymous;
"""


@pytest.fixture(scope="module")
def desk(serve: Serve) -> Api:
    return serve(PREFER, db_schemas="desk", db_tx_end="rollback-allow-override")


# ---------------------------------------------------------------- handling


def test_unknown_preferences_are_ignored(desk: Api) -> None:
    response = desk.get("/items?id=eq.1", headers={"prefer": "foo, handling=lenient, bar=1"})

    assert response.status == 200
    assert response.headers["preference-applied"] == "handling=lenient"


def test_strict_handling_refuses_them(desk: Api) -> None:
    response = desk.get("/items", headers={"prefer": "handling=strict, foo, bar=1"})

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST122",
        "details": "Invalid preferences: foo, bar=1",
        "hint": None,
        "message": "Invalid preferences given with handling=strict",
    }


def test_no_preference_is_applied_when_none_was_asked_for(desk: Api) -> None:
    assert desk.get("/items").headers["preference-applied"] is None


def test_applied_preferences_are_listed_in_an_order_of_their_own(desk: Api) -> None:
    preferences = (
        "timezone=UTC, handling=strict, tx=rollback, count=exact, return=representation, "
        "missing=default, resolution=merge-duplicates"
    )

    response = desk.post("/items", {"id": 9, "name": "new"}, headers={"prefer": preferences})

    assert response.status == 201
    assert response.headers["preference-applied"] == (
        "resolution=merge-duplicates, missing=default, return=representation, count=exact, tx=rollback, "
        "handling=strict, timezone=UTC"
    )


# ---------------------------------------------------------------- timezone


@pytest.mark.parametrize(
    ("zone", "moment"),
    [("America/Los_Angeles", "2024-01-01T04:00:00-08:00"), ("05:30", "2024-01-01T06:30:00-05:30")],
)
def test_times_are_told_in_the_preferred_zone(desk: Api, zone: str, moment: str) -> None:
    response = desk.get("/moments?select=at", headers={"prefer": f"timezone={zone}"})

    assert response.status == 200
    assert response.json() == [{"at": moment}]
    assert response.headers["preference-applied"] == f"timezone={zone}"


def test_the_zone_is_forgotten_after_the_request(desk: Api) -> None:
    desk.get("/moments", headers={"prefer": "timezone=Asia/Tokyo"})

    assert desk.get("/moments?select=at").json() == [{"at": "2024-01-01T12:00:00+00:00"}]


@pytest.mark.parametrize("handling", ["", "handling=lenient, ", "handling=strict, "])
def test_an_unknown_zone_is_an_error_however_it_is_handled(desk: Api, handling: str) -> None:
    response = desk.get("/moments", headers={"prefer": f"{handling}timezone=Jupiter/Red_Spot"})

    assert response.status == 400
    assert response.json()["code"] == "22023"


# ---------------------------------------------------------------- max-affected


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"name": "x"}), ("DELETE", None)])
def test_strict_max_affected_undoes_a_write_that_changes_more(desk: Api, method: str, body: object) -> None:
    headers = {"prefer": "handling=strict, max-affected=2, tx=commit"}

    response = desk.request(method, "/items?id=lte.3", body, headers=headers)

    assert response.status == 400
    assert response.json() == {
        "code": "PGRST124",
        "details": "The query affects 3 rows",
        "hint": None,
        "message": "Query result exceeds max-affected preference constraint",
    }
    assert len(desk.get("/items?name=like.item*").json()) == 5


def test_as_many_as_the_limit_are_fine(desk: Api) -> None:
    headers = {"prefer": "handling=strict, max-affected=3"}

    response = desk.delete("/items?id=lte.3", headers=headers)

    assert response.status == 204
    assert response.headers["preference-applied"] == "handling=strict, max-affected=3"


def test_lenient_max_affected_is_ignored(desk: Api) -> None:
    response = desk.delete("/items?id=lte.3", headers={"prefer": "handling=lenient, max-affected=1"})

    assert response.status == 204
    assert response.headers["preference-applied"] == "handling=lenient"


def test_max_affected_counts_the_rows_that_a_function_returns(desk: Api) -> None:
    headers = {"prefer": "handling=strict, max-affected=2"}

    too_many = desk.post("/rpc/take", {"up_to": 3}, headers=headers)
    enough = desk.post("/rpc/take", {"up_to": 2}, headers=headers)
    no_rows = desk.post("/rpc/one", {}, headers=headers)

    assert (too_many.status, too_many.json()["code"]) == (400, "PGRST124")
    assert enough.status == 200
    assert (no_rows.status, no_rows.json()["code"]) == (400, "PGRST128")
    assert no_rows.json()["message"] == (
        "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"
    )


def test_max_affected_says_nothing_about_an_insert(desk: Api) -> None:
    headers = {"prefer": "handling=strict, max-affected=1"}

    response = desk.post("/items", [{"id": 8, "name": "a"}, {"id": 9, "name": "b"}], headers=headers)

    assert response.status == 201
    assert response.headers["preference-applied"] == "handling=strict"


# ---------------------------------------------------------------- tx


def test_a_write_is_kept_or_undone_as_preferred(desk: Api) -> None:
    undone = desk.post("/items", {"id": 20, "name": "draft"}, headers={"prefer": "tx=rollback"})
    kept = desk.post("/items", {"id": 21, "name": "kept"}, headers={"prefer": "tx=commit"})

    assert (undone.status, undone.headers["preference-applied"]) == (201, "tx=rollback")
    assert (kept.status, kept.headers["preference-applied"]) == (201, "tx=commit")
    assert desk.get("/items?id=gte.20&select=id").json() == [{"id": 21}]
    desk.delete("/items?id=eq.21", headers={"prefer": "tx=commit"})


def test_without_leave_to_override_tx_is_ignored(serve: Serve) -> None:
    api = serve(PREFER, db_schemas="desk")

    response = api.post("/items", {"id": 20, "name": "kept"}, headers={"prefer": "tx=rollback"})

    assert response.status == 201
    assert response.headers["preference-applied"] is None
    assert api.get("/items?id=eq.20&select=id").json() == [{"id": 20}]


# ---------------------------------------------------------------- several headers


def test_a_preference_given_twice_counts_once(desk: Api) -> None:
    response = desk.get("/items?limit=1", headers={"prefer": "count=exact, count=planned"})

    assert response.headers["preference-applied"] == "count=exact"
