"""The works that are measured: each is a list of ready HTTP requests over the bench schema."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

import jwt

SECRET = "a bench secret that protects nothing, 32+ bytes"
VARIETY = 1000  # requests with differing values, so that no answer can be remembered


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request: `name` for the tables, `requests` as raw bytes that are sent in turn."""

    name: str
    meaning: str
    requests: tuple[bytes, ...]


def token() -> str:
    """A JWT for the anonymous role and the owner `user7`, signed with the bench's secret."""
    return jwt.encode({"role": "bench_anon", "sub": "user7"}, SECRET, algorithm="HS256")


def by_key(path: str = "/orchards?id=eq.{id}") -> Work:
    """One row by primary key; `path` has a place for the key."""
    numbers = random.Random(1)
    sent = tuple(_get(path.format(id=numbers.randint(1, 10000))) for _ in range(VARIETY))
    return Work("key", "one row by primary key", sent)


def all_works() -> tuple[Work, ...]:
    """The twelve works of the comparison table in README.md."""
    numbers = random.Random(2)
    pick = numbers.randint
    bearer = f"Authorization: Bearer {token()}"
    bulk = json.dumps([{"owner": f"user{i % 100}", "body": f"row {i}"} for i in range(1000)])

    def made(name: str, meaning: str, make: Callable[[], bytes], count: int = VARIETY) -> Work:
        return Work(name, meaning, tuple(make() for _ in range(count)))

    return (
        by_key(),
        made(
            "page",
            "100 rows of 3 columns at an offset",
            lambda: _get(f"/orchards?select=id,title,year&order=id&limit=100&offset={pick(0, 90) * 100}"),
        ),
        made(
            "filter",
            "or(and(..),..), like, order, 20 rows",
            lambda: _get(
                f"/orchards?or=(and(year.gte.{pick(1960, 2000)},year.lt.2005),rating.gt.9.8)"
                "&title=like.*1*&order=year.desc,id&limit=20"
            ),
        ),
        made(
            "embed",
            "orchard, grower, shifts with pickers",
            lambda: _get(
                f"/orchards?id=eq.{pick(1, 10000)}&select=id,title,growers(id,name),shifts(task,pickers(id,name))"
            ),
        ),
        made(
            "count",
            "exact count of 100 rows, 5 shown",
            lambda: _get(f"/orchards?grower_id=eq.{pick(1, 100)}&select=id&limit=5", "Prefer: count=exact"),
        ),
        made("rpc", "add(a,b) by GET", lambda: _get(f"/rpc/add?a={pick(1, 1000)}&b=2")),
        made(
            "rpcset",
            "set-returning function by POST, 10 rows",
            lambda: _send("POST", "/rpc/orchards_of?select=id,title&limit=10", json.dumps({"grower": pick(1, 100)})),
        ),
        made(
            "jwt", "HS256 token, policy on its sub, 5 rows", lambda: _get("/harvests?select=id,body&limit=5", bearer), 1
        ),
        made("root", "OpenAPI document", lambda: _get("/"), 1),
        made(
            "update", "one row by key", lambda: _send("PATCH", f"/diary?id=eq.{pick(1, 10000)}", '{"body":"changed"}')
        ),
        made(
            "insert",
            "one row",
            lambda: _send("POST", "/diary", json.dumps({"owner": f"user{pick(1, 100)}", "body": "hello"})),
        ),
        made("bulk", "1,000 rows in one body", lambda: _send("POST", "/diary", bulk), 1),
    )


def _get(target: str, *headers: str) -> bytes:
    lines = (f"GET {target} HTTP/1.1", "Host: bench", "Accept: */*", *headers, "", "")
    return "\r\n".join(lines).encode()


def _send(method: str, target: str, body: str) -> bytes:
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
