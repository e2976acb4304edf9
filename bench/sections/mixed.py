"""Short reads at a steady pace while slow statements keep 4 of the pool's 10 connections busy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.answer import ask
from bench.context import Context, Section
from bench.faults import BenchError
from bench.open_load import Latencies, Pace, run_open, still_server
from bench.result import Found, Rival, Row, Target, against, plain
from bench.server import Server, serving
from bench.work import by_key, send

SLOW = 4
SLOW_SECONDS = 0.2
PER_SECOND = 2000.0
SLOWER = Target(1.5, at_least=False)
WITHOUT = "without the slow ones"


def run(context: Context) -> Found:
    pace = Pace(PER_SECOND, 5.0 if context.effort.whole else 2.0)
    with still_server() as port:
        floor = run_open(by_key(), port, pace)
    quiet: dict[str, list[Latencies]] = {}
    busy: dict[str, list[Latencies]] = {}
    with serving(*context.postgrests(db_schemas="public, growth")) as servers:
        context.warm(*servers)
        for _ in range(context.effort.rounds):
            for server in servers:
                context.say(f"mixed: {server.name} {WITHOUT}")
                quiet.setdefault(server.name, []).append(run_open(by_key(), server.port, pace))
                context.say(f"mixed: {server.name} with them")
                with slow_statements(server):
                    busy.setdefault(server.name, []).append(run_open(by_key(), server.port, pace))
    rows = [row for server in servers for row in _rows(server.name, quiet[server.name], busy[server.name])]
    delays = [one.own_delay for values in (*quiet.values(), *busy.values()) for one in values]
    remark = (
        f"The generator: against a server that does nothing p50 {floor.p50:.2f} ms and p99 {floor.p99:.2f} ms, "
        f"which are in every figure above; in the measures 99% of requests left within {max(delays):.2f} ms of "
        "their moment, and the delay counts as latency."
    )
    return Found(tuple(rows), (), (remark,))


def _rows(peer: str, quiet: list[Latencies], busy: list[Latencies]) -> Iterator[Row]:
    for name in ("p50", "p99"):
        without = tuple(getattr(one, name) for one in quiet)
        row = plain(f"2,000 reads/s: {name}", peer, [getattr(one, name) for one in busy], "ms")
        yield plain(f"2,000 reads/s: {name} {WITHOUT}", peer, without, "ms")
        yield against(row, Rival(WITHOUT, without, SLOWER))


@contextmanager
def slow_statements(server: Server) -> Iterator[None]:
    """Keep SLOW connections of the pool busy until the block ends.

    Errors: BenchError when one of them failed.
    """
    ended = threading.Event()
    failed: list[str] = []
    request = send("POST", "/rpc/nap", f'{{"seconds":{SLOW_SECONDS}}}').replace(
        b"Accept: */*\r\n", b"Accept: */*\r\nContent-Profile: growth\r\n"
    )

    def one_after_another() -> None:
        while not ended.is_set():
            answer = ask(server.port, request)
            if answer.status != 200:
                failed.append(f"{answer.status}: {answer.body[:200]!r}")
                return

    threads = [threading.Thread(target=one_after_another) for _ in range(SLOW)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    if failed:
        raise BenchError(f"A slow statement failed at {server.name} with {failed[0]}")


SECTION = Section("mixed", "Short reads beside slow statements (open loop)", run)
