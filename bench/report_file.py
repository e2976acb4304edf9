"""The report as JSON, there and back: the raw numbers of every round are in it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.faults import BenchError
from bench.result import Chapter, Found, Plot, Report, Row, Series, Target

FORMAT = 1


def write_report(path: Path, report: Report) -> None:
    path.write_text(json.dumps(_finite({"format": FORMAT, **asdict(report)}), indent=1) + "\n", encoding="utf-8")


def read_report(path: Path) -> Report:
    """Errors: BenchError when there is none, or one of another format."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BenchError(f"There is no report in {path} yet: run ./dev bench first.") from error
    if read.get("format") != FORMAT:
        raise BenchError(f"{path} has another format: run ./dev bench anew.")
    facts = tuple((name, value) for name, value in read["facts"])
    chapters = tuple(Chapter(one["name"], one["title"], _found(one["found"])) for one in read["chapters"])
    return Report(facts, chapters)


def _found(read: dict[str, Any]) -> Found:
    return Found(
        tuple(_row(one) for one in read["rows"]),
        tuple(_plot(one) for one in read["plots"]),
        tuple(read["remarks"]),
        tuple(read["faults"]),
    )


def _row(read: dict[str, Any]) -> Row:
    target = None if read["target"] is None else Target(**read["target"])
    value = math.nan if read["value"] is None else read["value"]
    return Row(**{**read, "value": value, "target": target, "rounds": tuple(read["rounds"])})


def _plot(read: dict[str, Any]) -> Plot:
    series = tuple(Series(one["name"], tuple((x, y) for x, y in one["points"])) for one in read["series"])
    return Plot(**{**read, "series": series})


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
    return value
