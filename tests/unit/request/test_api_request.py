"""The whole way from an HTTP request to what is asked for."""

import pytest

from tailrace.engine.config.config import Config, OpenApiMode
from tailrace.engine.errors import (
    ApiError,
    InvalidBody,
    InvalidPath,
    InvalidRange,
    InvalidRpcMethod,
    OpenApiDisabled,
    PutWithLimit,
    QueryParseError,
    UnacceptableSchema,
)
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import ANY, CSV, JSON
from tailrace.engine.message import Headers, HttpRequest
from tailrace.engine.request.api_request import ApiRequest, MutateRelation, Mutation, ReadRelation, parse_request
from tailrace.engine.request.filter import Operand
from tailrace.engine.request.payload import FormPayload, JsonPayload
from tailrace.engine.request.range import ALL_ROWS, NO_ROWS, RowRange

CONFIG = Config(db_schemas=("port", "yard"))


def parse(
    method: str, target: bytes, headers: Headers | None = None, *, body: bytes = b"", config: Config = CONFIG
) -> ApiRequest:
    path, _, query = target.partition(b"?")
    return parse_request(HttpRequest(method, path, query, headers or [], body), config)


def test_a_read_without_headers_accepts_anything() -> None:
    asked = parse("GET", b"/b%C3%A5tar?id=eq.1")

    assert asked.action == ReadRelation(QualifiedName("port", "båtar"), headers_only=False)
    assert asked.path == "/b%C3%A5tar"
    assert asked.accept == (ANY,)
    assert asked.content_type == JSON
    assert asked.ranges == (((), ALL_ROWS),)
    assert asked.payload is None
    assert asked.negotiated_by_profile


def test_headers_are_kept_for_the_database_and_cookies_apart() -> None:
    asked = parse(
        "GET",
        b"/boats",
        [
            (b"x-one", b"1"),
            (b"cookie", b"a=1; b=x=y;c; d=\xff;a=2"),
            (b"x-two", b"\xc3\xa5"),
            (b"x-one", b"3"),
            (b"cookie", b"ignored=1"),
            (b"accept", b"text/csv, application/json;q=0.5"),
        ],
    )

    assert asked.headers == {"x-one": "3", "x-two": "å", "accept": "text/csv, application/json;q=0.5"}
    assert asked.cookies == {"a": "2", "b": "x=y", "c": "", "d": "\ufffd"}
    assert asked.accept == (CSV, JSON)


@pytest.mark.parametrize(
    ("method", "query", "header", "rows"),
    [
        ("GET", b"", b"0-9", RowRange(0, 9)),
        ("GET", b"", b"10-", RowRange(10, None)),
        ("GET", b"", b"bytes=0-9", ALL_ROWS),
        ("GET", b"?limit=5", b"2-9", RowRange(2, 4)),
        ("GET", b"?limit=0", b"9-2", NO_ROWS),
        ("GET", b"?limit=0&offset=0", b"", NO_ROWS),
        ("GET", b"?offset=-5&limit=8", b"", RowRange(0, 2)),
        ("HEAD", b"?limit=5", b"9-2", RowRange(0, 4)),
        ("POST", b"", b"9-2", ALL_ROWS),
    ],
)
def test_rows_are_those_of_the_query_and_for_get_of_the_header(
    method: str, query: bytes, header: bytes, rows: RowRange
) -> None:
    asked = parse(method, b"/boats" + query, [(b"range", header)], body=b"{}")

    assert asked.top_range == rows
    assert asked.ranges == (((), rows),)


@pytest.mark.parametrize(
    ("query", "header", "error"),
    [
        (b"?limit=-1", b"", InvalidRange.negative_limit()),
        (b"?limit=0&offset=2", b"", InvalidRange.negative_limit()),
        (b"?offset=20", b"0-9", InvalidRange.negative_limit()),
        (b"", b"9-2", InvalidRange.lower_above_upper()),
    ],
)
def test_rows_that_cannot_be_are_refused(query: bytes, header: bytes, error: InvalidRange) -> None:
    with pytest.raises(InvalidRange) as raised:
        parse("GET", b"/boats" + query, [(b"range", header)])

    assert raised.value.details == error.details


