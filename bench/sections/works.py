"""The twelve works in units of the yardstick, beside PostgREST 16.2's recorded ratios."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.answer import compare
from bench.captured import capture, script_of
from bench.context import Context, Section
from bench.recorded import YARDSTICK, recorded_ratio, wanted_multiple
from bench.result import Found, Rival, Row, Target, against, plain
from bench.server import OURS, Server, serving
from bench.work import Work, all_works
from bench.yardstick import Script, run_pgbench, yardstick

OF_PIPELINED = Target(0.7)  # for the two works that Postgres bounds
BOUND_BY_POSTGRES = ("page", "filter")
SECONDS = 1
PIPELINED = "pgbench, pipelined"


@dataclass(slots=True)
class Rates:
    """Rounds of one work: requests a second by server and connections, and what stood beside them."""

    servers: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    pipelined: dict[int, list[float]] = field(default_factory=dict)
    yardstick: list[float] = field(default_factory=list)


def run(context: Context) -> Found:
    connections = tuple(count for count in context.effort.connections if count > 1)
    rates = {work.name: Rates() for work in all_works()}
    with serving(*context.postgrests()) as servers:
        context.warm(*servers)
        for work in all_works():
            compare(tuple((server.name, server.port, work) for server in servers))
        context.database.tidy()
        scripts = {
            work.name: script_of(capture(context.database, servers[0].port, work.sample), work.sample)
            for work in all_works()
            if work.name in BOUND_BY_POSTGRES and work.sample is not None
        }
        for _ in range(context.effort.rounds):
            before = yardstick(context.database, seconds=SECONDS)
            for work in all_works():
                _measure(context, servers, work, rates=rates[work.name], script=scripts.get(work.name))
                context.database.tidy()
                after = yardstick(context.database, seconds=SECONDS)
                rates[work.name].yardstick.append((before + after) / 2)
                before = after
    rows = tuple(
        row
        for work in all_works()
        for count in connections
        for server in servers
        for row in _rows(work.name, server.name, count, rates=rates[work.name])
    )
    base = plain(YARDSTICK, "pgbench", [one for rate in rates.values() for one in rate.yardstick], "tps", connections=8)
    return Found((base, *rows))


def _measure(context: Context, servers: tuple[Server, ...], work: Work, *, rates: Rates, script: Script | None) -> None:
    for connections in (count for count in context.effort.connections if count > 1):
        for server in servers:
            rate = context.load(server, work, connections, seconds=SECONDS).per_second
            rates.servers.setdefault((server.name, connections), []).append(rate)
        if script is not None:
            measure = run_pgbench(context.database, script, clients=connections, seconds=SECONDS)
            rates.pipelined.setdefault(connections, []).append(measure.per_second)


def _rows(work: str, peer: str, connections: int, *, rates: Rates) -> tuple[Row, ...]:
    row = plain(work, peer, rates.servers[peer, connections], "req/s", connections=connections)
    if peer != OURS:
        return (against(row, Rival(YARDSTICK, tuple(rates.yardstick), None)),)
    target, recorded = wanted_multiple(work, connections), recorded_ratio(work, connections)
    rows = [against(row, Rival(YARDSTICK, tuple(rates.yardstick), target, recorded))]
    if connections in rates.pipelined:
        rival = Rival(PIPELINED, tuple(rates.pipelined[connections]), OF_PIPELINED if connections >= 16 else None)
        rows.append(against(row, rival))
    peers = (
        Rival(peer, tuple(values))
        for (peer, count), values in rates.servers.items()
        if peer != OURS and count == connections
    )
    return (*rows, *(against(row, peer) for peer in peers))


SECTION = Section("works", "Twelve works beside PostgREST 16.2's recorded ratios", run)
