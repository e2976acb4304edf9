"""Two shops' databases of one shape, with differing rows."""

import pytest

from tests.support.postgres import CreateDatabase, Database

SHOP = """
    create schema api;
    create table api.goods (id int primary key, name text);
    insert into api.goods values (1, '{name}');
    create table api.{name}_only (id int primary key);
    create function api.refuse() returns void language plpgsql as $$ begin raise '{name} refuses'; end $$;
    create function api.setting() returns text language sql as $$ select current_setting('app.settings.color', true) $$;
    create function api.path() returns text language sql as $$ select current_setting('request.path', true) $$;
    create function api.slow(seconds float default 0.5) returns int language plpgsql
      as $$ begin perform pg_sleep(seconds); return 1; end $$;
    grant usage on schema api to anonymous, authenticated;
    grant select, insert on all tables in schema api to anonymous, authenticated;
"""


@pytest.fixture(scope="module")
def bakery(create_database: CreateDatabase) -> Database:
    return create_database(SHOP.format(name="bakery"))


@pytest.fixture(scope="module")
def florist(create_database: CreateDatabase) -> Database:
    return create_database(SHOP.format(name="florist"))
