"""From start to ready with a small schema, and memory at rest."""

from __future__ import annotations

import time
from dataclasses import replace

from bench.context import Context, Section
from bench.result import Found, Row, Target, plain
from bench.server import running

READY = Target(0.4, at_least=False)  # seconds
AT_REST = Target(60, at_least=False)  # MiB
STARTS = 5
REST = 0.5  # seconds


def run(context: Context) -> Found:
    contenders = context.postgrests()
    seconds: dict[str, list[float]] = {one.name: [] for one in contenders}
    memory: dict[str, list[float]] = {one.name: [] for one in contenders}
    for _ in range(STARTS):
        for contender in contenders:
            context.say(f"start: {contender.name}")
            with running(contender) as server:
                seconds[contender.name].append(server.ready_after)
                time.sleep(REST)
                memory[contender.name].append(server.memory())
    rows: list[Row] = []
    for contender in contenders:
        rows.append(replace(plain("start to ready", contender.name, seconds[contender.name], "s"), target=READY))
        rows.append(replace(plain("memory at rest", contender.name, memory[contender.name], "MiB"), target=AT_REST))
    return Found(tuple(rows), (), ("Ready means that a row is answered by 200; the program's own start is included.",))


SECTION = Section("start", "Start and rest", run)
