"""Requests that come drop by drop: heads have a time in which they must be whole, bodies a speed."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.protocol import Client, HttpServer, Reply

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
SIZED = HEAD + b"Content-Length: 1000\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PAUSE = 0.02


def answer_length(request: HttpRequest, reply: Reply, client: Client) -> None:
    reply(Response(200, body=b"%d" % len(request.body)))


Set = Callable[[HttpServer], None]


async def exchange(pieces: Sequence[bytes], settle: Set) -> bytes:
    """Send the pieces with a pause between them; all that is answered until the server closes or 3 s are over."""
    http = HttpServer(answer_length, server_header="test", limits=Limits())
    settle(http)
    listening = await asyncio.get_running_loop().create_server(http.connection, "127.0.0.1", 0)
    sweeping = asyncio.create_task(sweep(http))
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    received = bytearray()

    async def receive() -> None:
        while data := await reader.read(65_536):
            received.extend(data)

    receiving = asyncio.create_task(receive())
    for piece in pieces:
        if receiving.done():
            break
        writer.write(piece)
        await asyncio.sleep(PAUSE)
    await asyncio.wait([receiving], timeout=0.3)
    for task in (receiving, sweeping):
        task.cancel()
    http.cut()
    writer.close()
    listening.close()
    return bytes(received)


async def sweep(http: HttpServer) -> None:
    while True:
        await asyncio.sleep(PAUSE / 2)
        http.sweep()


def run(conversation: Coroutine[Any, Any, bytes]) -> bytes:
    return asyncio.run(conversation)


def quick_judgement(http: HttpServer) -> None:
    """Bodies are judged every tenth of a second, and silence is none of it."""
    http.upload_window, http.slowest_upload = 0.1, 500.0


def is_408(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in head and json.loads(body)["code"] == "TLR408"


def one_by_one(data: bytes) -> list[bytes]:
    return [bytes((byte,)) for byte in data]


def test_a_head_that_comes_letter_by_letter_has_a_time_in_which_to_be_whole() -> None:
    def settle(http: HttpServer) -> None:
        http.request_timeout = 0.2

    received = run(exchange(one_by_one(HEAD + b"X: " + b"y" * 100), settle))

    assert is_408(received)


def test_a_body_that_comes_byte_by_byte_is_refused() -> None:
    received = run(exchange([SIZED, *one_by_one(b"x" * 100)], quick_judgement))

    assert is_408(received)


def test_a_chunked_body_is_judged_by_its_content_not_by_its_chunks() -> None:
    chunk = b"1;" + b"e" * 100 + b"\r\nx\r\n"

    received = run(exchange([CHUNKED, *[chunk] * 100], quick_judgement))

    assert is_408(received)


def test_a_trailer_that_does_not_end_is_refused() -> None:
    received = run(exchange([CHUNKED + b"1\r\nx\r\n0\r\n", *[b"T: 1\r\n"] * 100], quick_judgement))

    assert is_408(received)


def test_a_quick_start_does_not_pay_for_dripping_later() -> None:
    body = HEAD + b"Content-Length: 200000\r\n\r\n" + b"x" * 100_000

    received = run(exchange([body, *one_by_one(b"x" * 100)], quick_judgement))

    assert is_408(received)


def test_a_slow_upload_that_goes_on_is_taken() -> None:
    received = run(exchange([SIZED, *[b"x" * 25] * 40], quick_judgement))

    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n1000")


def test_many_small_bodies_on_one_connection_are_not_taken_for_one() -> None:
    request = HEAD + b"Content-Length: 2\r\n\r\n"
    halves = [half for _ in range(20) for half in (request + b"a", b"b")]

    received = run(exchange(halves, quick_judgement))

    assert received.count(b"HTTP/1.1 200 ") == 20
    assert b"408" not in received
