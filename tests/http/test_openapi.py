"""The description of the API at its root. PostgREST docs, references/api/openapi."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.serve import Api, Serve
from tests.support.tokens import bearer

MEADOW = """
create schema meadow;
comment on schema meadow is $$Meadow API
What grows here.
And where.$$;
create type meadow.colour as enum ('red', 'blue');
create table meadow.fields (id int primary key, name text);
create table meadow.flowers (
  id int primary key,
  field_id int references meadow.fields,
  name varchar(20) not null,
  petals smallint default 5,
  colour meadow.colour not null default 'red',
  wild boolean default true,
  weight double precision,
  names text[],
  sizes int[],
  notes jsonb,
  found date,
  seen timestamptz
);
comment on table meadow.flowers is $$Flowers of the meadow
Those we know
by name.$$;
comment on column meadow.flowers.petals is 'How many petals';
create table meadow.private (id int primary key);
create view meadow.names as select id, name from meadow.flowers;
create function meadow.pick(colour text, how_many int default 1) returns setof meadow.flowers language sql stable as
  'select * from meadow.flowers limit how_many';
comment on function meadow.pick is $$Pick flowers
Only some.$$;
create function meadow.sow(kind text) returns void language sql volatile as '';
create function meadow.overview() returns json language sql stable as
  $$ select '{"swagger": "2.0", "info": {"title": "Our own"}}'::json $$;
