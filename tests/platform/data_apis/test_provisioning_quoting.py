"""Names and settings come back from Postgres as they were given, whatever they hold."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tailrace.cluster import RunningCluster
from tailrace.platform.data_apis.provisioning import InvalidName, InvalidSetting, Provisioning, Settings, UnknownSetting
from tailrace.platform.data_apis.provisioning.ledger import FutureGrants, Ledger, ObjectBefore, SchemaGrants
from tailrace.platform.data_apis.provisioning.quoting import check_name, dollar_quoted, identifier, literal

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.text("\"'.\\$body; \n\té", max_size=20),
)
NAMES = TEXTS.filter(lambda name: 0 < len(name.encode()) <= 63)
SAME_DATABASE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)


@pytest.fixture(scope="module")
def connection(cluster: RunningCluster) -> Any:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connected:
        yield connected


@SAME_DATABASE
@given(NAMES)
def test_a_quoted_name_is_the_name(connection: psycopg.Connection[Any], name: str) -> None:
    cursor = connection.execute(f"select 1 as {identifier(check_name('name', name))}".encode())

    assert cursor.description is not None
    assert cursor.description[0].name == name


@SAME_DATABASE
@given(TEXTS, st.booleans())
def test_a_quoted_text_is_the_text(connection: psycopg.Connection[Any], text: str, conforming: bool) -> None:
    connection.execute(f"set standard_conforming_strings to {'on' if conforming else 'off'}".encode())

    row = connection.execute(f"select {literal(text)}, {dollar_quoted(text)}".encode()).fetchone()

    assert row == (text, text)


@given(NAMES, NAMES, TEXTS)
def test_a_ledger_is_read_as_it_was_written(schema: str, owner: str, text: str) -> None:
    before = (ObjectBefore(7, text, ("SELECT",)),)
    ledger = Ledger(
        schemas=(SchemaGrants(schema, True, before, before),),
        future=(FutureGrants(schema, owner, ("SELECT",), ()),),
        memberships=(owner,),
        settings=Settings(db_anon_role=None).as_object(),
    )

    assert Ledger.read(ledger.comment()) == ledger
    assert Ledger.read(ledger.comment()[:-1]) is None
    assert Ledger.read(text) is None


@pytest.mark.parametrize("name", ["", "a\0b", "é" * 32, "\ud800"])
def test_a_name_that_postgres_would_change_is_refused(name: str) -> None:
    with pytest.raises(InvalidName) as refused:
        Provisioning(database="db", owner=name)

    assert refused.value.field == "owner"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("db_schemas", []),
        ("db_schemas", "public"),
        ("db_schemas", [7]),
        ("db_schemas", ["pg_catalog"]),
        ("db_schemas", ["a,b"]),
        ("db_schemas", ["a", "a"]),
        ("db_anon_role", ""),
        ("db_anon_role", 1),
        ("db_max_rows", -1),
        ("db_max_rows", True),
        ("db_max_rows", "7"),
        ("db_extra_search_path", 1),
        ("db_aggregates_enabled", "yes"),
        ("jwt_role_claim_key", "role"),
        ("jwt_role_claim_key", None),
        ("jwt_cache_max_lifetime", 2**31),
        ("openapi_mode", "follow-privileges"),
        ("server_cors_allowed_origins", "a\nb"),
        ("server_timing_enabled", None),
    ],
)
def test_a_wrong_setting_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidSetting) as refused:
        Settings.parse({field: value})

    assert refused.value.field == field


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(UnknownSetting, match="db_pool"):
        Settings.parse({"db_pool": 1})


def test_settings_are_read_from_the_object_that_they_make() -> None:
    stated = Settings(db_schemas=("a", "b"), db_anon_role=None, db_max_rows=0, jwt_cache_max_lifetime=60)

    assert Settings.parse(stated.as_object()) == stated
    assert dict(stated.parameters())["pgrst.jwt_cache_max_entries"] == "1000"
    assert "pgrst.db_anon_role" not in dict(stated.parameters())
