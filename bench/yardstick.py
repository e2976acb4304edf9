"""pgbench: statements without any HTTP server, as the yardstick of all ratios."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.database import Database, environment_for, program
from bench.faults import BenchError
from bench.load import Measure
from bench.statistics import percentile

# The unit of the recorded ratios, so that it may never change: 8 clients, prepared, not pipelined.
YARDSTICK = """\\set id random(1,10000)
begin;
select set_config('role','bench_anon',true),set_config('request.jwt.claims','{"role":"bench_anon"}',true),\
set_config('transaction_read_only','on',true);
select coalesce(json_agg(r),'[]')::text from (select * from orchards where id=:id) r;
commit;
"""
YARDSTICK_CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Script:
    """A transaction for pgbench; `variables` are constants that the text names."""

    text: str
    variables: tuple[tuple[str, str], ...] = ()


def yardstick(database: Database, *, seconds: int) -> float:
    """Transactions a second of the yardstick."""
    return run_pgbench(database, Script(YARDSTICK), clients=YARDSTICK_CLIENTS, seconds=seconds).per_second


def run_pgbench(database: Database, script: Script, *, clients: int, seconds: int, latencies: bool = False) -> Measure:
    """Run a script with prepared statements. Latencies cost a log line a transaction and are NaN unless asked for.

    Errors: BenchError with pgbench's own words.
    """
    with tempfile.TemporaryDirectory(prefix="tailrace-pgbench-") as folder:
        path = Path(folder) / "script.sql"
        path.write_text(script.text)
        command = [program("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-T", str(seconds), "-f", str(path)]
        command += [part for name, value in script.variables for part in ("-D", f"{name}={value}")]
        command += ["-l", "--log-prefix", str(Path(folder) / "log")] if latencies else []
        environment = {**os.environ, **dict(environment_for(database.gate_dsn))}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if done.returncode != 0 or rate is None:
            raise BenchError(f"pgbench failed: {(done.stderr or done.stdout).strip()[:400]}")
        lines = [line for log in Path(folder).glob("log*") for line in log.read_text().splitlines()]
    ordered = sorted(int(line.split()[2]) / 1000 for line in lines)
    return Measure(float(rate[1]), percentile(ordered, 50), percentile(ordered, 99))
