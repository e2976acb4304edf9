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

from bench.database import Database, bench_database
from bench.faults import BenchError
from bench.load import find_wrk
from bench.server import serving, tailrace
from bench.work import Work, all_works


def main(arguments: list[str] | None = None) -> int:
    """Profile one work; exit status 1 with one sentence when that is not possible."""
    options = _options(arguments)
    works = {work.name: work for work in all_works()}
    try:
        with bench_database() as database:
            if options.flame_graph:
                _record_flame_graph(database, works[options.work], options.flame_graph, seconds=options.seconds)
            else:
                _run_under_cprofile(database, works[options.work], seconds=options.seconds, lines=options.lines)
    except BenchError as error:
        sys.stderr.write(f"profile: {error}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--work", default="key", choices=[work.name for work in all_works()])
    parser.add_argument("--seconds", type=int, default=5, metavar="N")
    parser.add_argument("--lines", type=int, default=45, metavar="N", help="functions to list")
    parser.add_argument("--flame-graph", metavar="FILE.svg", help="use py-spy and write its flame graph")
    return parser.parse_args(arguments)


def _run_under_cprofile(database: Database, work: Work, *, seconds: int, lines: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tailrace-profile-") as folder:
        stats = Path(folder) / "stats"
        plain = tailrace(database)
        profiled = replace(plain, command=(sys.executable, "-m", "cProfile", "-o", str(stats), *plain.command))
        with serving(profiled) as (server,):
            measure = find_wrk().run(work, server.port, connections=16, seconds=seconds)
        if not stats.exists():
            raise BenchError("the server ended without leaving its profile; was it killed?")
        sys.stdout.write(f"{work.name}: {measure.per_second:,.0f} req/s while profiled (slower than without)\n")
        pstats.Stats(str(stats), stream=sys.stdout).sort_stats("tottime").print_stats(lines)


def _record_flame_graph(database: Database, work: Work, target: str, *, seconds: int) -> None:
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{Path('/usr/local/bin')}:{Path('/usr/bin')}")
    if spy is None:
        raise BenchError("py-spy is not installed (pip install py-spy); without --flame-graph cProfile is used.")
    with serving(tailrace(database)) as (server,):
        command = [spy, "record", "--pid", str(server.process.pid), "--duration", str(seconds), "-o", target]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as recorder:
            measure = find_wrk().run(work, server.port, connections=16, seconds=seconds + 1)
            recorder.wait()
    sys.stdout.write(f"{work.name}: {measure.per_second:,.0f} req/s; flame graph in {target}\n")


if __name__ == "__main__":
    sys.exit(main())
