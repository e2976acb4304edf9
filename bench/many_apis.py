"""A thousand Data APIs in one process: are fifty of them together as fast as one, and what does an idle one cost?

    .venv/bin/python -m bench.many_apis [--seconds N] [--apis N] [--active N]

Starts its own Postgres with 20 databases, each with a schema for every API that it has. The same load goes to one
API and to the active ones in turn; while it goes to one, the others sleep, so that this one has its whole pool.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import http.client
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import uvloop

from bench.faults import BenchError
from tailrace.cluster import ClusterError, ClusterSpec, RunningCluster, start
from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.server.sockets import Address, listen
from tailrace.gateway import ApiSpec, Gateway, GatewayOptions, Route, open_server

DATABASES = 20
ROWS = 1000
CLIENTS = 64
CONNECTIONS = 160  # to Postgres, of all APIs together
PARALLEL_WAKES = 4
TARGET_RATIO = 0.8
TARGET_IDLE_KIB = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyApis:
    """Requests a second, medians over the rounds, and KiB of resident memory for each API."""

    apis: int
    active: int
    one: float
    many: float
    ratio: float
    """Of the rounds' own ratios the median."""
    ratios: tuple[float, ...]
    registered_kib: float
    """Of an API that was never asked."""
    rested_kib: float
    """Of an API that was asked once and has given up connections and schema cache."""
    loaded_kib: float
    """Of an API that is awake and was under load."""
    refused: int
    """Answers that were not 2xx."""

    @property
    def is_met(self) -> bool:
        """Whether both targets are met and no request failed."""
        return self.ratio >= TARGET_RATIO and self.rested_kib < TARGET_IDLE_KIB and not self.refused


def measure(seconds: float = 2.0, *, rounds: int = 3, apis: int = 1000, active: int = 50) -> ManyApis:
    """`seconds` is the length of one measure of requests, of which there are two a round.

    Errors: BenchError when wrk is missing, Postgres does not start or the server ends.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchError("wrk was not found")
    with shops(apis) as dsns, gateway_process(dsns, apis) as server:
        empty = server.ask("memory", 0)
        server.ask("register", apis)
        registered = server.ask("memory", 0)
        server.ask("wake", apis)
        server.ask("forget", apis)
        rested = server.ask("memory", 0)
        loads = (wake_and_load(server, wrk, seconds, count) for _ in range(rounds) for count in (1, active))
        figures = tuple(loads)
        loaded = server.ask("memory", 0)
    ones, manys = figures[::2], figures[1::2]
    ratios = tuple(many[0] / one[0] for one, many in zip(ones, manys, strict=True))
    return ManyApis(
        apis=apis,
        active=active,
        one=median(one[0] for one in ones),
        many=median(many[0] for many in manys),
        ratio=median(ratios),
        ratios=ratios,
        registered_kib=(registered - empty) / apis,
        rested_kib=(rested - empty) / apis,
        loaded_kib=(loaded - rested) / active,
        refused=sum(figure[1] for figure in figures),
    )


# Postgres --------------------------------------------------------------------------------------


@contextmanager
def shops(apis: int) -> Iterator[tuple[str, ...]]:
    """A server's databases by the DSN of the role that serves, with schemas `s0`, `s1`, … of one table each."""
    home = Path(tempfile.mkdtemp(prefix="tailrace-many-"))
    home.chmod(0o755)  # root's server runs as another user, who must get in
    settings = {"max_connections": "300", "shared_buffers": "128MB"}
    try:
        with start(
            ClusterSpec(data_dir=home / "postgres", password=secrets.token_hex(8), durable=False, settings=settings)
        ) as cluster:
            yield fill(cluster, apis)
    except ClusterError as error:
        raise BenchError(f"The embedded Postgres did not start: {error}") from error
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fill(cluster: RunningCluster, apis: int) -> tuple[str, ...]:
    password = secrets.token_hex(8)
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("create role visitor nologin")
        connection.execute(f"create role gate login noinherit in role visitor password '{password}'".encode())
        connection.execute("create database shop_0")
        with psycopg.connect(cluster.dsn("shop_0"), autocommit=True) as first:
            for number in range(-(-apis // DATABASES)):
                first.execute(schema_sql(number).encode())
            first.execute("vacuum analyze")
        for number in range(1, DATABASES):
            connection.execute(f"create database shop_{number} template shop_0".encode())
    return tuple(cluster.dsn(f"shop_{number}", user="gate", password=password) for number in range(DATABASES))


def schema_sql(number: int) -> str:
    name = f"s{number}"
    return f"""
        create schema {name};
        create table {name}.goods (id int primary key, title text not null, price int);
        create table {name}.orders (id int primary key, goods_id int references {name}.goods, amount int);
        insert into {name}.goods select i, 'Goods ' || i, i % 100 from generate_series(1, {ROWS}) i;
        grant usage on schema {name} to visitor;
        grant select on all tables in schema {name} to visitor
    """


# Load ------------------------------------------------------------------------------------------


def wake_and_load(server: GatewayProcess, wrk: str, seconds: float, count: int) -> tuple[float, int]:
    """Requests a second over the first `count` APIs, and how many answers were not 2xx."""
    server.ask("rest", 0)
    run_wrk(wrk, server.port, count, 1.0)
    return run_wrk(wrk, server.port, count, seconds)


def run_wrk(wrk: str, port: int, count: int, seconds: float) -> tuple[float, int]:
    script = f"""
        local i = 0
        function request()
          i = i + 1
          local path = "/ep-" .. (i * 7 % {count}) .. "/shop/rest/v1/goods?id=eq." .. (i * 31 % {ROWS} + 1)
          return wrk.format("GET", path)
        end
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        options = ("-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", "-s", file.name)
        done = subprocess.run((wrk, *options, f"http://127.0.0.1:{port}"), capture_output=True, text=True, check=False)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None:
        raise BenchError(f"wrk failed: {done.stderr.strip()[:300]}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    return float(rate[1]), int(refused[1]) if refused else 0


# The server ------------------------------------------------------------------------------------


class GatewayProcess:
    """The process under measurement, told by lines what to do; each answer is one number."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def ask(self, what: str, number: int) -> float:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{what} {number}\n".encode())
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise BenchError("the server ended")
        return float(line)


@contextmanager
def gateway_process(dsns: tuple[str, ...], apis: int) -> Iterator[GatewayProcess]:
    command = (sys.executable, "-m", "bench.many_apis", "--serve")
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"dsns": dsns, "apis": apis}).encode() + b"\n")
        process.stdin.flush()
        try:
            yield GatewayProcess(process, int(process.stdout.readline()))
        finally:
            process.terminate()


