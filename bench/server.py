"""Servers under measurement: started, waited for, stopped."""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from database import BenchError, Database
from psycopg.conninfo import conninfo_to_dict
from work import SECRET

POOL = 10  # connections to Postgres; the same for every server
PATIENCE = 20.0  # seconds until a server must answer


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to measure: how to start it on a port and the path of its by-key endpoint."""

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    port: int
    key_path: str = "/orchards?id=eq.{id}"

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server until the block ends.

        Errors: BenchError with the tail of its log when it does not start to answer.
        """
        environment = {**os.environ, **dict(self.environment)}
        with tempfile.TemporaryDirectory(prefix="tailrace-bench-log-") as folder:
            log = Path(folder) / "server.log"
            with log.open("wb") as output:
                try:
                    process = subprocess.Popen(self.command, env=environment, stdout=output, stderr=subprocess.STDOUT)
                except OSError as error:
                    raise BenchError(f"{self.name} could not be started: {error}") from error
            try:
                self._wait(process, log)
                yield process
            finally:
                _stop(process)

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        path = self.key_path.format(id=1)
        until = time.monotonic() + PATIENCE
        seen = "no answer"
        while time.monotonic() < until:
            if process.poll() is not None:
                raise BenchError(f"{self.name} ended with status {process.returncode}: {_tail(log)}")
            try:
                status, body = fetch(self.port, path)
            except OSError:
                time.sleep(0.05)
                continue
            if status == 200:
                return
            seen = f"status {status}: {body[:200]}"
            time.sleep(0.1)
        raise BenchError(f"{self.name} did not serve {path} within {PATIENCE:.0f} s ({seen}): {_tail(log)}")


def tailrace(database: Database) -> Contender:
    """The engine of this checkout, started by the `postgrest` script beside the running Python."""
    return _postgrest_like("Tailrace", str(Path(sys.executable).parent / "postgrest"), database)


def peer(path: str, database: Database) -> Contender:
    """Another executable with PostgREST's configuration."""
    return _postgrest_like("peer " + Path(path).name, path, database)


def fastapi(database: Database) -> Contender:
    """FastAPI + asyncpg under uvicorn (httptools, uvloop), one worker.

    Errors: BenchError when they are not installed.
    """
    for module in ("fastapi", "asyncpg", "uvicorn", "httptools", "uvloop"):
        if importlib.util.find_spec(module) is None:
            raise BenchError(f"FastAPI's row is left out: {module} is not installed (./dev setup does it).")
    port = free_port()
    command = (
        sys.executable,
        "-m",
        "uvicorn",
        "fastapi_peer:app",
        "--app-dir",
        str(Path(__file__).parent),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--http",
        "httptools",
        "--loop",
        "uvloop",
        "--no-access-log",
        "--log-level",
        "warning",
    )
    environment = (("BENCH_DSN", _as_url(database.gate_dsn)),)
    return Contender("FastAPI + asyncpg", command, environment, port, "/orchards/{id}")


def _postgrest_like(name: str, executable: str, database: Database) -> Contender:
    port = free_port()
    environment = (
        ("PGRST_DB_URI", database.gate_dsn),
        ("PGRST_DB_SCHEMAS", "public"),
        ("PGRST_DB_ANON_ROLE", "bench_anon"),
        ("PGRST_JWT_SECRET", SECRET),
        ("PGRST_DB_POOL", str(POOL)),
        ("PGRST_LOG_LEVEL", "error"),
        ("PGRST_DB_CONFIG", "false"),
        ("PGRST_SERVER_HOST", "127.0.0.1"),
        ("PGRST_SERVER_PORT", str(port)),
    )
    return Contender(name, (executable,), environment, port)


def fetch(port: int, path: str) -> tuple[int, str]:
    """GET one page of a local server: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _as_url(dsn: str) -> str:
    """asyncpg reads URLs only; hosts that are folders (Unix sockets) go into the query."""
    parts = conninfo_to_dict(dsn)
    login = f"{quote(str(parts['user']), safe='')}:{quote(str(parts.get('password', '')), safe='')}"
    where = {key: str(parts[key]) for key in ("host", "port") if parts.get(key)}
    return f"postgresql://{login}@/{quote(str(parts['dbname']), safe='')}?{urlencode(where)}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " | ".join(lines[-4:]) or "it wrote nothing"
