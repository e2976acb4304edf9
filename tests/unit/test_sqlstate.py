"""Each error of Postgres has an HTTP status, and functions may choose the whole answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.errors import ApiError, DatabaseUnreachable, InvalidRaise
from tailrace.engine.postgres.sqlstate import connection_error, database_error
from tailrace.engine.statement import PostgresError

BODY = '{"code":"C1","message":"m","details":"d","hint":"h"}'


def answer(sqlstate: str, message: str = "boo", *, detail: str | None = None, authenticated: bool = True) -> ApiError:
    return database_error(PostgresError(sqlstate, message, detail, "try"), authenticated=authenticated)


def dictated(message: Any, detail: Any) -> ApiError:
    def text(value: Any) -> Any:
        return value if value is None or isinstance(value, str) else json.dumps(value)

    return answer("PGRST", text(message), detail=text(detail))


@pytest.mark.parametrize(
    ("sqlstate", "status"),
    [
        ("08006", 503),
        ("09000", 500),
        ("0L000", 403),
        ("0P000", 403),
        ("21000", 500),
        ("22012", 400),
        ("22023", 400),
        ("23502", 400),
        ("23503", 409),
        ("23505", 409),
        ("25006", 405),
        ("25P02", 500),
        ("28000", 403),
        ("40001", 500),
        ("42501", 403),
        ("42883", 404),
        ("42P01", 404),
        ("42P17", 500),
        ("42703", 400),
        ("53300", 503),
        ("53400", 500),
        ("54001", 500),
        ("57014", 500),
        ("57P01", 503),
        ("P0001", 400),
        ("P0002", 500),
        ("XX000", 500),
        ("ABCDE", 400),
        ("", 400),
    ],
)
def test_a_sqlstate_stands_for_a_status(sqlstate: str, status: int) -> None:
    assert answer(sqlstate).status == status


def test_an_error_keeps_its_words() -> None:
    error = answer("23505", "duplicate", detail="Key (id)=(1) already exists.")

    assert (error.code, error.message, error.details, error.hint) == (
        "23505",
        "duplicate",
        "Key (id)=(1) already exists.",
        "try",
    )


def test_a_missing_right_asks_the_anonymous_to_sign_in() -> None:
    error = answer("42501", authenticated=False)

    assert (error.status, error.headers) == (401, (("WWW-Authenticate", "Bearer"),))


@pytest.mark.parametrize(
    ("sqlstate", "message", "status"),
    [
        ("21000", "DELETE requires a WHERE clause", 400),
        ("22023", 'role "nobody" does not exist', 401),
        ("42883", "function xmlagg(integer) does not exist", 406),
    ],
)
def test_some_messages_mean_something_else(sqlstate: str, message: str, status: int) -> None:
    assert answer(sqlstate, message).status == status


def test_a_function_may_choose_the_status_by_its_sqlstate() -> None:
    error = answer("PT402", "Payment Required")

    assert (error.status, error.code, error.reason) == (402, "PT402", "Payment Required")
    assert answer("PT401").headers == (("WWW-Authenticate", "Bearer"),)


@pytest.mark.parametrize("sqlstate", ["PTABC", "PT000", "PT100", "PT1"])
def test_a_status_that_cannot_be_is_an_error_of_ours(sqlstate: str) -> None:
    assert answer(sqlstate).status == 500


def test_a_function_may_dictate_the_whole_answer() -> None:
    error = dictated(BODY, {"status": 419, "status_text": "Odd", "headers": {"X-B": "2", "X-A": "1"}})

    assert (error.status, error.reason, error.headers) == (419, "Odd", (("X-A", "1"), ("X-B", "2")))
    assert (error.code, error.message, error.details, error.hint) == ("C1", "m", "d", "h")


@pytest.mark.parametrize(
    "message",
    ["no json", "[]", {"code": "C1"}, {"code": 1, "message": "m"}, {"code": "C1", "message": "m", "details": {}}],
)
def test_a_dictated_body_needs_code_and_message(message: Any) -> None:
    error = dictated(message, {"status": 402, "headers": {}})

    assert isinstance(error, InvalidRaise)
    assert error.details.startswith("Invalid JSON value for MESSAGE: '")


@pytest.mark.parametrize(
    "detail",
    [
        "no json",
        {"status": 402},
        {"status": "402", "headers": {}},
        {"status": 42, "headers": {}},
        {"status": 402, "headers": None},
        {"status": 402, "headers": [{"A": "b"}]},
        {"status": 402, "headers": {"A": 1}},
        {"status": 402, "headers": {"A": "1\r\nB: 2"}},
        {"status": 402, "headers": {}, "status_text": 1},
    ],
)
def test_a_dictated_head_needs_status_and_headers(detail: Any) -> None:
    error = dictated(BODY, detail)

    assert isinstance(error, InvalidRaise)
    assert error.details.startswith("Invalid JSON value for DETAIL: '")


def test_a_dictated_answer_without_a_head_is_an_error() -> None:
    error = dictated(BODY, None)

    assert isinstance(error, InvalidRaise)
    assert error.details == "DETAIL is missing in the RAISE statement"


def test_a_lost_database_is_unavailable() -> None:
    error = connection_error("connection refused")

    assert isinstance(error, DatabaseUnreachable)
    assert (error.status, error.code, error.details) == (503, "PGRST000", "connection refused")


@given(st.sampled_from(["PGRST", "PT400", "42501", "22023"]) | st.text(max_size=5), st.text(), st.none() | st.text())
def test_every_error_has_an_answer(sqlstate: str, message: str, detail: str | None) -> None:
    assert 200 <= answer(sqlstate, message, detail=detail).status < 1000
