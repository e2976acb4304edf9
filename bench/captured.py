"""The statements that a server sends for a request, taken from Postgres's log, as a script for pgbench.

So pgbench runs exactly the same SQL with the same parameters, whatever the engine's is at the time.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from bench.answer import ask
from bench.database import Database
from bench.faults import BenchError
from bench.work import Sample
from bench.yardstick import Script

SETTLE = 0.3  # seconds until every backend has read a new setting, and the log is written
EXECUTED = re.compile(r"LOG:  duration: [\d.]+ ms  (?:execute [^:]*|statement): (.*)", re.DOTALL)
PARAMETERS = re.compile(r"DETAIL:  [Pp]arameters: (.*)", re.DOTALL)
PARAMETER = re.compile(r"\$(\d+) = (?:'((?:[^']|'')*)'|NULL)")
PLACE = re.compile(r"\$(\d+)\b")


@dataclass(frozen=True, slots=True)
class Executed:
    """A statement as it was run, with its parameters by number."""

    sql: str
    parameters: tuple[tuple[int, str], ...]


def capture(database: Database, port: int, sample: Sample) -> tuple[Executed, ...]:
    """Let a server answer the sample until it has prepared its statements, and read what it sends then.

    Errors: BenchError when the log shows no statement.
    """
    for _ in range(30):  # its ten connections prepare for themselves
        ask(port, sample.request)
    database.execute("alter system set log_min_duration_statement = 0", "select pg_reload_conf()")
    try:
        time.sleep(SETTLE)
        before = database.log.stat().st_size
        ask(port, sample.request)
        time.sleep(SETTLE)
        written = database.log.read_bytes()[before:].decode("utf-8", "replace")
    finally:
        database.execute("alter system reset log_min_duration_statement", "select pg_reload_conf()")
        time.sleep(SETTLE)
    found = read_log(written)
    if not any(value == sample.value for one in found for _, value in one.parameters):
        raise BenchError(f"Postgres's log does not show the statement with {sample.value}: {written[:500]!r}")
    return found


def read_log(written: str) -> tuple[Executed, ...]:
    """The statements of a log whose lines begin with @@ and a process's number."""
    found: list[Executed] = []
    for record in re.split(r"(?:^|\n)@@\d+ ", written):
        if (statement := EXECUTED.match(record)) is not None:
            found.append(Executed(statement[1].strip(), ()))
        elif (given := PARAMETERS.match(record)) is not None and found and not found[-1].parameters:
            numbered = ((int(one[1]), (one[2] or "").replace("''", "'")) for one in PARAMETER.finditer(given[1]))
            found[-1] = Executed(found[-1].sql, tuple(numbered))
    return tuple(one for one in found if "pg_reload_conf" not in one.sql)


def script_of(executed: tuple[Executed, ...], sample: Sample, *, pipelined: bool = True) -> Script:
    """The transaction for pgbench, with the sample's value replaced by its expression."""
    lines = [f"\\set chosen {sample.expression}"]
    variables: list[tuple[str, str]] = []
    body: list[str] = []
    for number, one in enumerate(executed):
        names = {place: "chosen" if value == sample.value else f"p{number}_{place}" for place, value in one.parameters}
        variables += [(names[place], value) for place, value in one.parameters if names[place] != "chosen"]
        body.append(f"{_with_names(one.sql, names)};")
    whole = any(one.sql.lower().startswith("begin") for one in executed)  # else the pipeline is the transaction
    if pipelined:
        body = ["\\startpipeline", *body, "\\endpipeline"]
    elif not whole:
        body = ["begin;", *body, "commit;"]
    return Script("\n".join((*lines, *body, "")), tuple(variables))


def _with_names(sql: str, names: dict[int, str]) -> str:
    """A statement on one line, as pgbench wants it, with variables in the place of numbers."""
    text = PLACE.sub(lambda found: f":{names[int(found[1])]}", sql)
    return " ".join(text.rstrip(";").split())
