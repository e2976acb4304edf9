"""PostgREST 16.2's speed as ratios to the yardstick, and what Tailrace is to reach beside it.

Measured once, on two cores that Postgres 15 (fsync off), wrk and the server shared, over a schema of the same shape
and size: db-pool 10, log-level error, prepared statements, TCP. Of the ranges that two rounds gave, the upper end
stands here. The machine is in both halves of a ratio, which is why it travels.
"""

from bench.result import Target

YARDSTICK = "yardstick"
P99_OF_KEY = 8.0
"""Milliseconds; the lower end of 8-18 ms, for a row by key at 16 connections."""


def recorded_ratio(work: str, connections: int) -> float:
    """PostgREST's requests a second over the yardstick's transactions a second; those at 16 where no other is known."""
    match work, connections:
        case "key", 4:
            return 0.226
        case "embed", 4:
            return 0.107
        case "rpc", 4:
            return 0.251
        case "insert", 4:
            return 0.279
        case "key", 64:
            return 0.204
        case "embed", 64:
            return 0.102
        case "rpc", 64:
            return 0.203
        case "insert", 64:
            return 0.185
    return _ratio_at_16(work)


def _ratio_at_16(work: str) -> float:
    match work:
        case "key":
            return 0.21
        case "page":
            return 0.097
        case "filter":
            return 0.065
        case "embed":
            return 0.099
        case "count" | "rpcset":
            return 0.16
        case "rpc":
            return 0.23
        case "jwt":
            return 0.17
        case "root":
            return 0.005
        case "update":
            return 0.18
        case "insert":
            return 0.22
        case "bulk":
            return 0.024
    raise ValueError(work)


def wanted_multiple(work: str, connections: int) -> Target:
    """How many times PostgREST's ratio ours is to be."""
    match work:
        case "root":
            return Target(10)
        case "embed":
            return Target(3)
        case "bulk":
            return Target(1.3)
        case "page" | "filter":
            return Target(1.5)
    return Target(2 if connections <= 4 else 3)
