"""What every section is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.database import Database
from bench.load import Measure, Wrk
from bench.result import Found
from bench.server import Contender, Server, postgrest, tailrace
from bench.work import Work, by_key


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how large. `seconds` is the length of one measure; the sizes are those that the targets mean."""

    rounds: int = 3
    seconds: int = 2
    connections: tuple[int, ...] = (1, 4, 16, 64)
    large_rows: int = 1_000_000
    body_rows: int = 100_000
    relations: int = 60_000
    whole: bool = True


QUICK = Effort(
    rounds=2,
    seconds=1,
    connections=(1, 16),
    large_rows=200_000,
    body_rows=20_000,
    relations=3_000,
    whole=False,
)
"""Whether it runs, not how fast it is."""


@dataclass(frozen=True, slots=True)
class Context:
    """A loaded database, the load tool, how much effort to take, and `peer`: a postgrest to measure as well."""

    database: Database
    wrk: Wrk
    effort: Effort
    peer: str | None
    say: Callable[[str], None]

    def postgrests(self, **settings: str) -> tuple[Contender, ...]:
        """Tailrace first, then the peer if one is given, set up alike."""
        ours = tailrace(self.database, **settings)
        if self.peer is None:
            return (ours,)
        return (ours, postgrest("peer", self.peer, self.database, **settings))

    def load(self, server: Server, work: Work, connections: int, *, seconds: int | None = None) -> Measure:
        """One measure of one server, announced."""
        self.say(f"{work.name}: {server.name} at {connections}")
        return self.wrk.run(work, server.port, connections=connections, seconds=seconds or self.effort.seconds)

    def warm(self, *servers: Server) -> None:
        """Fill plans, caches and pools, so that the first measure is like the next."""
        for server in servers:
            self.wrk.run(by_key(server.key_path), server.port, connections=16, seconds=1)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the bench that can be run alone: `run` gives what it found.

    Errors of `run`: BenchError, which becomes a fault of the report.
    """

    name: str
    title: str
    run: Callable[[Context], Found]
