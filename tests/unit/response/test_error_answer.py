"""Errors as answers."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.config.config import Verbosity
from tailrace.engine.errors import DatabaseError, NoTable, TokenRequired
from tailrace.engine.response.error import render_error
from tests.unit.response.answers import header


def test_an_error_is_compact_json_with_its_keys_in_order() -> None:
    response = render_error(
        NoTable("api", "film", suggestion="Perhaps you meant the table 'api.films'"), Verbosity.VERBOSE
    )

    assert response.status == 404
    assert response.body == (
        b'{"code":"PGRST205","details":null,"hint":"Perhaps you meant the table \'api.films\'",'
        b'"message":"Could not find the table \'api.film\' in the schema cache"}'
    )
    assert response.headers == [
        (b"Content-Type", b"application/json; charset=utf-8"),
        (b"Content-Length", str(len(response.body)).encode()),
        (b"Proxy-Status", b"PostgREST; error=PGRST205"),
    ]


def test_clients_can_be_told_the_bare_minimum() -> None:
    response = render_error(NoTable("api", "film", suggestion="secrets"), Verbosity.MINIMAL)

    assert json.loads(response.body).keys() == {"code", "message"}


def test_an_error_brings_its_own_headers() -> None:
    assert header(render_error(TokenRequired(), Verbosity.VERBOSE), "WWW-Authenticate") == "Bearer"


def test_an_error_without_content_has_no_body() -> None:
    assert render_error(DatabaseError("m", status=204, code="PT204"), Verbosity.VERBOSE).body == b""


@given(st.text(), st.text(), st.text())
def test_no_text_of_the_database_starts_a_header_of_its_own(code: str, value: str, reason: str) -> None:
    error = DatabaseError("m", status=400, code=code, headers=(("X", value),), reason=reason)

    response = render_error(error, Verbosity.VERBOSE)

    parts = [response.reason or b"", *(part for pair in response.headers for part in pair)]
    assert not any(b"\n" in part or b"\r" in part or b"\0" in part for part in parts)
