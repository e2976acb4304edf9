"""The works that are measured: each is a list of ready HTTP requests over the bench schema."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

import jwt

SECRET = "a bench secret that protects nothing, 32+ bytes"
VARIETY = 1000  # requests with differing values, so that no answer can be remembered
KEY_PATH = "/orchards?id=eq.{id}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a work with a value that is found again in its SQL, and pgbench's expression in its place."""

    request: bytes
    value: str
    expression: str


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request: `name` for the tables, `requests` as raw bytes that are sent in turn."""

    name: str
    meaning: str
    requests: tuple[bytes, ...]
    sample: Sample | None = None


def token() -> str:
    """A JWT for the anonymous role and the owner `user7`, signed with the bench's secret."""
    return jwt.encode({"role": "bench_anon", "sub": "user7"}, SECRET, algorithm="HS256")


def by_key(path: str = KEY_PATH) -> Work:
    """One row by primary key; `path` has a place for the key."""
    numbers = random.Random(1)
    sent = tuple(get(path.format(id=numbers.randint(1, 10000))) for _ in range(VARIETY))
    return Work("key", "one row by primary key", sent, Sample(get(path.format(id=4321)), "4321", "random(1, 10000)"))


def all_works() -> tuple[Work, ...]:
    """The twelve works whose ratios are recorded for PostgREST."""
    return (by_key(), *_reads(random.Random(2).randint), *_calls(random.Random(3).randint), *_writes(random.Random(4)))


def _reads(pick: Callable[[int, int], int]) -> tuple[Work, ...]:
    bearer = f"Authorization: Bearer {token()}"
    return (
        _made(
            "page",
            "100 rows of 3 columns at an offset",
            lambda: _page(pick(0, 90) * 100),
            sample=Sample(_page(4300), "4300", "random(0, 90) * 100"),
        ),
        _made(
            "filter",
            "or(and(..),..), like, order, 20 rows",
            lambda: _filter(pick(1960, 2000)),
            sample=Sample(_filter(1977), "1977", "random(1960, 2000)"),
        ),
        _made(
            "embed",
            "orchard, grower, shifts with pickers",
            lambda: get(
                f"/orchards?id=eq.{pick(1, 10000)}&select=id,title,growers(id,name),shifts(task,pickers(id,name))"
            ),
        ),
        _made(
            "count",
            "exact count of 100 rows, 5 shown",
            lambda: get(f"/orchards?grower_id=eq.{pick(1, 100)}&select=id&limit=5", "Prefer: count=exact"),
        ),
        Work("jwt", "HS256 token, policy on its sub, 5 rows", (get("/harvests?select=id,body&limit=5", bearer),)),
        Work("root", "OpenAPI document", (get("/"),)),
    )


def _page(offset: int) -> bytes:
    return get(f"/orchards?select=id,title,year&order=id&limit=100&offset={offset}")


def _filter(year: int) -> bytes:
    return get(
        f"/orchards?or=(and(year.gte.{year},year.lt.2005),rating.gt.9.8)&title=like.*1*&order=year.desc,id&limit=20"
    )


def _calls(pick: Callable[[int, int], int]) -> tuple[Work, ...]:
    return (
        _made("rpc", "add(a,b) by GET", lambda: get(f"/rpc/add?a={pick(1, 1000)}&b=2")),
        _made(
            "rpcset",
            "set-returning function by POST, 10 rows",
            lambda: send("POST", "/rpc/orchards_of?select=id,title&limit=10", json.dumps({"grower": pick(1, 100)})),
        ),
    )


def _writes(numbers: random.Random) -> tuple[Work, ...]:
    pick = numbers.randint
    return (
        _made(
            "update", "one row by key", lambda: send("PATCH", f"/diary?id=eq.{pick(1, 10000)}", '{"body":"changed"}')
        ),
        _made(
            "insert",
            "one row",
            lambda: send("POST", "/diary", json.dumps({"owner": f"user{pick(1, 100)}", "body": "hello"})),
        ),
        Work("bulk", "1,000 rows in one body", (send("POST", "/diary", diary_rows(1000)),)),
    )


def diary_rows(count: int) -> str:
    """A JSON body of so many rows for the diary."""
    rows = [{"owner": f"user{number % 100}", "body": f"row {number}"} for number in range(count)]
    return json.dumps(rows, separators=(",", ":"))


def _made(name: str, meaning: str, make: Callable[[], bytes], *, sample: Sample | None = None) -> Work:
    return Work(name, meaning, tuple(make() for _ in range(VARIETY)), sample)


def get(target: str, *headers: str) -> bytes:
    """A GET request as it goes over the wire."""
    lines = (f"GET {target} HTTP/1.1", "Host: bench", "Accept: */*", *headers, "", "")
    return "\r\n".join(lines).encode()


def send(method: str, target: str, body: str) -> bytes:
    """A request with a JSON body as it goes over the wire."""
    payload = body.encode()
    lines = (
        f"{method} {target} HTTP/1.1",
        "Host: bench",
        "Accept: */*",
        "Content-Type: application/json",
        f"Content-Length: {len(payload)}",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + payload
