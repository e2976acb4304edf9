"""Load on an HTTP server: by wrk where it is installed, else by a small generator of our own.

Both keep every connection busy with one request at a time (a closed loop) and
both take latencies from the moment a request is written to its last byte.
"""

from __future__ import annotations

import multiprocessing
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from database import BenchError
from work import Work


@dataclass(frozen=True, slots=True)
class Measure:
    """What one run showed. Units: requests a second; milliseconds; answers that were not 2xx."""

    per_second: float
    p50: float
    p99: float
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Generator:
    """A load generator: `name` goes into the report; `wrk` is its path, None for our own."""

    name: str
    wrk: str | None

    def run(self, work: Work, port: int, *, clients: int, seconds: float) -> Measure:
        """Keep `clients` connections busy with the requests of `work` for `seconds`.

        Errors: BenchError when the server stops answering.
        """
        if self.wrk is not None:
            return _run_wrk(self.wrk, work, port, clients=clients, seconds=seconds)
        return _run_own(work, port, clients=clients, seconds=seconds)


def find_generator(*, own: bool = False) -> Generator:
    """Choose wrk when it is on PATH (it costs less CPU and so disturbs less), else our own."""
    wrk = None if own else shutil.which("wrk")
    return Generator("wrk", wrk) if wrk else Generator("the bench's own generator (Python, raw sockets)", None)


# ---------------------------------------------------------------- wrk


def _run_wrk(wrk: str, work: Work, port: int, *, clients: int, seconds: float) -> Measure:
    with tempfile.NamedTemporaryFile("wb", suffix=".lua") as script:
        script.write(b"local sent = {\n" + b",\n".join(_lua_string(raw) for raw in work.requests) + b"}\n")
        script.write(b"local i = 0\nfunction request() i = i % #sent + 1; return sent[i] end\n")
        script.flush()
        url = f"http://127.0.0.1:{port}"
        command = [wrk, "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--latency", "-s", script.name, url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if done.returncode != 0 or rate is None:
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()[:300]}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    return Measure(
        per_second=float(rate[1]),
        p50=_wrk_milliseconds(done.stdout, "50%"),
        p99=_wrk_milliseconds(done.stdout, "99%"),
        refused=int(refused[1]) if refused else 0,
    )


def _lua_string(raw: bytes) -> bytes:
    plain = bytes(range(32, 127)).replace(b'"', b"").replace(b"\\", b"")
    return b'"' + b"".join(bytes([byte]) if byte in plain else b"\\%03d" % byte for byte in raw) + b'"'


def _wrk_milliseconds(output: str, percentile: str) -> float:
    found = re.search(rf"^\s+{percentile}\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
    if found is None:
        return float("nan")
    match found[2]:
        case "us":
            return float(found[1]) / 1000
        case "ms":
            return float(found[1])
        case "s":
            return float(found[1]) * 1000
        case _:
            return float(found[1]) * 60_000


# ---------------------------------------------------------------- our own


@dataclass(slots=True)
class _Client:
    """One connection and the answer it waits for."""

    socket: socket.socket
    turn: int
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, requests: tuple[bytes, ...]) -> None:
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(requests[self.turn % len(requests)])
        self.turn += 1


def _run_own(work: Work, port: int, *, clients: int, seconds: float) -> Measure:
    processes = min(clients, max(1, (multiprocessing.cpu_count() or 2) // 2))
    context = multiprocessing.get_context("spawn")
    shares = [clients // processes + (1 if i < clients % processes else 0) for i in range(processes)]
    workers = []
    for number, share in enumerate(shares):
        ours, theirs = context.Pipe(duplex=False)
        job = (work.requests, port, share, seconds, number * 7919, theirs)
        worker = context.Process(target=_work_in_process, args=job, daemon=True)
        worker.start()
        theirs.close()
        workers.append((worker, ours))
    latencies: list[float] = []
    refused, elapsed = 0, 0.0
    for worker, pipe in workers:
        try:
            part, bad, took = pipe.recv()
        except EOFError:
            raise BenchError(f"the server on port {port} stopped answering") from None
        latencies += part
        refused, elapsed = refused + bad, max(elapsed, took)
        worker.join()
    latencies.sort()
    return Measure(len(latencies) / elapsed, percentile(latencies, 50), percentile(latencies, 99), refused)


def percentile(ordered: list[float], percent: float) -> float:
    """The nearest-rank percentile of ordered seconds, in milliseconds; NaN when there is nothing to rank."""
    if not ordered:
        return float("nan")
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1] * 1000


def _work_in_process(
    requests: tuple[bytes, ...], port: int, clients: int, seconds: float, start: int, pipe: Connection
) -> None:
    chooser = selectors.DefaultSelector()
    for number in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(connection, selectors.EVENT_READ, _Client(connection, turn=start + number * 31))
    latencies: list[float] = []
    refused = 0
    began = time.perf_counter()
    until = began + seconds
    for key in list(chooser.get_map().values()):
        key.data.send(requests)
    now = began
    while now < until:
        for key, _ in chooser.select(timeout=0.2):
            client: _Client = key.data
            chunk = client.socket.recv(1 << 18)
            if not chunk:
                raise ConnectionError("the server closed a connection")
            client.received += chunk
            now = time.perf_counter()
            if _is_whole(client.received):
                latencies.append(now - client.sent_at)
                refused += client.received[9:10] != b"2"
                client.send(requests)
        now = time.perf_counter()
    pipe.send((latencies, refused, now - began))


def _is_whole(received: bytearray) -> bool:
    """Tell whether an HTTP/1.1 answer to GET, POST or PATCH has arrived to its last byte."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[:end]).lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        line_end = head.find(b"\r\n", at + 2)
        length = int(head[at + 17 : line_end if line_end > 0 else len(head)])
        return len(received) >= end + 4 + length
    if b"\r\ntransfer-encoding: chunked" in head:
        return received.endswith(b"0\r\n\r\n")
    return True