grant usage on schema meadow to anonymous, authenticated;
grant select on meadow.fields, meadow.flowers, meadow.names to anonymous;
grant insert on meadow.flowers to anonymous;
grant all on all tables in schema meadow to authenticated;
"""


@pytest.fixture(scope="module")
def meadow(serve: Serve) -> Api:
    return serve(MEADOW, db_schemas="meadow", openapi_server_proxy_uri="https://meadow.example/api")


@pytest.fixture(scope="module")
def document(meadow: Api) -> Any:
    return meadow.get("/").json()


def test_the_root_describes_the_api_in_openapi_2(meadow: Api) -> None:
    response = meadow.get("/")

    assert response.status == 200
    assert response.headers["content-type"] == "application/openapi+json; charset=utf-8"
    assert response.json()["swagger"] == "2.0"


@pytest.mark.parametrize("accept", ["application/openapi+json", "application/json", "*/*"])
def test_it_may_be_asked_for_by_type(meadow: Api, accept: str) -> None:
    assert meadow.get("/", headers={"accept": accept}).status == 200


def test_another_type_is_not_acceptable(meadow: Api) -> None:
    response = meadow.get("/", headers={"accept": "text/csv"})

    assert response.status == 406
    assert response.json()["code"] == "PGRST107"


def test_the_comment_on_the_schema_is_title_and_description(document: Any) -> None:
    assert document["info"]["title"] == "Meadow API"
    assert document["info"]["description"] == "What grows here.\nAnd where."


def test_the_proxy_is_the_place_of_the_api(document: Any) -> None:
    assert (document["host"], document["basePath"], document["schemes"]) == ("meadow.example:443", "/api", ["https"])


def test_every_relation_and_function_has_a_path(document: Any) -> None:
    assert set(document["paths"]) == {
        "/", "/fields", "/flowers", "/names", "/rpc/pick", "/rpc/sow", "/rpc/overview",
    }  # fmt: skip


def test_a_table_has_the_methods_that_it_can_do(document: Any) -> None:
    assert set(document["paths"]["/flowers"]) == {"get", "post", "patch", "delete"}
    assert document["paths"]["/flowers"]["get"]["tags"] == ["flowers"]
    assert document["paths"]["/flowers"]["get"]["summary"] == "Flowers of the meadow"
    assert document["paths"]["/flowers"]["get"]["description"] == "Those we know\nby name."


def test_a_function_has_the_methods_of_its_volatility(document: Any) -> None:
    assert set(document["paths"]["/rpc/pick"]) == {"get", "post"}
    assert set(document["paths"]["/rpc/sow"]) == {"post"}
    assert document["paths"]["/rpc/pick"]["get"]["summary"] == "Pick flowers"


def test_arguments_of_a_function(document: Any) -> None:
    assert document["paths"]["/rpc/pick"]["get"]["parameters"] == [
        {"in": "query", "name": "colour", "required": True, "type": "string", "format": "text"},
        {"in": "query", "name": "how_many", "required": False, "type": "integer", "format": "int32"},
    ]
    body, _ = document["paths"]["/rpc/pick"]["post"]["parameters"]
    assert body["schema"]["required"] == ["colour"]


def test_columns_have_types_formats_defaults_and_comments(document: Any) -> None:
    flowers = document["definitions"]["flowers"]

    assert flowers["required"] == ["id", "name", "colour"]
    assert flowers["properties"] == {
        "id": {"type": "integer", "format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"},
        "field_id": {
            "type": "integer",
            "format": "int32",
            "description": "Note:\nThis is a Foreign Key to `fields.id`.<fk table='fields' column='id'/>",
        },
        "name": {"type": "string", "format": "character varying", "maxLength": 20},
        "petals": {"type": "integer", "format": "int32", "default": 5, "description": "How many petals"},
        "colour": {"type": "string", "format": "meadow.colour", "enum": ["red", "blue"], "default": "red"},
        "wild": {"type": "boolean", "format": "boolean", "default": True},
        "weight": {"type": "number", "format": "double precision"},
        "names": {"type": "array", "format": "text[]", "items": {"type": "string"}},
        "sizes": {"type": "array", "format": "integer[]", "items": {"type": "integer"}},
        "notes": {"format": "jsonb"},
        "found": {"type": "string", "format": "date"},
        "seen": {"type": "string", "format": "timestamp with time zone"},
    }


def test_every_column_is_a_filter(document: Any) -> None:
    references = [part["$ref"] for part in document["paths"]["/fields"]["get"]["parameters"]]

    assert references[:3] == [
        "#/parameters/rowFilter.fields.id",
        "#/parameters/rowFilter.fields.name",
        "#/parameters/select",
    ]
    assert document["parameters"]["rowFilter.fields.name"] == {
        "name": "name",
        "in": "query",
        "required": False,
        "type": "string",
    }


def test_the_description_follows_the_privileges_of_the_caller(meadow: Api) -> None:
    anonymous = meadow.get("/").json()
    somebody = meadow.get("/", headers=bearer("authenticated")).json()

    assert "/private" not in anonymous["paths"]
    assert "/private" in somebody["paths"]


def test_it_may_ignore_the_privileges(serve: Serve) -> None:
    api = serve(MEADOW, db_schemas="meadow", openapi_mode="ignore-privileges")

    assert "/private" in api.get("/").json()["paths"]


def test_it_may_be_disabled(serve: Serve) -> None:
    api = serve(MEADOW, db_schemas="meadow", openapi_mode="disabled")

    response = api.get("/")

    assert response.status == 404
    assert response.json() == {
        "code": "PGRST126",
        "details": None,
        "hint": None,
        "message": "Root endpoint metadata is disabled",
    }


def test_security_is_described_when_active(serve: Serve) -> None:
    api = serve(MEADOW, db_schemas="meadow", openapi_security_active=True)

    document = api.get("/").json()

    assert document["security"] == [{"JWT": []}]
    assert document["securityDefinitions"]["JWT"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": 'Add the token prepending "Bearer " (without quotes) to it',
    }


def test_a_function_may_take_the_place_of_the_description(serve: Serve) -> None:
    api = serve(MEADOW, db_schemas="meadow", db_root_spec="overview")

    response = api.get("/")

    assert response.status == 200
    assert response.json() == {"swagger": "2.0", "info": {"title": "Our own"}}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_root_is_only_read(meadow: Api, method: str) -> None:
    response = meadow.request(method, "/")

    assert response.status == 405
    assert response.json()["code"] == "PGRST117"
