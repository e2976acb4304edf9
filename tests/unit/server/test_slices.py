"""A long body is made a little at a time, and no faster than the client takes it."""

import asyncio
from collections.abc import Iterator

from tailrace.engine.server.slices import SlicedBody, WholeBody


class Taker:
    """A client that stops taking after each part until it is told to go on."""

    def __init__(self, *, takes_all: bool) -> None:
        self.parts: list[bytes] = []
        self.ended = asyncio.Event()
        self.aborted = False
        self._takes_all = takes_all

    def write_body(self, data: bytes) -> bool:
        self.parts.append(data)
        return self._takes_all

    def end_body(self) -> None:
        self.ended.set()

    def abort_body(self) -> None:
        self.aborted = True


def pieces(count: int) -> Iterator[bytes]:
    return (b"%d;" % number for number in range(count))


def test_all_pieces_arrive_in_order_while_other_work_goes_on() -> None:
    async def run() -> tuple[bytes, int]:
        loop, taker, turns = asyncio.get_running_loop(), Taker(takes_all=True), 0
        SlicedBody(pieces(100_000), loop).attach(taker)
        while not taker.ended.is_set():
            turns += 1
            await asyncio.sleep(0)
        return b"".join(taker.parts), turns

    body, turns = asyncio.run(run())

    assert body == b"".join(pieces(100_000))
    assert turns > 3


def test_nothing_is_made_while_the_client_takes_nothing() -> None:
    async def run() -> tuple[int, int]:
        loop, taker = asyncio.get_running_loop(), Taker(takes_all=False)
        body = SlicedBody(pieces(1_000_000), loop)
        body.attach(taker)
        await asyncio.sleep(0.05)
        before = len(taker.parts)
        body.drained()
        return before, len(taker.parts)

    assert asyncio.run(run()) == (1, 2)


def test_a_body_that_cannot_be_made_breaks_off() -> None:
    def broken() -> Iterator[bytes]:
        yield b"["
        raise ValueError

    async def run() -> bytes | None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        try:
            return await WholeBody(SlicedBody(broken(), loop), loop).done
        except ValueError:
            return None

    assert asyncio.run(run()) is None


def test_who_takes_no_pieces_gets_the_whole() -> None:
    async def run() -> bytes | None:
        loop = asyncio.get_running_loop()
        return await WholeBody(SlicedBody(pieces(10_000), loop), loop).done

    assert asyncio.run(run()) == b"".join(pieces(10_000))
