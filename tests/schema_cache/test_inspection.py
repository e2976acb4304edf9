"""The root document shows a role what the role may use."""

import json
from typing import Any

import pytest
from psycopg import pq

from tailrace.engine.config.config import Config, OpenApiMode
from tailrace.engine.response.openapi.document import Versions, openapi_document, read_inspection
from tailrace.engine.response.openapi.fragment import OpenApiFragments
from tailrace.engine.sql.openapi import inspection_statements
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


def document(shop: Database, mode: OpenApiMode) -> Any:
    config = Config(db_schemas=("shop",), openapi_mode=mode)
    follows = mode is OpenApiMode.FOLLOW_PRIVILEGES
    connection = pq.PGconn.connect(shop.dsn.encode())
    connection.exec_(b"begin; set local role anonymous; set local search_path to shop")
    results = []
    for statement in inspection_statements("shop", connection.server_version, follow_privileges=follows):
        result = connection.exec_params(statement.sql, list(statement.parameters))
        assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
        results.append(result)
    connection.finish()
    fragments = OpenApiFragments(load(shop, config))
    inputs = read_inspection(
        results, fragments, schema="shop", config=config, versions=Versions(shown="16.2", documented="v16")
    )
    return json.loads(openapi_document(inputs))


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
