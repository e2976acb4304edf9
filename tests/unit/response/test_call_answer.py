"""Answers to function calls."""

import pytest

from tailrace.engine.request.api_request import Invocation
from tailrace.engine.request.preferences import Count, Preferences
from tailrace.engine.schema_cache.routine import ReturnType
from tests.unit.response.answers import VOID, answer, calling, header, names, page, result


def test_a_call_answers_with_what_the_function_returns() -> None:
    response = answer(calling(), result(1, b"42"))

    assert (response.status, response.body) == (200, b"42")
    assert names(response) == ["Content-Length", "Content-Range", "Content-Type", "Vary"]


def test_head_of_a_function_has_no_body_and_no_length() -> None:
    response = answer(calling(invocation=Invocation.HEAD), result(1, b"42"))

    assert response.body == b""
    assert header(response, "Content-Length") is None


@pytest.mark.parametrize("invocation", Invocation)
def test_a_function_that_returns_void_has_no_content_however_it_is_called(invocation: Invocation) -> None:
    plan = calling(returns=ReturnType(VOID, False, False), invocation=invocation)

    response = answer(plan, result(1, b""))

    assert (response.status, response.body) == (204, b"")
    assert (names(response), header(response, "Content-Range")) == (["Content-Range", "Vary"], "0-0/*")


def test_a_page_beyond_the_rows_of_a_function_is_not_satisfiable() -> None:
    asked = page(1000, preferences=Preferences(count=Count.EXACT))

    response = answer(calling(), result(0, total=10), asked)

    assert response.status == 416
    assert b"there are only 10 rows" in response.body
