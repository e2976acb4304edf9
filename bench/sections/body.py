"""A large body to insert, beside the same statement in psql."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from bench.answer import ask
from bench.context import Context, Section
from bench.database import environment_for, program
from bench.faults import BenchError
from bench.result import Found, Rival, Target, against, plain
from bench.server import serving
from bench.work import diary_rows, send

SLOWER = Target(1.3, at_least=False)
PSQL = "psql, json_to_recordset"
INSERT = """\\set body `cat '{file}'`
\\timing on
insert into diary (owner, body)
select owner, body from json_to_recordset(:'body') as given(owner text, body text);
"""


def run(context: Context) -> Found:
    body = diary_rows(context.effort.body_rows)
    request = send("POST", "/diary", body)
    times: dict[str, list[float]] = {PSQL: []}
    with serving(*context.postgrests()) as servers:
        for _ in range(context.effort.rounds + 3):
            context.say("large body: psql")
            times[PSQL].append(_insert_by_psql(context, body))
            context.database.tidy()
            for server in servers:
                context.say(f"large body: {server.name}")
                started = time.perf_counter()
                answer = ask(server.port, request)
                times.setdefault(server.name, []).append((time.perf_counter() - started) * 1000)
                if answer.status != 201:
                    raise BenchError(f"The large body failed at {server.name}: {answer.status} {answer.body[:200]!r}")
                context.database.tidy()
    times = {name: rounds[1:] for name, rounds in times.items()}  # the first was to warm up
    first = plain("large body", PSQL, times[PSQL], "ms")
    rows = (
        against(plain("large body", server.name, times[server.name], "ms"), Rival(PSQL, tuple(times[PSQL]), SLOWER))
        for server in servers
    )
    return Found((first, *rows), (), (f"{context.effort.body_rows:,} rows, {len(body) / 1e6:.1f} MB.",))


def _insert_by_psql(context: Context, body: str) -> float:
    """Milliseconds of the statement alone, as psql says them: without its start and without reading the file."""
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-body-") as folder:
        file = Path(folder) / "body.json"
        file.write_text(body)
        done = subprocess.run(
            [program("psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"],
            input=INSERT.format(file=file),
            env={**os.environ, **dict(environment_for(context.database.owner_dsn))},
            capture_output=True,
            text=True,
            check=False,
        )
    said = re.search(r"Time: ([\d.]+) ms", done.stdout)
    if done.returncode != 0 or said is None:
        raise BenchError(f"psql could not insert the rows: {done.stderr.strip()[:300]}")
    return float(said[1])


SECTION = Section("body", "A large body to insert", run)
