"""A report such as a run gives."""

from bench.result import Chapter, Found, Plot, Report, Rival, Series, Target, Verdict, against, plain

PLOT = Plot("By <rows>", "rows", "req/s", (Series("Tailrace", ((1, 900.0), (10, 800.0), (100, 300.0))),), True)


def report_of(*, target: float = 2, faults: tuple[str, ...] = ()) -> Report:
    """One row at 0.5 of the yardstick, twice PostgREST's recorded 0.25, with a noise of 10%."""
    row = plain("key", "Tailrace", (500.0, 550.0, 450.0), "req/s", connections=16)
    rival = Rival("yardstick", (1000.0, 1000.0, 1000.0), Target(target), recorded=0.25)
    found = Found((against(row, rival), plain("key", "pgbench", (9.0,), "tps")), (PLOT,), ("A <remark>.",), faults)
    return Report((("machine", "2 cores | 8 GiB"),), (Chapter("works", "The works", found),))


def verdict_of(report: Report) -> Verdict:
    return report.chapters[0].found.rows[0].verdict
