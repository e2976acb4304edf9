"""Requests that browsers send from pages of another origin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.message import HttpRequest
from tailrace.engine.response.cors import cors_headers, preflight
from tests.unit.response.answers import header

ORIGIN = "https://app.example"
ALLOWED = ("https://app.example", "http://localhost:8080")


def sent(method: str = "GET", **headers: str) -> HttpRequest:
    return HttpRequest(
        method, b"/films", b"", [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    )


def asked(names: str | None = None, method: str = "POST", **more: str) -> HttpRequest:
    listed = {} if names is None else {"access_control_request_headers": names}
    return sent("OPTIONS", **{"origin": ORIGIN, "access_control_request_method": method} | listed | more)


def allowed_headers(names: str | None) -> str | None:
    response = preflight(asked(names), ())
    return None if response is None else header(response, "Access-Control-Allow-Headers")


def test_any_origin_may_read_an_open_api_without_credentials() -> None:
    headers = dict(cors_headers(sent(origin=ORIGIN), ()))

    assert headers[b"Access-Control-Allow-Origin"] == b"*"
    assert b"Access-Control-Allow-Credentials" not in headers
    assert b"Content-Range" in headers[b"Access-Control-Expose-Headers"]


def test_a_listed_origin_is_named_and_may_send_credentials() -> None:
    headers = dict(cors_headers(sent(origin=ORIGIN), ALLOWED))

    assert headers[b"Access-Control-Allow-Origin"] == ORIGIN.encode()
    assert headers[b"Access-Control-Allow-Credentials"] == b"true"


@pytest.mark.parametrize("origin", ["https://evil.example", "https://APP.example", "null", ""])
def test_an_origin_that_is_not_listed_gets_no_headers(origin: str) -> None:
    assert cors_headers(sent(origin=origin), ALLOWED) == []
    assert preflight(asked(origin=origin), ALLOWED) is None


def test_a_request_without_an_origin_gets_no_headers() -> None:
    assert cors_headers(sent(), ()) == []


def test_a_preflight_is_answered_with_all_methods_and_the_headers_asked_for() -> None:
    response = preflight(asked("Content-Type, X-Own,prefer"), ())

    assert response is not None
    assert (response.status, response.body) == (200, b"")
    assert header(response, "Access-Control-Allow-Methods") == "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
    assert header(response, "Access-Control-Max-Age") == "86400"
    assert header(response, "Access-Control-Allow-Headers") == (
        "Authorization, Content-Type, X-Own, prefer, Accept, Accept-Language, Content-Language"
    )


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (None, None),
        ("", "Authorization, Accept, Accept-Language, Content-Language"),
        ("accept", "Authorization, accept, Accept-Language, Content-Language"),
        ("x one", None),
    ],
)
def test_the_headers_allowed_follow_the_list_asked_for(names: str | None, allowed: str | None) -> None:
    assert allowed_headers(names) == allowed


@pytest.mark.parametrize(
    "request_",
    [asked(method="TRACE"), asked(method="post"), sent("OPTIONS", origin=ORIGIN), asked(upgrade="WebSocket")],
)
def test_an_options_request_that_is_no_preflight_goes_on(request_: HttpRequest) -> None:
    assert preflight(request_, ()) is None
    assert cors_headers(request_, ()) == []


@given(st.text())
def test_any_list_of_headers_is_answered_or_ignored(names: str) -> None:
    preflight(asked(names), ())
