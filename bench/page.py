"""The last report's figures in docs/performance.md, between two marks."""

from __future__ import annotations

from pathlib import Path

from bench.faults import BenchError
from bench.report_text import cells, judged, summary
from bench.result import Report, Row

BEGIN = "<!-- figures: written by ./dev bench --write-docs -->"
END = "<!-- end of figures -->"


def write_page(path: Path, report: Report) -> None:
    """Replace what stands between the marks.

    Errors: BenchError when the page has lost them.
    """
    path.write_text(with_figures(path.read_text(encoding="utf-8"), report), encoding="utf-8")


def with_figures(page: str, report: Report) -> str:
    """The page with the report's figures in their place."""
    before, mark, rest = page.partition(BEGIN)
    _, other, after = rest.partition(END)
    if not mark or not other:
        raise BenchError(f"The page has no place for figures: it begins with {BEGIN} and ends with {END}.")
    return f"{before}{BEGIN}\n\n{figures(report)}\n\n{END}{after}"


def figures(report: Report) -> str:
    """The rows that have a target, by section, and the machine, as Markdown."""
    parts = [" · ".join(f"{name} {value}" for name, value in report.facts)]
    parts.append("\n".join(f"- {line}" for line in summary(report).splitlines()))
    for chapter in report.chapters:
        rows = [row for row in chapter.found.rows if row.target is not None]
        if rows:
            heading = (
                "| work | at | value | beside | ratio | PostgREST's | judged | target | noise | |\n" + "| --- " * 10
            )
            parts.append(f"### {chapter.title}\n\n{heading}|\n" + "\n".join(map(_line, rows)))
        parts += [remark.replace("<", "&lt;") for remark in chapter.found.remarks if len(remark) < 400]
    return "\n\n".join(parts)


def _line(row: Row) -> str:
    work, at, _, value, beside, ratio, recorded, _, target, noise, said = cells(row)
    written = (work, at, value, beside, ratio, recorded, judged(row), target, noise, said)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in written) + " |"
