"""pgbench: the same statements without any HTTP server, and the yardstick of all ratios."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from database import BenchError, Database, pgbench_environment
from load import Measure, percentile

SETTINGS = (
    "select set_config('role','bench_anon',true),set_config('request.jwt.claims','{\"role\":\"bench_anon\"}',true),"
    "set_config('request.method','GET',true),set_config('request.path','/orchards',true),"
    "set_config('request.headers','{}',true),set_config('search_path','public',true),"
    "set_config('transaction_read_only','on',true);"
)
SHORT_SETTINGS = (
    "select set_config('role','bench_anon',true),set_config('request.jwt.claims','{\"role\":\"bench_anon\"}',true),"
    "set_config('transaction_read_only','on',true);"
)
BY_KEY = "select coalesce(json_agg(r),'[]')::text from (select * from orchards where id=:id) r;"
CHOICE = "\\set id random(1,10000)"

UNPIPELINED = "\n".join((CHOICE, "begin;", SETTINGS, BY_KEY, "commit;", ""))
PIPELINED = "\n".join((CHOICE, "\\startpipeline", "begin;", SETTINGS, BY_KEY, "commit;", "\\endpipeline", ""))
# Fewer settings, no pipeline, 8 clients: the unit in which works are given, the same as in earlier tables.
YARDSTICK = "\n".join((CHOICE, "begin;", SHORT_SETTINGS, BY_KEY, "commit;", ""))


def run_pgbench(database: Database, script: str, *, clients: int, seconds: float) -> Measure:
    """Run a pgbench script with prepared statements and read its rate and latencies.

    Units: transactions a second and milliseconds a transaction.
    Errors: BenchError with pgbench's own words.
    """
    with tempfile.TemporaryDirectory(prefix="tailrace-pgbench-") as folder:
        path = Path(folder) / "script.sql"
        path.write_text(script)
        command = [
            database.pgbench,
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-T",
            str(max(1, round(seconds))),
            "-f",
            str(path),
            "-l",
            "--log-prefix",
            str(Path(folder) / "log"),
        ]
        environment = {**os.environ, **dict(pgbench_environment(database.gate_dsn))}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if done.returncode != 0 or rate is None:
            raise BenchError(f"pgbench failed: {(done.stderr or done.stdout).strip()[:400]}")
        latencies = sorted(
            int(line.split()[2]) / 1e6 for log in Path(folder).glob("log*") for line in log.read_text().splitlines()
        )
    return Measure(float(rate[1]), percentile(latencies, 50), percentile(latencies, 99))


def yardstick(database: Database, *, seconds: float) -> float:
    """Transactions a second of the yardstick: 8 clients, prepared, not pipelined."""
    return run_pgbench(database, YARDSTICK, clients=8, seconds=seconds).per_second
