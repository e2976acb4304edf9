"""`./dev bench`: run the sections, print the tables, write the report."""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import psycopg

from bench.context import QUICK, Context, Effort, Section
from bench.database import Database, bench_database, program, version_of
from bench.faults import BenchError
from bench.load import Wrk, find_wrk
from bench.page import write_page
from bench.report_file import read_report, write_report
from bench.report_html import html_report
from bench.report_text import text_report
from bench.result import Chapter, Found, Report
from bench.sections import SECTIONS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "bench-report"
FIGURES = FOLDER / "report.json"
HTML = FOLDER / "report.html"
PAGE = ROOT / "docs" / "performance.md"
FILES = 8192  # open files: a thousand connections have two ends


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 when something failed or, with --check, a target was missed by more than the noise."""
    options = _options(arguments)
    try:
        if options.write_docs:
            write_page(PAGE, read_report(FIGURES))
            return 0
        report = _measure(options)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    _progress("")
    FOLDER.mkdir(exist_ok=True)
    write_report(FIGURES, report)
    HTML.write_text(html_report(report), encoding="utf-8")
    sys.stdout.write(f"{text_report(report)}\n\nThe report: {HTML}\n")
    return status(report, check=options.check)


def status(report: Report, *, check: bool) -> int:
    """1 when a request failed, peers' answers differ, or, if asked, a target is missed; else 0."""
    return 1 if report.faults() or (check and report.missed()) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(prog="./dev bench", description="Tailrace's speed beside its neighbours'.")
    parser.add_argument("--peer", metavar="PATH", help="a postgrest executable to measure as well")
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help=f"one of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="short and small: does it run?, not: how fast is it?")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed by more than the noise")
    parser.add_argument("--write-docs", action="store_true", help="the last report's figures into docs/performance.md")
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> Report:
    wrk = find_wrk()
    _raise_limit()
    effort = QUICK if options.quick else Effort()
    chosen = [section for section in SECTIONS if options.only is None or section.name in options.only]
    with bench_database() as database:
        context = Context(database, wrk, effort, options.peer, _progress)
        facts = _facts(database, wrk, options.peer, quick=options.quick)
        return Report(facts, tuple(_chapter(section, context) for section in chosen))


def _chapter(section: Section, context: Context) -> Chapter:
    """A section that fails costs its own rows and becomes a fault of the report, not the end of the run."""
    try:
        found = section.run(context)
    except BenchError as error:
        found = Found(faults=(str(error),))
    if not context.effort.whole:
        found = replace(found, remarks=(*found.remarks, "A quick run: its figures are smaller and shorter than meant."))
    return Chapter(section.name, section.title, found)


def _facts(database: Database, wrk: Wrk, peer: str | None, *, quick: bool) -> tuple[tuple[str, str], ...]:
    libpq = psycopg.pq.version()
    found = (
        ("run", "quick" if quick else "whole"),
        ("machine", f"{_processor()}, {os.cpu_count()} cores, {_memory():.0f} GiB, {platform.system()}"),
        ("kernel", platform.release()),
        ("Python", platform.python_version()),
        ("Postgres", f"{database.version()} (fsync off, on the same cores)"),
        ("Tailrace", version("tailrace")),
        ("psycopg", f"{version('psycopg')}, libpq {libpq // 10000}.{libpq % 10000}"),
        ("uvloop", version("uvloop")),
        ("load", f"{wrk.version()}; {version_of(program('pgbench'))}"),
        ("FastAPI", f"{version('fastapi')}, asyncpg {version('asyncpg')}, uvicorn {version('uvicorn')}"),
    )
    return (*found, ("peer", version_of(peer))) if peer is not None else found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def _raise_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{f'  {what} ...' if what else ''}")
        sys.stderr.flush()
