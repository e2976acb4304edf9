"""Measure Tailrace beside its neighbours, in one run on one machine. See README.md for the method."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from database import BenchError, Database, bench_database, version_of
from load import Generator, find_generator
from report import Row, WorkRow, as_json, key_table, ratio_lines, work_table
from server import Contender, fastapi, peer, tailrace
from work import all_works, by_key
from yardstick import PIPELINED, UNPIPELINED, run_pgbench, yardstick

CLIENTS = (1, 16, 64)


@dataclass(slots=True)
class Findings:
    """What has been measured so far, and what could not be."""

    rows: list[Row] = field(default_factory=list)
    works: list[WorkRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; exit status 1 when Tailrace itself could not be measured."""
    options = _options(arguments)
    seconds = 1.0 if options.quick else options.seconds
    generator = find_generator(own=options.own_load)
    found = Findings()
    try:
        with bench_database(options.dsn) as database:
            found.notes.append(f"load by {generator.name}; {version_of(database.pgbench)}; {seconds:g} s a measure")
            if not options.only_works:
                _measure_keys(database, generator, found, seconds=seconds, peer_path=options.peer)
            if options.works or options.only_works:
                _measure_works(database, generator, found, seconds=seconds, peer_path=options.peer)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("bench: stopped\n")
    _print(found)
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(found.rows, found.works, found.notes), indent=2) + "\n")
    measured = {row.subject for row in found.rows} | {row.subject for row in found.works}
    return 0 if "Tailrace" in measured else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--peer", metavar="PATH", help="a postgrest executable to measure as well")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="N", help="length of each measure (4)")
    parser.add_argument("--quick", action="store_true", help="one second a measure: a smoke test, not a figure")
    parser.add_argument("--works", action="store_true", help="also the twelve works as ratios to the yardstick")
    parser.add_argument("--only-works", action="store_true", help="the twelve works and nothing else")
    parser.add_argument("--own-load", action="store_true", help="do not use wrk even if it is there")
    parser.add_argument("--dsn", metavar="DSN", help="a superuser's DSN of a Postgres to use instead of an own one")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file, too")
    return parser.parse_args(arguments)


def _measure_keys(
    database: Database, generator: Generator, found: Findings, *, seconds: float, peer_path: str | None
) -> None:
    for name, script in (("pgbench", UNPIPELINED), ("pgbench, pipelined", PIPELINED)):
        for clients in CLIENTS:
            _progress(f"{name}, {clients} clients")
            found.rows.append(Row(name, clients, run_pgbench(database, script, clients=clients, seconds=seconds)))
    for make in _contenders(database, peer_path, with_fastapi=True):
        _with_server(make, found, lambda server: _server_rows(server, generator, found, seconds))


def _server_rows(server: Contender, generator: Generator, found: Findings, seconds: float) -> None:
    work = by_key(server.key_path)
    _warm(server, generator)
    for clients in CLIENTS:
        _progress(f"{server.name}, {clients} clients")
        measure = generator.run(work, server.port, clients=clients, seconds=seconds)
        found.rows.append(Row(server.name, clients, measure))


def _warm(server: Contender, generator: Generator) -> None:
    """Fill plans, caches and pools, so that the first measure is like the next."""
    generator.run(by_key(server.key_path), server.port, clients=16, seconds=1)


def _measure_works(
    database: Database, generator: Generator, found: Findings, *, seconds: float, peer_path: str | None
) -> None:
    def rows(server: Contender) -> None:
        _warm(server, generator)
        before = yardstick(database, seconds=seconds)
        for work in all_works():
            _progress(f"{server.name}, {work.name}")
            measure = generator.run(work, server.port, clients=16, seconds=seconds)
            database.tidy()
            after = yardstick(database, seconds=seconds)
            found.works.append(WorkRow(server.name, work.name, measure, (before + after) / 2))
            before = after

    for make in _contenders(database, peer_path, with_fastapi=False):
        _with_server(make, found, rows)


def _contenders(
    database: Database, peer_path: str | None, *, with_fastapi: bool
) -> tuple[Callable[[], Contender], ...]:
    makers: list[Callable[[], Contender]] = [lambda: tailrace(database)]
    if with_fastapi:
        makers.append(lambda: fastapi(database))
    if peer_path is not None:
        makers.append(lambda: peer(peer_path, database))
    return tuple(makers)


def _with_server(make: Callable[[], Contender], found: Findings, measure: Callable[[Contender], None]) -> None:
    """Measure one server; one that fails costs its own rows and a note, not the run."""
    try:
        server = make()
        with server.serving():
            measure(server)
    except BenchError as error:
        found.notes.append(str(error))


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K  {what} ...")
        sys.stderr.flush()


def _print(found: Findings) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    parts = []
    if found.rows:
        parts += [key_table(found.rows), ratio_lines(found.rows)]
    if found.works:
        parts.append(work_table(found.works))
    parts.append("\n".join(found.notes))
    sys.stdout.write("\n\n".join(part for part in parts if part) + "\n")


if __name__ == "__main__":
    sys.exit(main())
