"""Several exposed schemas. PostgREST docs, references/api/schemas."""

from __future__ import annotations

import pytest

from tests.support.serve import Api, Serve

TENANTS = """
create schema north;
create schema south;
create schema hidden;
create schema shared;
create table north.items (id int primary key, name text);
create table south.items (id int primary key, name text);
create table south.extras (id int primary key, item_id int references south.items);
create table hidden.items (id int primary key);
insert into north.items values (1, 'fur');
insert into south.items values (1, 'hat');
insert into south.extras values (1, 1);
create function south.where_am_i() returns text language sql stable as $$ select current_schema()::text $$;
create function north.where_am_i() returns text language sql stable as $$ select current_schema()::text $$;
create function shared.helper() returns text language sql immutable as $$ select 'from the search path'::text $$;
create function north.helped() returns text language sql stable as 'select shared.helper()';
create function south.helped() returns text language plpgsql stable as 'begin return helper(); end';
grant usage on schema north, south, hidden, shared to anonymous;
grant select, insert, update, delete on all tables in schema north, south, hidden to anonymous;
"""


@pytest.fixture(scope="module")
def tenants(serve: Serve) -> Api:
    return serve(TENANTS, db_schemas="north, south", db_extra_search_path="shared", db_tx_end="rollback")


def test_the_first_schema_is_the_default(tenants: Api) -> None:
    response = tenants.get("/items")

    assert response.json() == [{"id": 1, "name": "fur"}]
    assert response.headers["content-profile"] == "north"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_accept_profile_chooses_for_reads(tenants: Api, method: str) -> None:
    response = tenants.request(method, "/items", headers={"accept-profile": "south"})

    assert response.status == 200
    assert response.headers["content-profile"] == "south"
    assert response.text in ("", '[{"id":1,"name":"hat"}]')


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/items", {"id": 2, "name": "cap"}),
        ("PATCH", "/items?id=eq.1", {"name": "cap"}),
        ("PUT", "/items?id=eq.2", {"id": 2, "name": "cap"}),
        ("DELETE", "/extras?id=eq.1", None),
    ],
)
def test_content_profile_chooses_for_writes(tenants: Api, method: str, target: str, body: object) -> None:
    headers = {"content-profile": "south", "prefer": "return=representation"}

    response = tenants.request(method, target, body, headers=headers)

    assert response.status in (200, 201)
    assert response.headers["content-profile"] == "south"
    assert len(response.json()) == 1


def test_functions_are_chosen_by_the_header_of_their_method(tenants: Api) -> None:
    assert tenants.get("/rpc/where_am_i", headers={"accept-profile": "south"}).json() == "south"
    assert tenants.post("/rpc/where_am_i", {}, headers={"content-profile": "south"}).json() == "south"
    assert tenants.get("/rpc/where_am_i").json() == "north"


def test_embedding_stays_within_the_schema(tenants: Api) -> None:
    response = tenants.get("/items?select=name,extras(id)", headers={"accept-profile": "south"})

    assert response.json() == [{"name": "hat", "extras": [{"id": 1}]}]


def test_the_extra_search_path_is_there_without_being_exposed(tenants: Api) -> None:
    assert tenants.get("/rpc/helped", headers={"accept-profile": "south"}).json() == "from the search path"
    assert tenants.get("/rpc/helper").status == 404


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET", {"accept-profile": "hidden"}), ("POST", {"content-profile": "hidden"})],
)
def test_other_schemas_are_not_acceptable(tenants: Api, method: str, headers: dict[str, str]) -> None:
    response = tenants.request(method, "/items", {"id": 2} if method == "POST" else None, headers=headers)

    assert response.status == 406
    assert response.json() == {
        "code": "PGRST106",
        "details": None,
        "hint": "Only the following schemas are exposed: north, south",
        "message": "Invalid schema: hidden",
    }


def test_with_one_schema_the_profile_is_not_repeated(serve: Serve) -> None:
    api = serve(TENANTS, db_schemas="south")

    assert api.get("/items").headers["content-profile"] is None
    assert api.get("/items", headers={"accept-profile": "south"}).status == 200
