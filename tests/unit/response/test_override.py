"""The database may set status and headers by `response.status` and `response.headers`."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.errors import ApiError, InvalidResponseHeaders, InvalidResponseStatus
from tests.unit.response.answers import answer, header, reading, result


def headers(*pairs: tuple[str, Any]) -> bytes:
    return json.dumps([{name: value} for name, value in pairs]).encode()


@pytest.mark.parametrize(
    ("setting", "status"), [(b"201", 201), (b"200.5", 200), (b"418x", 418), (b"999", 999), (b"", 200), (None, 200)]
)
def test_the_leading_digits_of_the_setting_are_the_status(setting: bytes | None, status: int) -> None:
    assert answer(reading(), result(status=setting)).status == status


@pytest.mark.parametrize("setting", [b"abc", b"-1", b" 201", b"+201", b"99", b"100", b"1000", b"9" * 5000])
def test_what_is_no_status_that_ends_an_exchange_is_an_error(setting: bytes) -> None:
    with pytest.raises(InvalidResponseStatus):
        answer(reading(), result(status=setting))


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_content_drops_the_body(status: int) -> None:
    assert answer(reading(), result(1, b"[1]", status=status)).body == b""


def test_headers_are_added_and_take_the_place_of_ours() -> None:
    setting = headers(("X-One", "1"), ("content-type", "application/pdf"), ("Vary", "Cookie"))

    response = answer(reading(), result(headers=setting))

    assert header(response, "X-One") == "1"
    assert header(response, "Content-Type") == "application/pdf"
    assert header(response, "Vary") == "Cookie"


def test_a_header_may_be_set_several_times() -> None:
    response = answer(reading(), result(headers=headers(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))))

    assert [value for name, value in response.headers if name == b"Set-Cookie"] == [b"a=1", b"b=2"]


def test_how_long_the_body_is_stays_for_the_server_to_say() -> None:
    setting = headers(("Content-Length", "1"), ("Transfer-Encoding", "chunked"))

    response = answer(reading(), result(1, b"[1,2]", headers=setting))

    assert (header(response, "Content-Length"), header(response, "Transfer-Encoding")) == ("5", None)


@pytest.mark.parametrize(
    "setting",
    [
        b"garbage",
        b"null",
        b"{}",
        b'{"X-One":"1"}',
        b'["X-One: 1"]',
        b"[{}]",
        b'[{"X-One":1}]',
        b'[{"X-One":"1","X-Two":"2"}]',
        b'[{"":"1"}]',
        b'[{"X-One":"1\\r\\nX-Two: 2"}]',
        b'[{"X\\nOne":"1"}]',
        b"\xff",
    ],
)
def test_what_are_no_headers_is_an_error(setting: bytes) -> None:
    with pytest.raises(InvalidResponseHeaders):
        answer(reading(), result(headers=setting))


def test_a_wrong_status_is_told_before_wrong_headers() -> None:
    with pytest.raises(InvalidResponseStatus):
        answer(reading(), result(status=b"abc", headers=b"garbage"))


@given(st.binary() | st.text().map(str.encode) | st.integers().map(lambda n: str(n).encode()), st.binary())
def test_no_setting_raises_anything_but_an_answer(status: bytes, setting: bytes) -> None:
    with contextlib.suppress(ApiError):
        answer(reading(), result(status=status, headers=setting))


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(), max_size=2)))
def test_no_header_of_the_database_starts_a_line_of_its_own(document: Any) -> None:
    with contextlib.suppress(ApiError):
        response = answer(reading(), result(headers=json.dumps(document).encode()))
        assert not any(b"\n" in part or b"\r" in part for pair in response.headers for part in pair)
