"""What servers before Postgres 16 do to claims is what later ones do, whatever text the claims are."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.platform.data_apis.provisioning import auth_schema
from tests.support.postgres import CreateDatabase

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(-1e50, 1e50), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
)
SPACED = st.builds(json.dumps, VALUES, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 1]))
NOISE = st.text('{}[],:"\\ \n\tutrue0nfalse-1.e+Dd8Cc', max_size=12)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(SPACED)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(start + 3, len(text))))
    return text[:start] + draw(NOISE) + text[end:]


@pytest.fixture(scope="module")
def connection(create_database: CreateDatabase) -> Iterator[psycopg.Connection[Any]]:
    database = create_database("create schema auth")
    database.execute(auth_schema.functions(150_000)[0])
    with psycopg.connect(database.dsn, autocommit=True) as connected:
        yield connected


@settings(deadline=None, max_examples=1500)
@given(st.one_of(SPACED, damaged(), NOISE))
def test_checked_claims_are_what_postgres_would_read(connection: psycopg.Connection[Any], text: str) -> None:
    row = connection.execute(
        """select auth.parse_claims(text)::text, case when pg_input_is_valid(text, 'jsonb') then text::jsonb end::text
           from (select %s::text offset 0) as given (text)""",
        [text],
    ).fetchone()

    assert row is not None
    checked, soft = row
    assert checked == soft
