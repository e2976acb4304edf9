"""A thousand Data APIs in one process: fifty active ones beside one, and what an idle one costs."""

from __future__ import annotations

from dataclasses import replace

from bench.context import Context, Section
from bench.many_apis import TARGET_IDLE_KIB, TARGET_RATIO, measure
from bench.result import Found, Target, plain
from bench.server import OURS
from bench.statistics import noise

QUICK_APIS = 100
QUICK_ACTIVE = 10


def run(context: Context) -> Found:
    context.say("many APIs")
    effort = context.effort
    found = (
        measure(float(effort.seconds), rounds=effort.rounds)
        if effort.whole
        else measure(float(effort.seconds), rounds=effort.rounds, apis=QUICK_APIS, active=QUICK_ACTIVE)
    )
    active = plain(f"{found.active} of {found.apis:,} APIs active", OURS, [found.many], "req/s")
    idle = plain("an idle API costs", OURS, [found.rested_kib], "KiB")
    rows = (
        plain("one API", OURS, [found.one], "req/s"),
        replace(
            active,
            against="one API",
            ratio=found.ratio,
            noise=noise(found.ratios),
            target=Target(TARGET_RATIO),
            rounds=found.ratios,
        ),
        replace(idle, target=Target(TARGET_IDLE_KIB, at_least=False)),
        plain("an API that was never asked costs", OURS, [found.registered_kib], "KiB"),
        plain("an active API costs", OURS, [found.loaded_kib], "KiB"),
    )
    faults = (f"{found.refused} requests failed",) if found.refused else ()
    return Found(rows, (), ("KiB of the process's resident memory for each API.",), faults)


SECTION = Section("many-apis", "A thousand Data APIs in one process", run)
