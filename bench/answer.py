"""Single answers, read to the last byte: to compare the peers before they are measured."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass

from bench.faults import BenchError
from bench.work import Work

COMPARED = 5  # requests of each work


@dataclass(frozen=True, slots=True)
class Answer:
    """What must be equal between peers."""

    status: int
    content_type: str
    body: bytes


def ask(port: int, request: bytes, *, timeout: float = 30.0) -> Answer:
    """Send one raw request to a local server.

    Errors: OSError when it cannot be reached or hangs up.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=request.split(b" ", 1)[0].decode())
        try:
            response.begin()
            return Answer(response.status, response.getheader("Content-Type") or "", response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error


def difference(name: str, ours: Answer, other: str, theirs: Answer) -> str | None:
    """The first thing in which two answers differ, as a sentence; None when they are equal."""
    if ours.status != theirs.status:
        return f"{name}: status {ours.status}, but {theirs.status} from {other}"
    if ours.content_type != theirs.content_type:
        return f"{name}: {ours.content_type!r}, but {theirs.content_type!r} from {other}"
    if ours.body != theirs.body:
        at = next(
            (n for n, (a, b) in enumerate(zip(ours.body, theirs.body, strict=False)) if a != b),
            min(len(ours.body), len(theirs.body)),
        )
        excerpts = (repr(body[max(0, at - 20) : at + 40]) for body in (ours.body, theirs.body))
        return f"{name}: bodies differ from byte {at} on: {', but '.join(excerpts)} from {other}"
    return None


def compare(works: tuple[tuple[str, int, Work], ...]) -> None:
    """Ask each (name, port, work) the first few requests; the first server's answers are the measure.

    Errors: BenchError when answers differ or one is not a success.
    """
    name, port, work = works[0]
    for number, request in enumerate(work.requests[:COMPARED]):
        ours = ask(port, request)
        if not 200 <= ours.status < 300:
            raise BenchError(f"{work.name}: {name} answered {ours.status}: {ours.body[:200]!r}")
        for other, other_port, other_work in works[1:]:
            fault = difference(work.name, ours, other, ask(other_port, other_work.requests[number]))
            if fault is not None:
                raise BenchError(fault)
