"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from html import escape

from bench.plot import svg
from bench.report_text import HEADINGS, cells, summary
from bench.result import Chapter, Report, Row, Verdict

STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.met td:last-child { color: #0f7b6c; } .within td:last-child { color: #b06f00; }
.missed td:last-child, .fault { color: #c4314b; font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
svg { width: 100%; } svg text { font-size: 11px; fill: currentColor; } svg .title { font-size: 14px; font-weight: 600; }
svg .grid { stroke: var(--line); } pre { white-space: pre-wrap; } .remark { color: #777; overflow-wrap: anywhere; }
"""
HOW_TO_READ = (
    "Every figure comes from this one run: the peers took turns, several rounds, and a value is the median of them. "
    "A ratio is the median of the rounds' own ratios to what stands under “beside”; the noise is how far the furthest "
    "round lies from it. PostgREST's ratios were recorded on another machine, to the same yardstick; × marks ours as "
    "a multiple of them. The answers of the peers were equal, and no request failed, unless a line in red says so."
)


def html_report(report: Report) -> str:
    """The whole page."""
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in report.facts)
    chapters = "".join(_chapter(chapter) for chapter in report.chapters)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bench of Tailrace</title>'
        f"<style>{STYLE}</style></head><body><h1>Bench of Tailrace</h1><p>{escape(HOW_TO_READ)}</p>"
        f"<table>{facts}</table><pre>{escape(summary(report))}</pre>{chapters}</body></html>\n"
    )


def _chapter(chapter: Chapter) -> str:
    found = chapter.found
    heading = "".join(f"<th>{escape(name)}</th>" for name in HEADINGS)
    table = f"<table><tr>{heading}</tr>{''.join(map(_row, found.rows))}</table>" if found.rows else ""
    faults = "".join(f'<p class="fault">{escape(fault)}</p>' for fault in found.faults)
    remarks = "".join(f'<p class="remark">{escape(remark)}</p>' for remark in found.remarks)
    plots = f'<div class="plots">{"".join(map(svg, found.plots))}</div>' if found.plots else ""
    return f'<h2 id="{escape(chapter.name)}">{escape(chapter.title)}</h2>{faults}{table}{plots}{remarks}'


def _row(row: Row) -> str:
    kind = {
        Verdict.MET: "met",
        Verdict.WITHIN_NOISE: "within",
        Verdict.MISSED: "missed",
        Verdict.NO_TARGET: "plain",
    }[row.verdict]
    return f'<tr class="{kind}">' + "".join(f"<td>{escape(cell)}</td>" for cell in cells(row)) + "</tr>"
