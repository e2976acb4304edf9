"""The report as text for a terminal, and the wording that all forms of it share."""

from __future__ import annotations

from bench.result import Chapter, Report, Row, Verdict

HEADINGS = ("work", "at", "peer", "value", "beside", "ratio", "PostgREST's", "judged", "target", "noise", "")


def text_report(report: Report) -> str:
    """All tables, then what was missed and what failed."""
    parts = ["\n".join(f"{name}: {value}" for name, value in report.facts)]
    parts += [_chapter(chapter) for chapter in report.chapters]
    parts.append(summary(report))
    return "\n\n".join(parts)


def _chapter(chapter: Chapter) -> str:
    table = [HEADINGS, *(cells(row) for row in chapter.found.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    remarks = [f"  {remark}" for remark in chapter.found.remarks]
    faults = [f"  FAILED: {fault}" for fault in chapter.found.faults]
    return "\n".join(
        (f"== {chapter.title} ({chapter.name})", *(lines if chapter.found.rows else ()), *remarks, *faults)
    )


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, a cell for each of HEADINGS."""
    said = {
        Verdict.MET: "met",
        Verdict.WITHIN_NOISE: "within noise",
        Verdict.MISSED: "MISSED",
        Verdict.NO_TARGET: "",
    }[row.verdict]
    return (
        row.work,
        "" if row.connections is None else str(row.connections),
        row.peer,
        f"{figure(row.value)} {row.unit}",
        row.against,
        "" if row.ratio is None else figure(row.ratio),
        "" if row.recorded is None else figure(row.recorded),
        "" if row.target is None and row.times_recorded is None else judged(row),
        "" if row.target is None else str(row.target),
        f"±{row.noise:.0%}" if len(row.rounds) > 1 else "",
        "; ".join(part for part in (said, row.remark) if part),
    )


def judged(row: Row) -> str:
    """The figure that the target bounds: `×` marks a multiple of PostgREST's ratio."""
    return f"{figure(row.judged)}×" if row.times_recorded is not None else figure(row.judged)


def figure(value: float) -> str:
    """Three digits that matter, and no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def summary(report: Report) -> str:
    """What was missed and what failed, a line each."""
    judged_rows = [row for chapter in report.chapters for row in chapter.found.rows if row.target is not None]
    nearly = sum(row.verdict is Verdict.WITHIN_NOISE for row in judged_rows)
    met = sum(row.verdict is Verdict.MET for row in judged_rows)
    lines = [f"{met} of {len(judged_rows)} targets met, {nearly} missed by less than the noise"]
    lines += [f"missed: {one}" for one in report.missed()]
    lines += [f"failed: {one}" for one in report.faults()]
    return "\n".join(lines)
