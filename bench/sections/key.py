"""One row by primary key beside pgbench with the same statements, FastAPI + asyncpg, and a peer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bench.answer import compare
from bench.captured import capture, script_of
from bench.context import Context, Section
from bench.load import Measure
from bench.recorded import P99_OF_KEY
from bench.result import Found, Plot, Rival, Row, Series, Target, against, plain
from bench.server import FASTAPI, OURS, Server, fastapi, serving
from bench.statistics import median, noise
from bench.work import by_key
from bench.yardstick import Script, run_pgbench

PIPELINED = "pgbench, pipelined"
SERIAL = "pgbench, one by one"
OF_PIPELINED = Target(0.5)
OF_FASTAPI = Target(5)
OF_PEER = Target(4)
OF_PEER_AT_4 = Target(2.5)
OVER_PGBENCH = Target(0.15, at_least=False)  # milliseconds


@dataclass(slots=True)
class Rounds:
    """The measures of each peer at each number of connections, in the order of the rounds."""

    measures: dict[tuple[str, int], list[Measure]] = field(default_factory=dict)

    def add(self, peer: str, connections: int, measure: Measure) -> None:
        self.measures.setdefault((peer, connections), []).append(measure)

    def rates(self, peer: str, connections: int) -> tuple[float, ...]:
        return tuple(one.per_second for one in self.measures[peer, connections])

    def p50(self, peer: str, connections: int) -> tuple[float, ...]:
        return tuple(one.p50 for one in self.measures[peer, connections])

    def p99(self, peer: str, connections: int) -> tuple[float, ...]:
        return tuple(one.p99 for one in self.measures[peer, connections])

    def peers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(peer for peer, _ in self.measures))


def run(context: Context) -> Found:
    contenders = (*context.postgrests(), fastapi(context.database))
    sample = by_key().sample
    assert sample is not None
    with serving(*contenders) as servers:
        compare(tuple((server.name, server.port, by_key(server.key_path)) for server in servers))
        statements = capture(context.database, servers[0].port, sample)
        context.warm(*servers)
        scripts = (
            (PIPELINED, script_of(statements, sample)),
            (SERIAL, script_of(statements, sample, pipelined=False)),
        )
        rounds = _measure(context, servers, scripts)
    connections = context.effort.connections
    rows = (
        *(row for count in connections for row in _rate_rows(rounds, count)),
        *_latency_rows(rounds, connections),
    )
    said = f"The statements of a request, which pgbench runs too: {' | '.join(one.sql for one in statements)}"
    return Found(rows, _plots(rounds, connections), (said,))


def _measure(context: Context, servers: tuple[Server, ...], scripts: tuple[tuple[str, Script], ...]) -> Rounds:
    rounds = Rounds()
    for _ in range(context.effort.rounds):
        for connections in context.effort.connections:
            for server in servers:
                rounds.add(server.name, connections, context.load(server, by_key(server.key_path), connections))
            for name, script in scripts:
                context.say(f"key: {name} at {connections}")
                measure = run_pgbench(
                    context.database,
                    script,
                    clients=connections,
                    seconds=context.effort.seconds,
                    latencies=connections == 1,
                )
                rounds.add(name, connections, measure)
    return rounds


def _rate_rows(rounds: Rounds, connections: int) -> tuple[Row, ...]:
    ours = plain("key", OURS, rounds.rates(OURS, connections), "req/s", connections=connections)
    rows: list[Row] = []
    for peer in rounds.peers():
        if peer == OURS:
            continue
        theirs = rounds.rates(peer, connections)
        unit = "tps" if peer in (PIPELINED, SERIAL) else "req/s"
        rows.append(plain("key", peer, theirs, unit, connections=connections))
        rows.append(against(ours, Rival(peer, theirs, _target(peer, connections))))
    return tuple(rows)


def _target(peer: str, connections: int) -> Target | None:
    match peer:
        case _ if peer == PIPELINED:
            return OF_PIPELINED if connections >= 16 else None
        case _ if peer == SERIAL:
            return None
        case _ if peer == FASTAPI:
            return OF_FASTAPI if connections >= 16 else None
    if connections >= 16:
        return OF_PEER
    return OF_PEER_AT_4 if connections == 4 else None


def _latency_rows(rounds: Rounds, connections: tuple[int, ...]) -> tuple[Row, ...]:
    rows: list[Row] = []
    if 1 in connections:
        rows.append(_over_pgbench(rounds))
    most = max(connections)
    p99 = plain("key: p99", OURS, rounds.p99(OURS, most), "ms", connections=most)
    peers = [peer for peer in rounds.peers() if peer not in (OURS, FASTAPI, PIPELINED, SERIAL)]
    for peer in peers:
        best = max(connections, key=lambda count: median(rounds.rates(peer, count)))
        name = f"{peer} at {best}, its best throughput"
        rows.append(against(p99, Rival(name, rounds.p99(peer, best), Target(1, at_least=False))))
        if 4 in connections:
            p50 = plain("key: p50", OURS, rounds.p50(OURS, 4), "ms", connections=4)
            rows.append(against(p50, Rival(peer, rounds.p50(peer, 4), Target(0.5, at_least=False))))
    if not peers:
        recorded = Rival("PostgREST's recorded p99", (P99_OF_KEY,) * len(p99.rounds), Target(1, at_least=False))
        remark = f"{P99_OF_KEY:g} ms were recorded elsewhere, at 16 connections; --peer measures it here"
        rows.append(replace(against(p99, recorded), remark=remark))
    return tuple(rows)


def _over_pgbench(rounds: Rounds) -> Row:
    """How much longer one request takes than the same transaction from pgbench."""
    pairs = zip(rounds.p50(OURS, 1), rounds.p50(PIPELINED, 1), strict=True)
    over = tuple(ours - theirs for ours, theirs in pairs)
    row = plain("key: p50 over pgbench's", OURS, over, "ms", connections=1)
    ours, theirs = median(rounds.p50(OURS, 1)), median(rounds.p50(PIPELINED, 1))
    return replace(row, target=OVER_PGBENCH, noise=noise(over), remark=f"{ours:.3f} ms, pgbench {theirs:.3f} ms")


def _plots(rounds: Rounds, connections: tuple[int, ...]) -> tuple[Plot, ...]:
    def plot(title: str, label: str, read: str) -> Plot:
        lines = tuple(
            Series(peer, tuple((count, median(getattr(rounds, read)(peer, count))) for count in connections))
            for peer in rounds.peers()
            if read == "rates" or peer not in (PIPELINED, SERIAL)
        )
        return Plot(title, "connections", label, lines, logarithmic=True)

    return (
        plot("One row by primary key", "requests or transactions a second", "rates"),
        plot("One row by primary key: 99th percentile", "ms", "p99"),
    )


SECTION = Section("key", "Reading one row by primary key", run)
