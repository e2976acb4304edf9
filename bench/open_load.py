"""Open-loop load: requests leave by a schedule, whether earlier ones were answered or not.

A latency runs from the moment at which the request was due, not from when it left, so that a
server that stalls pays for all who would have come meanwhile (no coordinated omission). The
schedule is random (a Poisson process) with a fixed seed: the same for all peers. wrk
cannot do this, and the tools that can are in no package that their own authors publish.
`own_delay` says how late requests left by the generator's own fault.
"""

from __future__ import annotations

import multiprocessing
import random
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from bench.faults import BenchError
from bench.statistics import percentile
from bench.work import Work

CONNECTIONS = 100
GRACE = 5.0  # seconds for the last answers
STILL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from due to answered. `own_delay` is the 99th percentile of how late requests left."""

    count: int
    p50: float
    p99: float
    own_delay: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests a second on average, and for how many seconds."""

    per_second: float
    seconds: float

    def due(self) -> Iterator[float]:
        """The moments at which requests are due, in seconds from the start."""
        arrivals = random.Random(11)
        moment = arrivals.expovariate(self.per_second)
        while moment < self.seconds:
            yield moment
            moment += arrivals.expovariate(self.per_second)


def run_open(work: Work, port: int, pace: Pace) -> Latencies:
    """Send the requests of `work` in turn at a pace, from a process of its own.

    Errors: BenchError when a request failed or stayed unanswered.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send_all, args=(work.requests, port, pace, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        outcome = ours.recv()
    except EOFError:
        outcome = "the generator ended"
    process.join()
    if isinstance(outcome, str):
        raise BenchError(f"{work.name} at {pace.per_second:g} requests a second: {outcome}")
    latencies, delays = outcome
    return Latencies(
        len(latencies),
        percentile(latencies, 50) * 1000,
        percentile(latencies, 99) * 1000,
        percentile(delays, 99) * 1000,
    )


@contextmanager
def still_server() -> Iterator[int]:
    """A server that answers at once and does nothing else: what the generator itself costs. Gives its port."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer_at_once, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _answer_at_once(pipe: Connection) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    pipe.send(listener.getsockname()[1])
    watched = select.epoll()
    watched.register(listener, select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    while True:
        for number, _ in watched.poll():
            if number == listener.fileno():
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[client.fileno()] = client
                watched.register(client, select.EPOLLIN)
            elif clients[number].recv(65536):
                clients[number].sendall(STILL)
            else:
                watched.unregister(number)
                clients.pop(number).close()


@dataclass(slots=True)
class _Generator:
    """Connections that are free, those that wait for an answer, and what was seen."""

    port: int
    free: deque[socket.socket] = field(default_factory=deque)
    waiting: dict[socket.socket, tuple[float, bytearray]] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def send(self, request: bytes, due: float) -> None:
        connection = self.free.popleft() if self.free else self.connect()
        connection.sendall(request)
        self.waiting[connection] = (due, bytearray())
        self.delays.append(time.perf_counter() - due)

    def receive(self, timeout: float) -> None:
        # select, since it alone among Python's waits to the microsecond
        readable, _, _ = select.select(self.waiting, (), (), max(0.0, timeout))
        for connection in readable:
            due, received = self.waiting[connection]
            chunk = connection.recv(1 << 18)
            if not chunk:
                raise ConnectionError("the server hung up")
            received += chunk
            if is_whole(received):
                self.latencies.append(time.perf_counter() - due)
                if received[9:10] != b"2":
                    raise ConnectionError(f"a request failed: {bytes(received[:200])!r}")
                del self.waiting[connection]
                self.free.append(connection)


def _send_all(requests: tuple[bytes, ...], port: int, pace: Pace, pipe: Connection) -> None:
    try:
        pipe.send(_generate(requests, port, pace))
    except (OSError, ValueError) as error:
        pipe.send(str(error))


def _generate(requests: tuple[bytes, ...], port: int, pace: Pace) -> tuple[list[float], list[float]]:
    generator = _Generator(port)
    generator.free.extend(generator.connect() for _ in range(CONNECTIONS))
    began = time.perf_counter() + 0.05
    for number, moment in enumerate(pace.due()):
        due = began + moment
        while (left := due - time.perf_counter()) > 0:
            generator.receive(left)
        generator.send(requests[number % len(requests)], due)
    until = time.perf_counter() + GRACE
    while generator.waiting:
        if time.perf_counter() > until:
            raise ConnectionError(f"{len(generator.waiting)} requests stayed unanswered")
        generator.receive(0.1)
    return sorted(generator.latencies), sorted(generator.delays)


def is_whole(received: bytearray) -> bool:
    """Tell whether an HTTP/1.1 answer has arrived to its last byte."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[: end + 2]).lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        return len(received) >= end + 4 + int(head[at + 17 : head.find(b"\r\n", at + 2)])
    if b"\r\ntransfer-encoding: chunked" in head:
        return received.endswith(b"0\r\n\r\n")
    return True
