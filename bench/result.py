"""What a section found: rows with targets, plots, remarks. Plain values, so that a report can be made at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bench.statistics import NOISE_LIMIT, median, noise, pairwise


class Verdict(Enum):
    """How a row stands to its target."""

    MET = "met"
    WITHIN_NOISE = "missed by less than the noise"
    MISSED = "missed"
    NO_TARGET = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a row's judged figure: at least `bound`, or at most."""

    bound: float
    at_least: bool = True

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"

    def verdict(self, figure: float, noise: float) -> Verdict:
        """`noise` is a share of the figure, as measured in the same run."""
        forgiven = min(noise, NOISE_LIMIT)
        if self.at_least:
            met, nearly = figure >= self.bound, figure >= self.bound * (1 - forgiven)
        else:
            met, nearly = figure <= self.bound, figure <= self.bound * (1 + forgiven)
        if met:
            return Verdict.MET
        return Verdict.WITHIN_NOISE if nearly else Verdict.MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table.

    `value` is the median of the `rounds`, in `unit`. `ratio` sets it against what `against`
    names, in the same rounds. `recorded` is PostgREST 16.2's ratio to the same thing, measured
    elsewhere. `noise` belongs to the judged figure and is a share of it.
    """

    work: str
    peer: str
    value: float
    unit: str
    connections: int | None = None
    against: str = ""
    ratio: float | None = None
    noise: float = 0.0
    target: Target | None = None
    recorded: float | None = None
    rounds: tuple[float, ...] = ()
    remark: str = ""

    @property
    def times_recorded(self) -> float | None:
        """Our ratio in units of PostgREST's."""
        return self.ratio / self.recorded if self.ratio is not None and self.recorded else None

    @property
    def judged(self) -> float:
        """What the target bounds: the multiple of PostgREST's ratio, else the ratio, else the value itself."""
        if self.times_recorded is not None:
            return self.times_recorded
        return self.value if self.ratio is None else self.ratio

    @property
    def verdict(self) -> Verdict:
        return Verdict.NO_TARGET if self.target is None else self.target.verdict(self.judged, self.noise)


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: its points in the order of x."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart; both axes are logarithmic when `logarithmic`."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that one section found. `faults` are reasons not to trust it: failed requests, unequal answers."""

    rows: tuple[Row, ...] = ()
    plots: tuple[Plot, ...] = ()
    remarks: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section's findings under its name."""

    name: str
    title: str
    found: Found


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `facts` are the machine's and the programs' names and versions."""

    facts: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter, ...]

    def missed(self) -> tuple[str, ...]:
        """Rows under their target by more than the noise, named."""
        return tuple(
            f"{chapter.name}: {row.work}{'' if row.connections is None else f' at {row.connections}'}: "
            f"{row.judged:.3g}, target {row.target}"
            for chapter in self.chapters
            for row in chapter.found.rows
            if row.verdict is Verdict.MISSED
        )

    def faults(self) -> tuple[str, ...]:
        return tuple(f"{chapter.name}: {fault}" for chapter in self.chapters for fault in chapter.found.faults)


def plain(work: str, peer: str, rounds: Sequence[float], unit: str, *, connections: int | None = None) -> Row:
    """A row without a ratio."""
    return Row(
        work=work,
        peer=peer,
        value=median(rounds),
        unit=unit,
        connections=connections,
        noise=noise(rounds),
        rounds=tuple(rounds),
    )


@dataclass(frozen=True, slots=True)
class Rival:
    """What a row is set against: its name, its rounds, the target and PostgREST's recorded ratio to it, if any."""

    name: str
    rounds: tuple[float, ...]
    target: Target | None = None
    recorded: float | None = None


def against(row: Row, rival: Rival) -> Row:
    """A row whose ratio is the median of the rounds' own ratios to the rival."""
    ratios = pairwise(row.rounds, rival.rounds)
    return Row(
        work=row.work,
        peer=row.peer,
        value=row.value,
        unit=row.unit,
        connections=row.connections,
        against=rival.name,
        ratio=median(ratios),
        noise=noise(ratios),
        target=rival.target,
        recorded=rival.recorded,
        rounds=row.rounds,
    )
