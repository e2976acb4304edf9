"""Domains that look otherwise from outside. PostgREST docs, references/api/domain_representations."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

PAINT = """
create schema paint;
create domain paint.hue as int check (value between 0 and 16777215);
create function paint.json(paint.hue) returns json language sql immutable as
  $$ select to_json('#' || lpad(to_hex($1::int), 6, '0')) $$;
create function paint.hue(text) returns paint.hue language sql immutable as
  $$ select (('x' || lpad(replace($1, '#', ''), 8, '0'))::bit(32)::int)::paint.hue $$;
create function paint.hue(json) returns paint.hue language sql immutable as
  $$ select paint.hue($1 #>> '{}') $$;
create cast (paint.hue as json) with function paint.json(paint.hue) as implicit;
create cast (text as paint.hue) with function paint.hue(text) as implicit;
create cast (json as paint.hue) with function paint.hue(json) as implicit;

create domain paint.batch as bigint;
create function paint.json(paint.batch) returns json language sql immutable as $$ select to_json('B-' || $1::bigint) $$;
create cast (paint.batch as json) with function paint.json(paint.batch) as implicit;

create table paint.pots (id int primary key, hue paint.hue, batch paint.batch);
create table paint.lids (id int primary key, pot_id int references paint.pots);
create view paint.pot_list as select * from paint.pots;
insert into paint.pots values (1, 16711680, 7), (2, 255, null), (3, null, 9);
insert into paint.lids values (1, 1);
grant usage on schema paint to anonymous;
grant select, insert, update on all tables in schema paint to anonymous;
"""
FULL = {"prefer": "return=representation"}


@pytest.fixture(scope="module")
def paint(serve: Serve) -> Api:
    return serve(PAINT, db_schemas="paint", db_tx_end="rollback")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/pots?order=id", [{"id": 1, "hue": "#ff0000", "batch": "B-7"}, {"id": 2, "hue": "#0000ff", "batch": None},
                            {"id": 3, "hue": None, "batch": "B-9"}]),
        ("/pots?select=hue&id=eq.1", [{"hue": "#ff0000"}]),
        ("/pots?select=colour:hue&id=eq.1", [{"colour": "#ff0000"}]),
        ("/pot_list?select=hue&id=eq.2", [{"hue": "#0000ff"}]),
        ("/lids?select=pots(hue)", [{"pots": {"hue": "#ff0000"}}]),
    ],
    ids=["all columns", "selected", "with an alias", "view", "embedded"],
)  # fmt: skip
def test_a_cast_to_json_decides_how_it_is_shown(paint: Api, target: str, expected: object) -> None:
    assert paint.get(target).json() == expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("hue=eq.%23ff0000", [1]),
        ("hue=neq.%23ff0000", [2]),
        ("hue=lt.%23ff0000", [2]),
        ("hue=in.(%23ff0000,%230000ff)", [1, 2]),
        ("or=(hue.eq.%230000ff,id.eq.3)", [2, 3]),
        ("hue=is.null", [3]),
    ],
)
def test_a_cast_from_text_decides_how_it_is_asked_for(paint: Api, query: str, found: list[int]) -> None:
    response = paint.get(f"/pots?{query}&select=id&order=id")

    assert [row["id"] for row in response.json()] == found


def test_without_a_cast_from_text_filters_take_the_stored_form(paint: Api) -> None:
    assert paint.get("/pots?batch=eq.7&select=id").json() == [{"id": 1}]
    assert paint.get("/pots?batch=eq.B-7").json()["code"] == "22P02"


def test_a_cast_from_json_decides_how_it_is_sent(paint: Api) -> None:
    inserted = paint.post("/pots?select=id,hue", {"id": 9, "hue": "#00ff00"}, headers=FULL)
    updated = paint.patch("/pots?id=eq.1&select=hue", {"hue": "#112233"}, headers=FULL)

    assert inserted.json() == [{"id": 9, "hue": "#00ff00"}]
    assert updated.json() == [{"hue": "#112233"}]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [("text/csv", "id,hue\n9,#00ff00"), ("application/x-www-form-urlencoded", "id=9&hue=%2300ff00")],
)
def test_csv_and_forms_are_read_in_the_same_way(paint: Api, media_type: str, body: str) -> None:
    response = paint.post("/pots?select=id,hue", body, headers=FULL | {"content-type": media_type})

    assert response.status == 201, response.text
    assert response.json() == [{"id": 9, "hue": "#00ff00"}]


def test_csv_shows_it_as_json(paint: Api) -> None:
    response = paint.get("/pots?select=id,hue&id=eq.1", headers={"accept": "text/csv"})

    assert response.text == 'id,hue\n1,"""#ff0000"""'
