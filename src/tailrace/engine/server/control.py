"""The line between the supervisor and a worker: questions down, answers up.

A question is a text of one line, `/ready`; an answer is a status and a body. Questions
have numbers, so that one which takes long holds up no other. The line's end tells
each side that the other one is gone.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from tailrace.engine.message import Response
from tailrace.engine.server.admin import Answer
from tailrace.engine.server.slices import WholeBody

SIZE = struct.Struct("!Q")


def send_document(connection: socket.socket, document: Mapping[str, Any]) -> None:
    """Send what a worker starts with; blocks."""
    data = json.dumps(document).encode()
    connection.sendall(SIZE.pack(len(data)) + data)


def receive_document(connection: socket.socket) -> dict[str, Any]:
    """Wait for it; blocks. Errors: EOFError."""
    (size,) = SIZE.unpack(_receive(connection, SIZE.size))
    document: dict[str, Any] = json.loads(_receive(connection, size))
    return document


def _receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        data = connection.recv(size - len(received))
        if not data:
            raise EOFError
        received += data
    return bytes(received)


async def answer_questions(connection: socket.socket, answer: Answer) -> None:
    """The worker's side: answer until the supervisor is gone."""
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    under_way: set[asyncio.Task[None]] = set()

    async def reply(number: bytes, question: str) -> None:
        response = await answer(question)
        if response.source is not None:
            body = await WholeBody(response.source, asyncio.get_running_loop()).done
            response = Response(500) if body is None else Response(response.status, body=body)
        writer.write(b"%b %d %d\n" % (number, response.status, len(response.body)) + response.body)

    while line := await reader.readline():
        number, _, question = line.rstrip(b"\n").partition(b" ")
        task = asyncio.create_task(reply(number, question.decode()))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


class ControlLine:
    """The supervisor's side."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._writer: asyncio.StreamWriter | None = None
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Response | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._connection)
        self._reading = asyncio.create_task(self._read(reader, self._writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take answers in until the worker is gone; then every question is answered with None."""
        try:
            while line := await reader.readline():
                number, status, length = map(int, line.split())
                body = await reader.readexactly(length)
                waiting = self._waiting.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(Response(status, body=body))
        except (OSError, asyncio.IncompleteReadError):
            pass  # gone in the middle of an answer
        finally:
            self._writer = None
            writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_result(None)

    async def ask(self, question: str, *, patience: float | None = None) -> Response | None:
        """The answer; None if the worker is gone, or does not answer within `patience` seconds."""
        if self._writer is None:
            return None
        waiting: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self.tell(question)
        number = self._number
        self._waiting[number] = waiting
        try:
            return await asyncio.wait_for(waiting, patience)
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(number, None)

    def tell(self, what: str) -> None:
        """Ask without waiting for the answer."""
        self._number += 1
        if self._writer is not None:
            self._writer.write(f"{self._number} {what}\n".encode())
