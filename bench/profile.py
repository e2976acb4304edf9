"""Show where the server spends its time under load: cProfile by function, or py-spy's flame graph if installed."""

from __future__ import annotations

import argparse
import pstats
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from database import BenchError, Database, bench_database
from load import find_generator
from server import tailrace
from work import Work, all_works


def main(arguments: list[str] | None = None) -> int:
    """Profile one work; exit status 1 with one sentence when that is not possible."""
    options = _options(arguments)
    works = {work.name: work for work in all_works()}
    try:
        with bench_database(options.dsn) as database:
            if options.flame_graph:
                _record_flame_graph(database, works[options.work], options.flame_graph, seconds=options.seconds)
            else:
                _run_under_cprofile(database, works[options.work], seconds=options.seconds, lines=options.lines)
    except BenchError as error:
        sys.stderr.write(f"profile: {error}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python bench/profile.py", description=__doc__)
    parser.add_argument("--work", default="key", choices=[work.name for work in all_works()])
    parser.add_argument("--seconds", type=float, default=5.0, metavar="N")
    parser.add_argument("--lines", type=int, default=45, metavar="N", help="functions to list")
    parser.add_argument("--flame-graph", metavar="FILE.svg", help="use py-spy and write its flame graph")
    parser.add_argument("--dsn", metavar="DSN", help="a superuser's DSN of a Postgres to use instead of an own one")
    return parser.parse_args(arguments)


def _run_under_cprofile(database: Database, work: Work, *, seconds: float, lines: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tailrace-profile-") as folder:
        stats = Path(folder) / "stats"
        plain = tailrace(database)
        server = replace(plain, command=(sys.executable, "-m", "cProfile", "-o", str(stats), *plain.command))
        with server.serving():
            measure = find_generator().run(work, server.port, clients=16, seconds=seconds)
        if not stats.exists():
            raise BenchError("the server ended without leaving its profile; was it killed?")
        sys.stdout.write(f"{work.name}: {measure.per_second:,.0f} req/s while profiled (slower than without)\n")
        pstats.Stats(str(stats), stream=sys.stdout).sort_stats("tottime").print_stats(lines)


def _record_flame_graph(database: Database, work: Work, target: str, *, seconds: float) -> None:
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{Path('/usr/local/bin')}:{Path('/usr/bin')}")
    if spy is None:
        raise BenchError("py-spy is not installed (pip install py-spy); without --flame-graph cProfile is used.")
    server = tailrace(database)
    with server.serving() as process:
        command = [spy, "record", "--pid", str(process.pid), "--duration", str(round(seconds)), "-o", target]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as recorder:
            measure = find_generator().run(work, server.port, clients=16, seconds=seconds + 1)
            recorder.wait()
    sys.stdout.write(f"{work.name}: {measure.per_second:,.0f} req/s; flame graph in {target}\n")


if __name__ == "__main__":
    sys.exit(main())
