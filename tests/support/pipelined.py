"""A client that keeps many connections busy at a time and asks on each before the last answer is there."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    def encode(self) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in self.headers.items())]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join((*lines, "", "")).encode() + self.body


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Line:
    """One connection that is kept; opened anew after it was cut."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, *questions: Question) -> list[Reply]:
        """Send all of these at once, and read their answers. Errors: EOFError, OSError if the connection is cut."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._where)
        reader, writer = self._streams
        writer.write(b"".join(question.encode() for question in questions))
        try:
            return [await read_reply(reader) for _ in questions]
        except (OSError, EOFError):
            self.close()
            raise

    async def abandon(self, question: Question, *, after: float) -> None:
        """Send, and hang up after some seconds, whether the answer has begun or not."""
        _, writer = await asyncio.open_connection(*self._where)
        writer.write(question.encode())
        await asyncio.sleep(after)
        writer.transport.abort()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Reply(int(head[0].split()[1]), headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(pieces)
