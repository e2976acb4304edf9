"""Requests none of which is like another: what a server remembers of them must be bounded."""

import http.client
import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from tests.support.serve import HOST
from tests.support.tokens import bearer

CONNECTIONS = 4
AT_ONCE = 25
"""Requests that are sent before their answers are read."""


def resident_kib(pid: int) -> int:
    """Resident memory of a process."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(said)


def mixed_request(number: int) -> bytes:
    """Reads, writes that fail, calls and mistakes in turn; token, values, and mostly the shape are new each time."""
    target, body = f"/fruit?id=eq.{number}&select=id,name", b""
    match number % 8:
        case 1:
            target = f"/fruit?name=eq.{number}&order=id&limit={number % 50 + 1}"
        case 2:
            target = f"/fruit?select=x{number}:name&id=eq.1"
        case 3:
            target = f"/nowhere{number}"
        case 4:
            target = f"/fruit?column{number}=eq.1"
        case 5:
            target, body = "/fruit", json.dumps({"id": 1, "name": f"n{number}"}).encode()
        case 6:
            target, body = "/rpc/seen", b"{}"
    token = bearer("authenticated", sub=str(number))["Authorization"]
    head = (
        f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nX-Number: {number}\r\n"
    )
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def send_mixed(port: int, numbers: range) -> Counter[int]:
    """Send these over a few keep-alive connections; how many answers had which status."""
    share = -(-len(numbers) // CONNECTIONS)
    parts = [numbers[start : start + share] for start in range(0, len(numbers), share)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(lambda part: _send(port, part), parts), Counter())


def _send(port: int, numbers: range) -> Counter[int]:
    statuses: Counter[int] = Counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.connect()
    with connection.sock.makefile("rb") as answers:
        for start in range(0, len(numbers), AT_ONCE):
            batch = numbers[start : start + AT_ONCE]
            connection.sock.sendall(b"".join(map(mixed_request, batch)))
            statuses.update(_read_status(answers) for _ in batch)
    connection.close()
    return statuses


def _read_status(answers: BinaryIO) -> int:
    """Read one answer, whose length is in its head."""
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    answers.read(length)
    return status
