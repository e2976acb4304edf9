"""The root document shows a role what the role may use."""

import json
from typing import Any

import pytest
from psycopg import pq

from tailrace.engine.config.config import Config, OpenApiMode
from tailrace.engine.data_api.inspection import Inspection
from tailrace.engine.data_api.snapshot import Snapshot, first_snapshot, with_schema
from tailrace.engine.media_type import OPENAPI
from tailrace.engine.message import HttpRequest
from tailrace.engine.plan.action_plan import SchemaInspection
from tailrace.engine.request.api_request import parse_request
from tests.schema_cache.test_catalog import load
from tests.support.postgres import CreateDatabase, Database

SCHEMA = """
    create schema shop;
    comment on schema shop is 'The shop';
    grant usage on schema shop to anonymous;
    create type shop.size as enum ('s', 'l');
    create table shop.goods (id integer primary key, price numeric(8, 2) default 0.05);
    create table shop.wages (id integer primary key);
    create table shop.ratings (id integer primary key, stars integer);
    grant select on shop.goods to anonymous;
    grant select (stars) on shop.ratings to anonymous;
    create function shop.order_one(size shop.size) returns integer language sql stable as 'select 1';
    create function shop.fire() returns void language sql as 'select';
    revoke execute on function shop.fire() from public;
"""


@pytest.fixture(scope="module")
def shop(create_database: CreateDatabase) -> Database:
    return create_database(SCHEMA)


def open_shop(shop: Database, mode: OpenApiMode = OpenApiMode.FOLLOW_PRIVILEGES) -> Snapshot:
    config = Config(db_uri=shop.dsn, db_schemas=("shop",), db_anon_role="anonymous", openapi_mode=mode)
    return with_schema(first_snapshot(config, lambda event: None), load(shop, config), 140000)


def inspect(shop: Database, snapshot: Snapshot, *before: str, role: str = "anonymous") -> tuple[int, bytes]:
    """How many statements were needed, and the document; what is done `before` is rolled back."""
    connection = pq.PGconn.connect(shop.dsn.encode())
    connection.exec_("; ".join(("begin", *before, f"set local role {role}", "set local search_path to shop")).encode())
    request = parse_request(HttpRequest("GET", b"/", b"", [], b""), snapshot.config)
    inspection = Inspection(SchemaInspection("shop", OPENAPI, headers_only=False), request, snapshot, role=role)
    results = []
    for statement in inspection.statements():
        result = connection.exec_params(statement.sql, list(statement.parameters))
        assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message.decode()
        results.append(result)
    connection.finish()
    return len(results), inspection.respond(results).body


def document(shop: Database, mode: OpenApiMode) -> Any:
    return json.loads(inspect(shop, open_shop(shop, mode))[1])


def test_only_what_the_role_may_use_is_shown(shop: Database) -> None:
    found = document(shop, OpenApiMode.FOLLOW_PRIVILEGES)

    assert set(found["paths"]) == {"/", "/goods", "/ratings", "/rpc/order_one"}
    assert set(found["definitions"]) == {"goods", "ratings"}


def test_everything_is_shown_if_privileges_are_ignored(shop: Database) -> None:
    found = document(shop, OpenApiMode.IGNORE_PRIVILEGES)

    assert set(found["paths"]) == {"/", "/goods", "/ratings", "/wages", "/rpc/order_one", "/rpc/fire"}


def test_types_of_arguments_are_written_as_the_search_path_has_them(shop: Database) -> None:
    (parameter,) = document(shop, OpenApiMode.FOLLOW_PRIVILEGES)["paths"]["/rpc/order_one"]["get"]["parameters"]

    assert parameter["format"] == "size"


def test_the_schemas_comment_is_the_title(shop: Database) -> None:
    assert document(shop, OpenApiMode.FOLLOW_PRIVILEGES)["info"]["title"] == "The shop"


def test_defaults_and_keys_are_those_of_the_database(shop: Database) -> None:
    columns = document(shop, OpenApiMode.FOLLOW_PRIVILEGES)["definitions"]["goods"]["properties"]

    assert columns["price"]["default"] == 0.05
    assert columns["id"]["description"] == "Note:\nThis is a Primary Key.<pk/>"


def test_rights_are_asked_each_time_and_functions_described_once(shop: Database) -> None:
    snapshot = open_shop(shop)

    first, before = inspect(shop, snapshot)
    second, after = inspect(shop, snapshot, "revoke select on shop.goods from anonymous")

    assert (first, second) == (2, 1)
    assert "/goods" in json.loads(before)["paths"]
    assert "/goods" not in json.loads(after)["paths"]


def test_equal_rights_are_answered_with_the_document_that_is_there(shop: Database) -> None:
    snapshot = open_shop(shop)

    _, one = inspect(shop, snapshot)
    _, other = inspect(shop, snapshot)

    assert other is one


def test_roles_of_equal_rights_share_a_document(shop: Database) -> None:
    snapshot = open_shop(shop)
    granted = "create role another; grant anonymous to another"

    _, one = inspect(shop, snapshot)
    _, other = inspect(shop, snapshot, granted, role="another")

    assert other is one


def test_an_owner_sees_what_is_granted_to_nobody(shop: Database) -> None:
    owned = ("alter table shop.wages owner to anonymous", "revoke all on shop.wages from anonymous")

    _, found = inspect(shop, open_shop(shop), *owned)

    assert "/wages" in json.loads(found)["paths"]


def test_what_is_gone_since_the_schema_was_loaded_is_not_shown(shop: Database) -> None:
    dropped = ("drop table shop.goods", "drop function shop.order_one")

    _, found = inspect(shop, open_shop(shop), *dropped)

    assert set(json.loads(found)["paths"]) == {"/", "/ratings"}
