"""A schema of 60,000 relations: how long it loads, what memory it takes, how requests fare during reloads."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg

from bench.context import Context, Section
from bench.database import Database
from bench.faults import BenchError
from bench.result import Found, Row, Target, plain
from bench.server import OURS, Contender, Server, serving
from bench.statistics import median
from bench.work import by_key

SCHEMA = "large"
AT_A_TIME = 500  # tables in a transaction: each holds locks
KEY_PATH = "/t_1?id=eq.{id}"
EVERY = 3.0  # seconds between two reloads
SECONDS = 7  # of each measure of requests
CONNECTIONS = 16
LOAD = Target(3, at_least=False)  # seconds
P99 = Target(20, at_least=False)  # milliseconds
MEMORY = Target(400, at_least=False)  # MiB
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
        build_schema_cache(results[1:], config)
        print(queried - start, time.perf_counter() - queried)

asyncio.run(with_pool(Config(db_uri=sys.argv[1], db_schemas=(sys.argv[2],)), load))
"""


def run(context: Context) -> Found:
    context.say(f"large schema: creating {context.effort.relations:,} relations")
    create_relations(context.database, context.effort.relations // 2)
    try:
        context.say("large schema: loading")
        rows = [*_loading(context)]
        contenders = tuple(replace(one, key_path=KEY_PATH) for one in context.postgrests(db_schemas=SCHEMA))
        for contender in contenders:
            rows += _serving(context, contender)
    finally:
        drop_relations(context.database, context.effort.relations // 2)
    if not context.effort.whole:
        rows = [replace(row, target=None) for row in rows]
    remark = (
        f"{context.effort.relations:,} relations, each table with a foreign key and a view. "
        "PostgREST 16.2 took 11.7 s and 640 MB for 60,000, and 1 GB after a reload."
    )
    return Found(tuple(rows), (), (remark,))


def create_relations(database: Database, tables: int) -> None:
    """Each table refers to the one before it, and has a view."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        connection.execute(f"create schema {SCHEMA}; grant usage on schema {SCHEMA} to public".encode())
        for start in range(1, tables + 1, AT_A_TIME):
            numbers = range(start, min(start + AT_A_TIME, tables + 1))
            connection.execute("; ".join(_definitions(number) for number in numbers).encode())
        connection.execute(f"grant select on {SCHEMA}.t_1 to public".encode())
        connection.execute("analyze pg_class, pg_attribute, pg_constraint, pg_depend, pg_rewrite")


def drop_relations(database: Database, tables: int) -> None:
    """Take them away again, a few at a time: each holds a lock."""
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        for start in range(tables, 0, -AT_A_TIME):
            names = ", ".join(f"{SCHEMA}.t_{number}" for number in range(max(1, start - AT_A_TIME + 1), start + 1))
            connection.execute(f"drop table if exists {names} cascade".encode())
        connection.execute(f"drop schema {SCHEMA} cascade".encode())


def _definitions(number: int) -> str:
    before = f"references {SCHEMA}.t_{number - 1}" if number > 1 else ""
    table = f"create table {SCHEMA}.t_{number} (id int primary key, name text, ref int {before})"
    return f"{table}; create view {SCHEMA}.v_{number} as select id as vid, name, ref from {SCHEMA}.t_{number}"


def _loading(context: Context) -> Iterator[Row]:
    command = (sys.executable, "-c", PROBE, context.database.gate_dsn, SCHEMA, str(context.effort.rounds))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"The large schema could not be loaded: {done.stderr.strip().splitlines()[-1]}")
    figures = [[float(figure) for figure in line.split()] for line in done.stdout.splitlines()]
    queried, built = (median([line[column] for line in figures]) for column in (0, 1))
    row = plain("large schema: load", OURS, [sum(line) for line in figures], "s")
    yield replace(row, target=LOAD, remark=f"queries {queried:.2f} s, building {built:.2f} s")


def _serving(context: Context, contender: Contender) -> list[Row]:
    work = by_key(KEY_PATH)
    with serving(contender) as (server,):
        loaded = server.memory()
        context.wrk.run(work, server.port, connections=CONNECTIONS, seconds=1)
        quiet: list[float] = []
        busy: list[float] = []
        seconds = SECONDS if context.effort.whole else 4
        for _ in range(context.effort.rounds):
            quiet.append(context.load(server, work, CONNECTIONS).p99)
            with reloads(server):
                busy.append(context.load(server, work, CONNECTIONS, seconds=seconds).p99)
            time.sleep(EVERY)
        most = server.memory("VmHWM")
    return [
        replace(plain("large schema: memory after the load", server.name, [loaded], "MiB"), target=MEMORY),
        plain("large schema: p99 without reloads", server.name, quiet, "ms", connections=CONNECTIONS),
        replace(
            plain("large schema: p99 during reloads", server.name, busy, "ms", connections=CONNECTIONS), target=P99
        ),
        replace(plain("large schema: most memory, with reloads", server.name, [most], "MiB"), target=MEMORY),
    ]


@contextmanager
def reloads(server: Server) -> Iterator[None]:
    """Ask for a reload of the schema now and every few seconds until the block ends."""
    ended = threading.Event()

    def again_and_again() -> None:
        while True:
            server.process.send_signal(signal.SIGUSR1)
            if ended.wait(EVERY):
                return

    thread = threading.Thread(target=again_and_again)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


SECTION = Section("large-schema", "A schema of 60,000 relations", run)
