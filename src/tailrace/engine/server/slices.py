"""A long body made on the loop a little at a time, so that requests are answered in between."""

import asyncio
import time
from collections.abc import Iterator

from tailrace.engine.message import BodySource, BodyWriter

SLICE = 0.002
"""Seconds that are worked on the body between two looks at everything else."""
REST = 0.002
"""Seconds that are left to everything else after each."""


class SlicedBody:
    """Writes pieces as they are made, and makes none while the client takes none."""

    def __init__(self, pieces: Iterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._pieces = pieces
        self._loop = loop
        self._writer: BodyWriter | None = None
        self._is_paused = False

    def attach(self, writer: BodyWriter) -> None:
        self._writer = writer
        self._work()

    def drained(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._work()

    def gone(self) -> None:
        self._writer = None

    def _work(self) -> None:
        writer = self._writer
        if writer is None:
            return
        try:
            made = take_slice(self._pieces)
        except Exception:
            self.gone()
            writer.abort_body()
            raise
        if made is None:
            self.gone()
            writer.end_body()
        elif writer.write_body(made):
            self._loop.call_later(REST, self._work)
        else:
            self._is_paused = True


class WholeBody:
    """Takes a body in pieces, for who cannot; `done` is set to None where it broke off."""

    def __init__(self, source: BodySource, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[bytes | None] = loop.create_future()
        self._pieces: list[bytes] = []
        source.attach(self)

    def write_body(self, data: bytes) -> bool:
        self._pieces.append(data)
        return True

    def end_body(self) -> None:
        self.done.set_result(b"".join(self._pieces))

    def abort_body(self) -> None:
        self.done.set_result(None)


def take_slice(pieces: Iterator[bytes]) -> bytes | None:
    """What can be made in a short time, possibly nothing; None at the end."""
    until, made = time.perf_counter() + SLICE, []
    for piece in pieces:
        made.append(piece)
        if time.perf_counter() > until:
            break
    return b"".join(made) if made else None
