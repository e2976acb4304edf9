"""Requests out of bytes: one reading of each message, and none of what two could read in two ways (RFC 9112)."""

from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.message import HttpRequest
from tailrace.engine.server.http1 import Limits, MalformedRequest, RequestReader

CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
CONVERSATION = (
    b"POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n5;x=y\r\n12345\r\n0\r\nT: 1\r\n\r\n"
    b"GET /\xc3\xa9%2F HTTP/1.1\r\nA: b  \r\nA:\r\n\r\n"
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    b"FROB /x HTTP/1.0\r\n\r\n"
)


def read(*pieces: bytes, limits: Limits | None = None) -> list[HttpRequest]:
    reader, requests = RequestReader(limits or Limits()), []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next_request()) is not None:
            requests.append(request)
    return requests


def test_a_conversation_is_read_request_by_request() -> None:
    requests = read(CONVERSATION)

    assert [(one.method, one.path, one.query, one.body) for one in requests] == [
        ("POST", b"/a", b"b", b"abc12345"),
        ("GET", b"/\xc3\xa9%2F", b"", b""),
        ("POST", b"/", b"", b"hello"),
        ("FROB", b"/x", b"", b""),
    ]


def test_a_header_keeps_its_order_its_number_and_the_blanks_behind_it() -> None:
    [request] = read(b"GET / HTTP/1.1\r\nB: 2  \r\na:\t1\r\nA: \r\n\r\n")

    assert request.headers == [(b"b", b"2  "), (b"a", b"1"), (b"a", b"")]


@given(st.lists(st.integers(1, len(CONVERSATION) - 1), max_size=12).map(sorted))
def test_it_does_not_matter_how_the_bytes_come_apart(cuts: list[int]) -> None:
    ends = [*cuts, len(CONVERSATION)]
    pieces = [CONVERSATION[start:end] for start, end in zip([0, *cuts], ends, strict=True)]

    assert read(*pieces) == read(CONVERSATION)


@pytest.mark.parametrize(
    "target", [b"http://host/a?b", b"http://host", b"*", b"/a%00b", b'/"<>|{}'], ids=lambda target: target.decode()
)
def test_any_target_arrives_as_path_and_query(target: bytes) -> None:
    [request] = read(b"GET " + target + b" HTTP/1.1\r\n\r\n")

    assert request.path.startswith(b"/")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\nA: b\n\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET  / HTTP/1.1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/2.0\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: \x0b1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", HTTPStatus.NOT_IMPLEMENTED),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", HTTPStatus.NOT_IMPLEMENTED),
        (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTPStatus.NOT_IMPLEMENTED),
        (b"A" * 70_000, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(head: bytes, status: HTTPStatus) -> None:
    with pytest.raises(MalformedRequest) as refused:
        read(head)

    assert refused.value.status is status


@pytest.mark.parametrize("chunks", [b"x\r\n", b"-1\r\n", b"1\na\n", b"1\r\nab\r\n", b"1" * 300, b"0x1\r\na\r\n"])
def test_a_malformed_chunk_is_refused(chunks: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read(CHUNKED + chunks)


@pytest.mark.parametrize(
    "request_", [b"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", CHUNKED + b"B\r\n"], ids=["length", "chunks"]
)
def test_a_body_over_the_limit_is_refused_before_it_comes(request_: bytes) -> None:
    with pytest.raises(MalformedRequest) as refused:
        read(request_, limits=Limits(body=10))

    assert refused.value.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_many_small_chunks_cost_no_more_than_their_bytes() -> None:
    [request] = read(CHUNKED + b"1\r\na\r\n" * 200_000 + b"0\r\n\r\n")

    assert request.body == b"a" * 200_000


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_wait_answer_or_be_refused(data: bytes) -> None:
    with suppress(MalformedRequest):
        read(data, b"\r\n\r\n")
