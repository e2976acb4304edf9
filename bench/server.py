"""Servers under measurement: started, waited for, stopped."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from bench.answer import ask
from bench.database import Database
from bench.faults import BenchError
from bench.work import KEY_PATH, SECRET, get

OURS = "Tailrace"
FASTAPI = "FastAPI + asyncpg"
POOL = 10  # connections to Postgres; the same for every server
PATIENCE = 60.0  # seconds until a server must answer


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to measure: how to start it, and the path of its by-key endpoint.

    `settings` become a configuration file, whose path is the command's last argument.
    """

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    environment: tuple[tuple[str, str], ...] = ()
    key_path: str = KEY_PATH


@dataclass(frozen=True, slots=True)
class Server:
    """A contender that runs. `ready_after` is in seconds from its start to its first answer."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    key_path: str
    ready_after: float

    def memory(self, kind: str = "VmRSS") -> float:
        """Resident memory in MiB from /proc: VmRSS for now, VmHWM for the most since `forget_peak`."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                return int(line.split()[1]) / 1024
        raise BenchError(f"The kernel tells no {kind} of {self.name}.")

    def forget_peak(self) -> None:
        """Let VmHWM begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def tailrace(database: Database, **settings: str) -> Contender:
    """The engine of this checkout, started by the `postgrest` script beside the running Python."""
    return postgrest(OURS, str(Path(sys.executable).parent / "postgrest"), database, **settings)


def postgrest(name: str, executable: str, database: Database, **settings: str) -> Contender:
    """An executable that takes PostgREST's configuration file; underscores in names of settings stand for dashes."""
    base = {
        "db-uri": database.gate_dsn,
        "db-schemas": "public",
        "db-anon-role": "bench_anon",
        "db-config": "false",
        "db-pool": str(POOL),
        "jwt-secret": SECRET,
        "log-level": "error",
        "server-host": "127.0.0.1",
        "openapi-server-proxy-uri": "http://bench.example",
    }
    given = {key.replace("_", "-"): value for key, value in settings.items()}
    return Contender(name, (executable,), MappingProxyType({**base, **given}))


def fastapi(database: Database) -> Contender:
    """FastAPI + asyncpg under uvicorn (httptools, uvloop), one worker.

    Errors: BenchError when they are not installed.
    """
    for module in ("fastapi", "asyncpg", "uvicorn", "httptools", "uvloop"):
        if importlib.util.find_spec(module) is None:
            raise BenchError(f"FastAPI's row is left out: {module} is not installed (./dev setup does it).")
    command = (sys.executable, "-m", "uvicorn", "bench.fastapi_peer:app", "--app-dir", str(Path(__file__).parents[1]))
    options = ("--http", "httptools", "--loop", "uvloop", "--no-access-log", "--log-level", "warning")
    environment = (("BENCH_DSN", _as_url(database.gate_dsn)),)
    return Contender(FASTAPI, (*command, *options), environment=environment, key_path="/orchards/{id}")


@contextmanager
def serving(*contenders: Contender) -> Iterator[tuple[Server, ...]]:
    """Run servers side by side until the block ends."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(running(contender)) for contender in contenders)


@contextmanager
def running(contender: Contender, probe: bytes | None = None) -> Iterator[Server]:
    """Run one server; it is there once `probe`, else a row by key, is answered by 200.

    Errors: BenchError with the tail of its log when that does not happen.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-server-") as folder:
        log = Path(folder) / "server.log"
        command = _command(contender, port, Path(folder) / "server.conf")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PGRST_")}
        started = time.perf_counter()
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command,
                    env={**inherited, **dict(contender.environment)},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
        except OSError as error:
            raise BenchError(f"{contender.name} could not be started: {error}") from error
        try:
            request = probe or get(contender.key_path.format(id=1), "Connection: close")
            _wait(contender, process, port=port, request=request, log=log)
            yield Server(contender.name, port, process, contender.key_path, time.perf_counter() - started)
        finally:
            _stop(process)


def _command(contender: Contender, port: int, file: Path) -> tuple[str, ...]:
    if not contender.settings:
        return (*contender.command, "--host", "127.0.0.1", "--port", str(port))
    settings = {**contender.settings, "server-port": str(port)}
    file.touch(mode=0o600)
    file.write_text("".join(f"{key} = {_written(value)}\n" for key, value in settings.items()))
    return (*contender.command, str(file))


def _written(value: str) -> str:
    if value.isdigit() or value in ("true", "false"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _wait(contender: Contender, process: subprocess.Popen[bytes], *, port: int, request: bytes, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    seen = "no answer"
    while time.monotonic() < until:
        if process.poll() is not None:
            raise BenchError(f"{contender.name} ended with status {process.returncode}: {_tail(log)}")
        try:
            answer = ask(port, request)
        except OSError:
            time.sleep(0.002)
            continue
        if answer.status == 200:
            return
        seen = f"status {answer.status}: {answer.body[:200]!r}"
        time.sleep(0.01)
    raise BenchError(f"{contender.name} was not ready within {PATIENCE:.0f} s ({seen}): {_tail(log)}")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _as_url(dsn: str) -> str:
    """asyncpg reads URLs only."""
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
