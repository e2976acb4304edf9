"""How long a copy of a running cluster takes, against `cp -a` of the same files and bytes.

    python -m bench.clone [--size MIB] [--folder DIR] [--rounds N]

Copies with and without making them durable; `cp -a` alone, and with `sync` after it.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path

import psycopg

from tailrace.cluster import ClusterSpec, RunningCluster, clone, start

ROW = 1000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=1024, help="MiB of the parent's table")
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments.add_argument("--rounds", type=int, default=4)
    given = arguments.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tailrace-bench-clone-", dir=given.folder))
    home.chmod(0o755)
    try:
        with start(ClusterSpec(data_dir=home / "parent", password="of the benchmark")) as parent:
            fill(parent, given.size)
            compare(parent, home, rounds=given.rounds)
    finally:
        shutil.rmtree(home)


def fill(parent: RunningCluster, size: int) -> None:
    with psycopg.connect(parent.dsn(), autocommit=True) as connection:
        connection.execute("create table filler (id bigint, body text)")
        connection.execute("alter table filler alter body set storage plain")
        connection.execute(
            "insert into filler select n, repeat('x', %s) from generate_series(1, %s) n", (ROW, size * 1024)
        )
        connection.execute("checkpoint")
        found = connection.execute("select pg_size_pretty(sum(pg_database_size(oid))) from pg_database").fetchone()
    print(f"parent: {found and found[0]}")


def compare(parent: RunningCluster, home: Path, *, rounds: int) -> None:
    quick = copy(parent)
    quick.spec = replace(parent.spec, durable=False)
    source, target = home / "same", home / "copy"
    clone(quick, source)
    ways: tuple[tuple[str, Callable[[], object]], ...] = (
        ("cp -a", lambda: copy_plainly(source, target)),
        ("clone, not durable", lambda: clone(quick, target)),
        ("cp -a, sync", lambda: copy_durably(source, target)),
        ("clone, durable", lambda: clone(parent, target)),
    )
    times: dict[str, list[float]] = {name: [] for name, _ in ways}
    for number in range(rounds):
        # None is always the first, or after the same other one.
        turn = number % len(ways)
        for name, way in (*ways[turn:], *ways[:turn]):
            os.sync()
            began = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - began)
            shutil.rmtree(target)
    for name, taken in times.items():
        print(f"{name:20} {statistics.median(taken):6.2f} s  (of {', '.join(f'{one:.2f}' for one in taken)})")
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"ratio, not durable: {medians['clone, not durable'] / medians['cp -a']:.2f}")
    print(f"ratio, durable:     {medians['clone, durable'] / medians['cp -a, sync']:.2f}")


def copy_plainly(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)


def copy_durably(source: Path, target: Path) -> None:
    copy_plainly(source, target)
    os.sync()


if __name__ == "__main__":
    main()