def test_each_level_has_its_own_rows() -> None:
    asked = parse("GET", b"/boats?crew.limit=2&limit=3&crew.ports.offset=1")

    assert dict(asked.ranges) == {
        (): RowRange(0, 2),
        ("crew",): RowRange(0, 1),
        ("crew", "ports"): RowRange(1, None),
    }


def test_a_write_does_not_look_at_the_rows_of_other_levels() -> None:
    asked = parse("POST", b"/boats?(.limit=2", body=b"[]")

    assert asked.ranges == (((), ALL_ROWS),)
    with pytest.raises(QueryParseError):
        parse("GET", b"/boats?(.limit=2")


@pytest.mark.parametrize(
    ("method", "mutation", "keys"),
    [
        ("POST", Mutation.INSERT, None),
        ("PATCH", Mutation.UPDATE, None),
        ("PUT", Mutation.UPSERT_SINGLE, frozenset(("a", "b"))),
    ],
)
def test_columns_replace_the_keys_of_the_body_except_for_put(
    method: str, mutation: Mutation, keys: frozenset[str] | None
) -> None:
    body = b'{"a":1,"b":2}'

    asked = parse(method, b"/boats?columns=a", body=body)

    assert asked.action == MutateRelation(QualifiedName("port", "boats"), mutation)
    assert asked.payload == JsonPayload(body, keys)
    assert asked.columns == ({"a"} if keys is None else keys)


def test_delete_has_no_body() -> None:
    asked = parse("DELETE", b"/boats?columns=a", body=b"{nonsense")

    assert asked.payload is None
    assert asked.columns == frozenset()


def test_arguments_of_a_call_come_from_the_query_or_from_the_body() -> None:
    form = [(b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")]

    by_query = parse("GET", b"/rpc/dock?pier=7")
    by_form = parse("POST", b"/rpc/dock?pier=eq.7", form, body=b"pier=7")

    assert by_query.query.parameters == (("pier", Operand("7", (0, 0))),)
    assert by_form.payload == FormPayload((("pier", "7"),))
    assert by_form.columns == {"pier"}
    with pytest.raises(QueryParseError):
        parse("POST", b"/rpc/dock?pier=7")


@pytest.mark.parametrize(
    ("method", "target", "error"),
    [
        ("PUT", b"/rpc/a/b?x&id=7&limit=-1", InvalidPath),
        ("PUT", b"/?id=7", OpenApiDisabled),
        ("PUT", b"/rpc/dock?id=7&limit=-1", UnacceptableSchema),
        ("PUT", b"/boats?id=7&limit=-1", UnacceptableSchema),
    ],
)
def test_the_path_is_looked_at_first_and_then_the_schema(method: str, target: bytes, error: type[ApiError]) -> None:
    config = Config(openapi_mode=OpenApiMode.DISABLED)

    with pytest.raises(error):
        parse(method, target, [(b"content-profile", b"vault")], config=config)


@pytest.mark.parametrize(
    ("method", "target", "error"),
    [
        ("PUT", b"/rpc/dock?id=7&limit=-1", InvalidRpcMethod),
        ("PUT", b"/boats?id=7&limit=-1", QueryParseError),
        ("PUT", b"/boats?id=eq.7&limit=-1", InvalidRange),
        ("PUT", b"/boats?id=eq.7&limit=1", PutWithLimit),
        ("PUT", b"/boats?id=eq.7", InvalidBody),
    ],
)
def test_then_follow_method_query_rows_and_body(method: str, target: bytes, error: type[ApiError]) -> None:
    with pytest.raises(error):
        parse(method, target, body=b"{nonsense")
