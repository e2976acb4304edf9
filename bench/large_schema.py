"""A schema of 60,000 relations: how long it loads, what memory it takes, how requests fare during reloads."""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import psycopg
from database import BenchError, Database, bench_database
from load import Generator, Measure, find_generator
from server import Contender, tailrace
from work import by_key

SCHEMA = "large"
AT_A_TIME = 500  # tables in a transaction: each holds locks
KEY_PATH = "/t_1?id=eq.{id}"
EVERY = 3.0  # seconds between two reloads
PROBE = """
import asyncio, sys, time
from tailrace.engine.config.config import Config
from tailrace.engine.data_api.offline import READ_ONLY, VERSION, catalog_statements, text, with_pool
from tailrace.engine.schema_cache.build import build_schema_cache
from tailrace.engine.statement import Transaction

async def load(pool, config):
    (version,) = await pool.execute(Transaction((VERSION,)))
    statements = (READ_ONLY, *catalog_statements(config, int(text(version, 0))))
    for _ in range(int(sys.argv[3])):
        start = time.perf_counter()
        results = await pool.execute(Transaction(statements))
        queried = time.perf_counter()
        cache = build_schema_cache(results[1:], config)
        print(queried - start, time.perf_counter() - queried, len(cache.tables), len(cache.relationships))

asyncio.run(with_pool(Config(db_uri=sys.argv[1], db_schemas=(sys.argv[2],)), load))
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=30_000, metavar="N", help="and as many views (30,000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="medians are of so many rounds (3)")
    parser.add_argument("--seconds", type=float, default=9.0, metavar="N", help="length of each measure of requests")
    parser.add_argument("--dsn", metavar="DSN", help="a superuser's DSN of a Postgres to use instead of an own one")
    options = parser.parse_args(arguments)
    try:
        with bench_database(options.dsn) as database:
            create_relations(database, options.tables)
            report_loading(database, options.rounds)
            report_serving(large_server(database), find_generator(), seconds=options.seconds, rounds=options.rounds)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    return 0


def create_relations(database: Database, tables: int) -> None:
    """Each table refers to the one before it, and has a view."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        connection.execute(f"create schema {SCHEMA}; grant usage on schema {SCHEMA} to public")
        for start in range(1, tables + 1, AT_A_TIME):
            connection.execute("; ".join(_definitions(n) for n in range(start, min(start + AT_A_TIME, tables + 1))))
        connection.execute(f"grant select on {SCHEMA}.t_1 to public")
        connection.execute("vacuum analyze")


def _definitions(number: int) -> str:
    before = f"references {SCHEMA}.t_{number - 1}" if number > 1 else ""
    table = f"create table {SCHEMA}.t_{number} (id int primary key, name text, ref int {before})"
    return f"{table}; create view {SCHEMA}.v_{number} as select id as vid, name, ref from {SCHEMA}.t_{number}"


def report_loading(database: Database, rounds: int) -> None:
    command = (sys.executable, "-c", PROBE, database.gate_dsn, SCHEMA, str(rounds))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(done.stderr)
    figures = [[float(figure) for figure in line.split()] for line in done.stdout.splitlines()]
    queried, built, relations, relationships = (median(column) for column in zip(*figures, strict=True))
    print(f"{relations:,.0f} relations, {relationships:,.0f} with relationships")
    print(f"load: queries {queried:.2f} s + build {built:.2f} s = {queried + built:.2f} s (target 3 s)")


def large_server(database: Database) -> Contender:
    server = tailrace(database)
    environment = {**dict(server.environment), "PGRST_DB_SCHEMAS": SCHEMA}
    return replace(server, environment=tuple(environment.items()), key_path=KEY_PATH)


def report_serving(server: Contender, generator: Generator, *, seconds: float, rounds: int) -> None:
    with server.serving() as process:
        print(f"memory after the load: {memory(process.pid, 'VmRSS'):.0f} MiB (target 400)")
        generator.run(by_key(server.key_path), server.port, clients=16, seconds=1)
        quiet: list[Measure] = []
        busy: list[Measure] = []
        for _ in range(rounds):
            quiet.append(generator.run(by_key(server.key_path), server.port, clients=16, seconds=seconds))
            with_reloads = threading.Event()
            reloading = threading.Thread(target=reload_until, args=(with_reloads, process))
            reloading.start()
            busy.append(generator.run(by_key(server.key_path), server.port, clients=16, seconds=seconds))
            with_reloads.set()
            reloading.join()
            time.sleep(EVERY)
        for label, measures in (("without", quiet), ("with", busy)):
            p50, p99 = median(one.p50 for one in measures), median(one.p99 for one in measures)
            print(f"requests {label} reloads: p50 {p50:.2f} ms, p99 {p99:.2f} ms (16 connections; target 20 ms)")
        print(f"memory at most: {memory(process.pid, 'VmHWM'):.0f} MiB (target 400)")


def reload_until(ended: threading.Event, process: subprocess.Popen[bytes]) -> None:
    while not ended.wait(EVERY):
        process.send_signal(signal.SIGUSR1)


def memory(pid: int, kind: str) -> float:
    """Of a process, in MiB; Linux only."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise BenchError(f"no {kind} of process {pid}")
    return int(found[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
