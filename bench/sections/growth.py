"""How the cost grows: rows, columns, depth of embedding, workers, connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bench.context import Context, Section
from bench.result import Found, Plot, Row, Series, Target, plain
from bench.server import OURS, Server, serving
from bench.statistics import median
from bench.work import Work, by_key, get

SMOOTH = Target(0.5)
"""From one step to the next, what is done a second may at most halve: less is a cliff."""
CONNECTIONS = 16
MOST = 64  # for workers
PROFILE = "Accept-Profile: growth"


@dataclass(frozen=True, slots=True)
class Axis:
    """Something that grows, and what is done in one request at a step."""

    name: str
    label: str
    steps: tuple[int, ...]
    work: Callable[[int], Work]
    amount: Callable[[int], float]
    fixed_connections: bool = True


def run(context: Context) -> Found:
    whole = context.effort.whole
    axes = _axes(whole)
    found: list[tuple[Axis, str, tuple[tuple[float, float], ...]]] = []
    with serving(*context.postgrests(db_schemas="public, growth")) as servers:
        for axis in axes:
            for server in servers:
                found.append((axis, server.name, _points(context, server, axis)))
    workers = _workers(context)
    rows = [_smoothness(axis, peer, points) for axis, peer, points in found if peer == OURS]
    plots = [
        Plot(
            f"Requests a second by {axis.name}",
            axis.label,
            "requests a second",
            tuple(Series(peer, points) for other, peer, points in found if other is axis),
            logarithmic=axis.name != "depth of embedding",
        )
        for axis in axes
    ]
    plots.append(Plot("Requests a second by workers", "workers", "requests a second", (Series(OURS, workers),)))
    rows += [plain(f"workers: {count:g}", OURS, [rate], "req/s", connections=MOST) for count, rate in workers]
    return Found(tuple(rows), tuple(plots), ())


def _axes(whole: bool) -> tuple[Axis, ...]:
    def steps(*all_of_them: int) -> tuple[int, ...]:
        return all_of_them if whole else all_of_them[::2]

    return (
        Axis("rows in an answer", "rows", steps(1, 3, 10, 30, 100, 300, 1000, 3000, 10000), _rows, lambda rows: rows),
        Axis("columns", "columns", steps(1, 3, 10, 30, 100), _columns, lambda columns: columns),
        Axis("depth of embedding", "levels", steps(0, 1, 2, 3, 4, 5, 6), _embeds, lambda depth: depth + 1),
        Axis(
            "connections",
            "connections",
            steps(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000) if whole else (1, 16, 128, 1000),
            lambda connections: by_key(),
            lambda connections: 1,
            fixed_connections=False,
        ),
    )


def _rows(count: int) -> Work:
    return Work(f"{count} rows", "", (get(f"/orchards?select=id,title,year&limit={count}"),))


def _columns(count: int) -> Work:
    names = ",".join(f"c{number}" for number in range(1, count + 1))
    return Work(f"{count} columns", "", (get(f"/wide?select={names}&limit=10", PROFILE),))


def _embeds(depth: int) -> Work:
    selected = "id"
    for level in range(depth, 0, -1):
        selected = f"id,link_{level}({selected})"
    requests = tuple(get(f"/link_0?select={selected}&id=eq.{number}", PROFILE) for number in range(1, 1001))
    return Work(f"depth {depth}", "", requests)


def _points(context: Context, server: Server, axis: Axis) -> tuple[tuple[float, float], ...]:
    points: list[tuple[float, float]] = []
    context.wrk.run(axis.work(axis.steps[0]), server.port, connections=CONNECTIONS, seconds=1)
    for step in axis.steps:
        connections = CONNECTIONS if axis.fixed_connections else step
        rates = [context.load(server, axis.work(step), connections, seconds=1).per_second]
        points.append((step, median(rates)))
    return tuple(points)


def _workers(context: Context) -> tuple[tuple[float, float], ...]:
    points: list[tuple[float, float]] = []
    for count in (1, 2):
        ours = context.postgrests(server_workers=str(count))[0]
        with serving(ours) as (server,):
            context.warm(server)
            points.append((count, context.load(server, by_key(), MOST).per_second))
    return tuple(points)


def smallest_step(points: Sequence[tuple[float, float]], amount: Callable[[int], float]) -> tuple[float, int]:
    """The worst change of what is done a second (requests times their amount) to the next step, and that step."""
    done = [(rate * amount(int(step)), int(step)) for step, rate in points]
    return min((after / before, step) for (before, _), (after, step) in pairwise(done))


def _smoothness(axis: Axis, peer: str, points: tuple[tuple[float, float], ...]) -> Row:
    worst, step = smallest_step(points, axis.amount)
    row = plain(f"growth by {axis.name}: worst step", peer, [worst], "×")
    return replace(row, target=SMOOTH, remark=f"to {step:,}; what is done a second beside the step before")


SECTION = Section("growth", "Cost by growth", run)
