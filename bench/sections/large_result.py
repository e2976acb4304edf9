"""A million rows in one answer: throughput, memory, and how others fare meanwhile."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from dataclasses import replace

from bench.context import Context, Section
from bench.database import environment_for, program
from bench.faults import BenchError
from bench.open_load import Pace, run_open
from bench.result import Found, Rival, Row, Target, against, plain
from bench.server import Server, serving
from bench.work import by_key, get

THROUGHPUT = Target(0.8)
GROWTH = Target(32, at_least=False)  # MiB
OTHERS = Target(20, at_least=False)  # milliseconds
OTHERS_PER_SECOND = 500.0
COPY = "copy (select row_to_json(ledger) from growth.ledger) to stdout"
PSQL = "psql, copy of row_to_json"
FILL = """truncate growth.ledger; insert into growth.ledger
select i, 'account ' || i % 1000, date '2020-01-01' + i % 2000, (i % 100000) / 100.0, repeat(md5(i::text), 3)
from generate_series(1, {rows}) i"""
TARGET = get("/ledger", "Accept-Profile: growth")


def run(context: Context) -> Found:
    context.database.execute(FILL.format(rows=context.effort.large_rows), "vacuum analyze growth.ledger")
    rows: list[Row] = []
    rates: dict[str, list[float]] = {PSQL: []}
    with serving(*context.postgrests(db_schemas="public, growth")) as servers:
        context.warm(*servers)
        grown: dict[str, list[float]] = {server.name: [] for server in servers}
        size = 0
        for _ in range(context.effort.rounds):
            context.say("large result: psql")
            rates[PSQL].append(_copy(context))
            for server in servers:
                context.say(f"large result: {server.name}")
                before = server.memory()
                server.forget_peak()
                size, seconds = drain(server.port, TARGET)
                rates.setdefault(server.name, []).append(size / seconds / 1e6)
                grown[server.name].append(server.memory("VmHWM") - before)
        rows.append(plain("large result", PSQL, rates[PSQL], "MB/s"))
        for server in servers:
            row = plain("large result", server.name, rates[server.name], "MB/s")
            rows.append(against(row, Rival(PSQL, tuple(rates[PSQL]), THROUGHPUT)))
            memory = plain("large result: worker grows", server.name, grown[server.name], "MiB")
            rows.append(replace(memory, value=max(grown[server.name]), target=GROWTH, noise=0.0))
            rows.append(_others(context, server))
    remark = f"{context.effort.large_rows:,} rows, {size / 1e6:.0f} MB. PostgREST 16.2 grew from 25 to 400 MB."
    return Found(tuple(rows), (), (remark,))


def _copy(context: Context) -> float:
    """Millions of bytes a second that psql writes."""
    environment = {**os.environ, **dict(environment_for(context.database.owner_dsn))}
    command = [program("psql"), "--no-psqlrc", "--quiet", "--command", COPY]
    started = time.perf_counter()
    size = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(1 << 20):
            size += len(chunk)
    if process.returncode != 0:
        raise BenchError("psql could not copy the ledger")
    return size / (time.perf_counter() - started) / 1e6


def drain(port: int, request: bytes) -> tuple[int, float]:
    """Read an answer as fast as it comes: bytes on the wire and seconds.

    Errors: BenchError when it is no success or ends early.
    """
    space = memoryview(bytearray(1 << 20))
    request = request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        size, end = 0, b""
        while got := connection.recv_into(space):
            if size == 0 and bytes(space[9:12]) not in (b"200", b"206"):
                raise BenchError(f"The large result failed: {bytes(space[:300])!r}")
            size, end = size + got, (end + bytes(space[max(0, got - 8) : got]))[-8:]
    if b"]" not in end:
        raise BenchError(f"The large result ended early, with {end!r}")
    return size, time.perf_counter() - started


def _others(context: Context, server: Server) -> Row:
    """The 99th percentile of short reads while one large result after the other is under way."""
    ended = threading.Event()
    failed: list[str] = []

    def again_and_again() -> None:
        while not ended.is_set():
            try:
                drain(server.port, TARGET)
            except (OSError, BenchError) as error:
                failed.append(str(error))
                return

    found: list[float] = []
    thread = threading.Thread(target=again_and_again)
    thread.start()
    try:
        for _ in range(context.effort.rounds):
            context.say(f"large result: others at {server.name}")
            found.append(run_open(by_key(), server.port, Pace(OTHERS_PER_SECOND, 3.0)).p99)
    finally:
        ended.set()
        thread.join()
    if failed:
        raise BenchError(f"The large result failed at {server.name}: {failed[0]}")
    row = plain("large result: p99 of other reads", server.name, found, "ms")
    return replace(row, target=OTHERS, remark=f"{OTHERS_PER_SECOND:g} reads a second, open loop")


SECTION = Section("large-result", "A million rows in one answer", run)