async def serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    dsns = json.loads(await reader.readline())["dsns"]
    options = GatewayOptions(connections=CONNECTIONS, idle_timeout=3600, cache_timeout=7200)
    gateway = Gateway(options)
    listening = listen(Address("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = await open_server(gateway, listening)
    print(port, flush=True)
    while line := (await reader.readline()).split():
        what, number = line[0].decode(), int(line[1])
        match what:
            case "register":
                for index in range(number):
                    gateway.add(api(index, dsns))
            case "wake":
                await wake_all(port, number)
            case "rest" | "forget":
                await put_to_sleep(gateway, forget=what == "forget")
        print(resident_kib() if what == "memory" else 0, flush=True)
    await server.close()


def api(number: int, dsns: tuple[str, ...]) -> ApiSpec:
    config = Config(
        db_uri=dsns[number % len(dsns)],
        db_schemas=(f"s{number // len(dsns)}",),
        db_anon_role="visitor",
        db_config=False,
        jwt_secret=secrets.token_bytes(32),
        log_level=LogLevel.CRIT,
    )
    routes = (
        Route(path="/shop/rest/v1", host=f"ep-{number}.apirest"),
        Route(path=f"/ep-{number}/shop/rest/v1"),
    )
    return ApiSpec(name=f"ep-{number}/shop", routes=routes, config=config)


async def wake_all(port: int, count: int) -> None:
    """Ask each API once; clients' waiting is no part of any figure."""
    turns = iter(range(count))

    def ask() -> None:
        for number in turns:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", f"/ep-{number}/shop/rest/v1/goods?id=eq.1")
            answer = connection.getresponse()
            if answer.status != 200:
                raise BenchError(f"an API answered {answer.status}: {answer.read()[:200]!r}")
            connection.close()

    await asyncio.gather(*(asyncio.to_thread(ask) for _ in range(PARALLEL_WAKES)))


async def put_to_sleep(gateway: Gateway, *, forget: bool) -> None:
    """Once what is under way has ended."""
    while gateway.open_connections:
        for hosted in gateway.hosted():
            hosted.rest()
        await asyncio.sleep(0.01)
    for hosted in gateway.hosted():
        if forget:
            hosted.forget()


def resident_kib() -> int:
    """After whatever is garbage has been given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise BenchError("the kernel tells no VmRSS")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, metavar="N", help="length of one measure (2)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="medians are of so many rounds (3)")
    parser.add_argument("--apis", type=int, default=1000, metavar="N", help="APIs that are served (1000)")
    parser.add_argument("--active", type=int, default=50, metavar="N", help="APIs that are asked at a time (50)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options: Any = parser.parse_args(arguments)
    if options.serve:
        uvloop.run(serve())
        return 0
    try:
        found = measure(options.seconds, rounds=options.rounds, apis=options.apis, active=options.active)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    print(json.dumps(asdict(found), indent=2))
    return 0 if found.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
