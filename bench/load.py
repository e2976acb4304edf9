"""Closed-loop load by wrk: each connection has one request under way."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from bench.faults import BenchError
from bench.work import Work

PLAIN = bytes(byte for byte in range(32, 127) if byte not in b'"\\')
"""Bytes that stand for themselves in a string of Lua."""
MISSING = (
    "wrk was not found, and all load comes from it. It is in most systems' packages "
    "(apt-get install wrk; brew install wrk; dnf install wrk)."
)


@dataclass(frozen=True, slots=True)
class Measure:
    """What one run showed. Units: requests a second; milliseconds."""

    per_second: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Wrk:
    """The program, found at `path`."""

    path: str

    def version(self) -> str:
        said = subprocess.run([self.path, "-v"], capture_output=True, text=True, check=False).stdout
        return " ".join(said.split()[:2])

    def run(self, work: Work, port: int, *, connections: int, seconds: int) -> Measure:
        """Keep `connections` busy with the requests of `work`, in turn, for `seconds`.

        Errors: BenchError when a request failed.
        """
        with tempfile.NamedTemporaryFile("wb", suffix=".lua") as script:
            script.write(script_for(work.requests))
            script.flush()
            options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", script.name]
            command = [self.path, *options, f"http://127.0.0.1:{port}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()[:300]}")
        return read_wrk(done.stdout, what=f"{work.name} at {connections} connections")


def find_wrk() -> Wrk:
    """Errors: BenchError, with the way to get it, when it is not installed."""
    path = shutil.which("wrk")
    if path is None:
        raise BenchError(MISSING)
    return Wrk(path)


def script_for(requests: tuple[bytes, ...]) -> bytes:
    """wrk's script that sends ready requests in turn."""
    sent = b",\n".join(_lua_string(raw) for raw in requests)
    return (
        b"local sent = {\n" + sent + b"}\nlocal turn = 0\n"
        b"function request() turn = turn % #sent + 1; return sent[turn] end\n"
    )


def _lua_string(raw: bytes) -> bytes:
    return b'"' + b"".join(bytes([byte]) if byte in PLAIN else b"\\%03d" % byte for byte in raw) + b'"'


def read_wrk(output: str, *, what: str) -> Measure:
    """What wrk printed, as figures.

    Errors: BenchError when requests failed: answers that are no successes, or faults of sockets.
    """
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None or float(rate[1]) == 0:
        raise BenchError(f"{what}: wrk counted no answers")
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)|(Socket errors: .*)", output)
    if failed is not None:
        raise BenchError(f"{what}: requests failed ({failed[0]})")
    return Measure(float(rate[1]), _milliseconds(output, "50%"), _milliseconds(output, "99%"))


def _milliseconds(output: str, percentile: str) -> float:
    found = re.search(rf"^\s+{percentile}\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
    if found is None:
        return math.nan
    match found[2]:
        case "us":
            return float(found[1]) / 1000
        case "ms":
            return float(found[1])
        case "s":
            return float(found[1]) * 1000
        case _:
            return float(found[1]) * 60_000
