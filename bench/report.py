"""What the bench found, as tables for people and JSON for scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from load import Measure


@dataclass(frozen=True, slots=True)
class Row:
    """One measured line: who did what at how many connections."""

    subject: str
    clients: int
    measure: Measure


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One work of one server beside the yardstick measured around it. Units: transactions a second."""

    subject: str
    work: str
    measure: Measure
    yardstick: float

    @property
    def ratio(self) -> float:
        """Requests a second in units of the yardstick."""
        return self.measure.per_second / self.yardstick


def key_table(rows: Sequence[Row]) -> str:
    """One row by primary key: a line for each subject and number of connections."""
    lines = [f"{'one row by primary key':<24} {'clients':>7} {'req/s':>9} {'p50 ms':>8} {'p99 ms':>8}"]
    for row in rows:
        m = row.measure
        lines.append(f"{row.subject:<24} {row.clients:>7} {m.per_second:>9,.0f} {m.p50:>8.2f} {m.p99:>8.2f}{_bad(m)}")
    return "\n".join(lines)


def ratio_lines(rows: Sequence[Row]) -> str:
    """Tailrace's rate in units of each other subject, for every number of connections."""
    ours = {row.clients: row.measure.per_second for row in rows if row.subject == "Tailrace"}
    others = tuple(dict.fromkeys(row.subject for row in rows if row.subject != "Tailrace"))
    lines = []
    for other in others:
        theirs = {row.clients: row.measure.per_second for row in rows if row.subject == other}
        shared = [clients for clients in ours if clients in theirs and theirs[clients] > 0]
        parts = [f"{ours[clients] / theirs[clients]:.2f} at {clients}" for clients in shared]
        if parts:
            lines.append(f"Tailrace / {other}: " + ", ".join(parts))
    return "\n".join(lines)


def work_table(rows: Sequence[WorkRow]) -> str:
    """The works as ratios to the yardstick."""
    lines = [f"{'server':<18} {'work':<8} {'req/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'yardstick':>10} {'ratio':>7}"]
    for row in rows:
        m = row.measure
        lines.append(
            f"{row.subject:<18} {row.work:<8} {m.per_second:>9,.0f} {m.p50:>8.2f} {m.p99:>8.2f} "
            f"{row.yardstick:>10,.0f} {row.ratio:>7.3f}{_bad(m)}"
        )
    return "\n".join(lines)


def as_json(rows: Sequence[Row], works: Sequence[WorkRow], notes: Sequence[str]) -> dict[str, object]:
    """The same figures for a script; values that could not be measured are null."""
    return {
        "key": [{"subject": row.subject, "clients": row.clients, **_figures(row.measure)} for row in rows],
        "works": [
            {
                "subject": row.subject,
                "work": row.work,
                "yardstick": row.yardstick,
                "ratio": row.ratio,
                **_figures(row.measure),
            }
            for row in works
        ],
        "notes": list(notes),
    }


def _figures(measure: Measure) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in asdict(measure).items()}


def _bad(measure: Measure) -> str:
    return f"  ({measure.refused} answers were not 2xx)" if measure.refused else ""
