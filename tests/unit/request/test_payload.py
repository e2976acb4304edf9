"""Bodies: JSON, CSV, forms and raw text."""

import json

import pytest

from tailrace.engine.errors import InvalidBody
from tailrace.engine.media_type import CSV, JSON, OCTET_STREAM, PLAIN, URL_ENCODED, XML, MediaType
from tailrace.engine.request.payload import (
    FormPayload,
    JsonPayload,
    RawPayload,
    read_call_body,
    read_table_body,
)


def rows(body: bytes, media_type: MediaType = JSON) -> JsonPayload:
    return read_table_body(body, media_type, columns_given=False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":1,"name":"a"}',
        b'[{"id":1,"name":"a"},{"name":null,"id":[{}]}]',
        b' \r\n\t[ {"id" : 1.50, "name" : "\\u00e5" } ] ',
        b'{"id":1,"name":2,"id":3}',
        b'{"id":123456789012345678901234567890,"name":1e999}',
    ],
)
def test_json_stays_as_it_was_sent(body: bytes) -> None:
    assert rows(body) == JsonPayload(body, frozenset(("id", "name")))


@pytest.mark.parametrize("body", [b"[]", b"5", b'"text"', b"null", b"true", b" [ ] "])
def test_json_without_objects_inserts_nothing(body: bytes) -> None:
    assert rows(body) == JsonPayload(b"[]", frozenset())


@pytest.mark.parametrize("body", [b"[1]", b'[{"a":1},2]', b'[{"a":1},{"b":1}]', b'[{"a":1},{}]', b"[[]]", b"[null]"])
def test_all_objects_have_the_same_keys(body: bytes) -> None:
    with pytest.raises(InvalidBody) as raised:
        rows(body)

    assert raised.value.message == "All object keys must match"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1}x',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b'{"a":.5}',
        b'{"a":"\t"}',
        b'{"a":"\\x"}',
        b'{"a":"\\ud800"}',
        b'{"\\udc00":1}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidBody) as raised:
        rows(body)

    assert raised.value.message == "Empty or invalid json"


def test_where_columns_are_given_json_is_not_looked_at() -> None:
    assert read_table_body(b"{nonsense", JSON, columns_given=True) == JsonPayload(b"{nonsense", None)
    assert read_call_body(b"{nonsense", JSON, columns_given=True) == JsonPayload(b"{nonsense", None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"id,name\n1,a\n2,b\n", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        (b"id,name\r\n1,a\r2,b", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        (b"id,name\n\n1,a\n\n\n", [{"id": "1", "name": "a"}]),
        (b"id,name\nNULL,\n", [{"id": None, "name": ""}]),
        (b'id,"na""me"\n"1\n,","a ""b"""\n', [{"id": "1\n,", 'na"me': 'a "b"'}]),
        (b'id,name\n"NULL",null\n', [{"id": None, "name": "null"}]),
        (b"id,name\n1,a,surplus\n", [{"id": "1", "name": "a"}]),
        (b"id,name\n1\n2\n", [{"id": "1"}, {"id": "2"}]),
        (b"id,id\n1,2\n", [{"id": "2"}]),
        (b"id\n\xc3\xa5\n", [{"id": "å"}]),
        (b"id\n\xff\n", [{"id": "\ufffd"}]),
        (b'id\n"open\n', [{"id": "open"}]),
        (b'id\n""\n1\n', [{"id": "1"}]),
        (b"id,name\n", []),
        (b"\n1\n", [{"": "1"}]),
    ],
)
def test_csv_is_turned_into_json(body: bytes, expected: list[dict[str, str | None]]) -> None:
    payload = rows(body, CSV)

    assert json.loads(payload.raw) == expected
    assert payload.keys == (frozenset(expected[0]) if expected else frozenset())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", 'parse error (not enough input) at ""'),
        (b"id,name", 'parse error (not enough input) at ""'),
        (b'"id"', 'parse error (not enough input) at ""'),
        (b'id\n"', 'parse error (Failed reading: trailing double quote) at ""'),
        (b'id\n"a""', 'parse error (Failed reading: insufficient input) at ""'),
        (b'id\n"a"b\n', 'parse error (Failed reading: satisfy) at "b\\n"'),
        (b'id\na"b"\n', 'parse error (Failed reading: satisfy) at "\\"b\\"\\n"'),
        (b'id\n"a"\xc3\xa51\n', 'parse error (Failed reading: satisfy) at "\\195\\165\\&1\\n"'),
        (b'id\n"a"' + b"x" * 101, f"parse error (Failed reading: satisfy) at {'x' * 100} (truncated)"),
        (b"id,name\n1,a\n2\n", "All lines must have same number of fields"),
    ],
)
def test_what_is_no_csv_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(InvalidBody) as raised:
        rows(body, CSV)

    assert raised.value.message == message


def test_a_form_is_one_row() -> None:
    payload = rows(b"id=1&name=a+b%26c&name=d&flag", URL_ENCODED)

    assert json.loads(payload.raw) == {"id": "1", "name": "d", "flag": ""}
    assert payload.keys == frozenset(("id", "name", "flag"))


def test_a_form_sent_to_a_function_keeps_its_order() -> None:
    payload = read_call_body(b"b=1&a=x+y&b=2", URL_ENCODED, columns_given=False)

    assert payload == FormPayload((("b", "1"), ("a", "x y"), ("b", "2")))
    assert read_call_body(b"", URL_ENCODED, columns_given=False) == FormPayload(())


def test_a_call_without_a_body_has_no_arguments() -> None:
    assert read_call_body(b"", JSON, columns_given=False) == JsonPayload(b"", frozenset())


@pytest.mark.parametrize("media_type", [PLAIN, XML, OCTET_STREAM])
def test_only_functions_take_raw_bodies(media_type: MediaType) -> None:
    assert read_call_body(b"\x00\xff", media_type, columns_given=False) == RawPayload(b"\x00\xff")
    with pytest.raises(InvalidBody) as raised:
        rows(b"\x00\xff", media_type)

    assert raised.value.message == f"Content-Type not acceptable: {media_type.name}"


def test_an_unknown_content_type_is_refused() -> None:
    with pytest.raises(InvalidBody) as raised:
        read_call_body(b"", MediaType("image/png"), columns_given=False)

    assert raised.value.message == "Content-Type not acceptable: image/png"
