"""The log (PostgREST docs, references/observability, "Logs", and "log-level")."""

import io
import json
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import BinaryIO, cast

import pytest

from tailrace.engine.errors import DatabaseUnreachable
from tailrace.engine.log_level import LogFormat, LogLevel
from tailrace.engine.observe import events as e
from tailrace.engine.observe.log import Later, Log, LogOptions

NOON = 1_795_262_400.0
BOGOTA = timezone(timedelta(hours=-5))
WHEN = "21/Nov/2026:07:00:00 -0500"


class Journal:
    """A log whose output is at hand."""

    def __init__(
        self,
        level: LogLevel = LogLevel.ERROR,
        *,
        form: LogFormat = LogFormat.TEXT,
        clock: Callable[[], float] = lambda: NOON,
        later: Later | None = None,
    ) -> None:
        self.out, self.err = io.BytesIO(), io.BytesIO()
        options = LogOptions(level=lambda: level, clock=clock, format=form, zone=BOGOTA, later=later)
        self.log = Log(options, out=self.out, err=self.err)

    def lines(self, *events: e.Event) -> list[str]:
        for event in events:
            self.log.observe(event)
        return (self.out.getvalue() + self.err.getvalue()).decode().splitlines()


def answered(status: int = 200, *, target: bytes = b"/films?id=eq.1", agent: bytes = b"curl/8") -> e.RequestAnswered:
    return e.RequestAnswered(
        role="web_anon",
        method="GET",
        target=target,
        http_version="1.1",
        status=status,
        length=56,
        remote_address="127.0.0.1",
        user_agent=agent,
    )


def test_a_request_is_one_line_in_apaches_format_on_the_standard_output() -> None:
    journal = Journal(LogLevel.INFO)

    journal.log.observe(answered())

    expected = f'127.0.0.1 - web_anon [{WHEN}] "GET /films?id=eq.1 HTTP/1.1" 200 56 "" "curl/8"\n'
    assert journal.out.getvalue().decode() == expected
    assert journal.err.getvalue() == b""


def test_what_is_unknown_of_a_request_is_a_dash() -> None:
    event = e.RequestAnswered(
        role=None, method="GET", target=b"/", http_version="1.1", status=500, length=None, remote_address="-"
    )

    assert Journal().lines(event) == [f'- - - [{WHEN}] "GET / HTTP/1.1" 500 - "" ""']


def test_a_client_cannot_write_lines_of_its_own() -> None:
    (line,) = Journal(LogLevel.INFO).lines(answered(agent=b"x\ny\x1b[31m"))

    assert line.endswith(r'"x\x0ay\x1b[31m"')


@pytest.mark.parametrize(
    ("level", "statuses"),
    [
        (LogLevel.CRIT, []),
        (LogLevel.ERROR, [500]),
        (LogLevel.WARN, [404, 500]),
        (LogLevel.INFO, [200, 404, 500]),
        (LogLevel.DEBUG, [200, 404, 500]),
    ],
)
def test_the_level_decides_which_statuses_are_logged_and_with_them_their_queries(
    level: LogLevel, statuses: list[int]
) -> None:
    asked = (200, 404, 500)

    requests = Journal(level).lines(*(answered(status) for status in asked))
    queries = Journal(level).lines(*(e.QueryRun((b"select 1",), status) for status in asked))

    assert [int(line.split()[8]) for line in requests] == statuses
    assert len(queries) == len(statuses)


def test_an_event_is_a_sentence_with_the_time_on_the_standard_error() -> None:
    journal = Journal(LogLevel.CRIT)

    journal.log.observe(e.ServerListening("127.0.0.1:3000"))

    assert journal.err.getvalue().decode() == f"{WHEN}: API server listening on 127.0.0.1:3000\n"
    assert journal.out.getvalue() == b""


@pytest.mark.parametrize(
    "event",
    [e.PoolRequested(), e.PoolFlushed(), e.JwtCacheLookup(True), e.ConnectionInUse("1"), e.HttpServerNotice("x")],
)
def test_events_for_development_are_logged_at_debug_only(event: e.Event) -> None:
    assert Journal(LogLevel.INFO).lines(event) == []
    assert len(Journal(LogLevel.DEBUG).lines(event)) == 1


def test_a_severe_error_is_its_json_from_level_error_on() -> None:
    event = e.DatabaseErrorSevere(DatabaseUnreachable("down\n"))

    assert Journal(LogLevel.CRIT).lines(event) == []
    assert Journal(LogLevel.ERROR).lines(event) == [
        f'{WHEN}: {{"code":"PGRST000","details":"down\\n","hint":null,"message":"Database connection error."}}'
    ]


def test_pool_timeouts_come_in_swarms_and_are_logged_once_in_five_seconds() -> None:
    seconds = iter([0.0, 0.0, 1.0, 4.9, 5.0, 5.0])
    journal = Journal(clock=lambda: NOON + next(seconds))

    lines = journal.lines(*(e.PoolTimeout() for _ in range(4)))

    assert len(lines) == 2


def test_timeouts_that_were_held_back_are_told_once_at_the_end_of_the_silence() -> None:
    seconds = iter([0.0, 0.0, 1.0, 2.0, 5.0, 5.0, 6.0, 10.0])
    timers: list[tuple[float, Callable[[], None]]] = []
    journal = Journal(clock=lambda: NOON + next(seconds), later=lambda delay, call: timers.append((delay, call)))

    at_first = journal.lines(*(e.PoolTimeout() for _ in range(3)))
    ((delay, tell),) = timers
    tell()
    in_the_end = journal.lines(e.PoolTimeout())

    assert len(at_first) == 1
    assert delay == 4.0
    assert len(in_the_end) == 2
    assert [after for after, _ in timers] == [4.0, 4.0]


def test_a_bug_of_ours_is_told_with_its_traceback() -> None:
    lines = Journal().lines(e.InternalFault("Traceback:\n  somewhere\nKeyError: 1"))

    assert [line.removeprefix(f"{WHEN}: ") for line in lines] == [
        "This is a bug in Tailrace, please report it:",
        "Traceback:",
        "  somewhere",
        "KeyError: 1",
    ]


def test_a_query_stands_on_one_line() -> None:
    journal = Journal(LogLevel.INFO)

    lines = journal.lines(e.QueryRun((b"select set_config()", b"", b"WITH x AS (\n  select 1\n)\n"), 200))

    assert lines == [f"{WHEN}: select set_config()", f"{WHEN}: WITH x AS (   select 1 )"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            e.SchemaCacheQueried(0.01234, (("tables", 1.5), ("rels", 2.0))),
            ["Schema cache queried in 12.3 milliseconds ", "tables: 1.500 ms, rels: 2.000 ms"],
        ),
        (
            e.SchemaCacheLoaded(0.5, "3 Relations"),
            ["Schema cache loaded 3 Relations", "Schema cache loaded in 500.0 milliseconds"],
        ),
        (
            e.ListenerStarted("localhost", "5432", "PostgreSQL 15", "pgrst"),
            [
                'Listener connected to PostgreSQL 15 on "localhost:5432"'
                ' and listening for database notifications on the "pgrst" channel'
            ],
        ),
        (
            e.ListenerFailed("pgrst", "first attempt\n\tsecond attempt"),
            ['Failed listening for database notifications on the "pgrst" channel. first attempt second attempt'],
        ),
        (
            e.ServerStarting("PostgREST 16.2", "tailrace 1.0"),
            ["Starting PostgREST 16.2... (this is tailrace 1.0, which stands in for it)"],
        ),
        (e.ServerStarting("tailrace 1.0", "tailrace 1.0"), ["Starting tailrace 1.0..."]),
        (e.WorkerEnded(7, -9), ["Worker process 7 ended by signal 9, starting another one"]),
        (e.ConnectionRetry(4), ["Attempting to reconnect to the database in 4 seconds..."]),
        (
            e.ConnectionClosed("7", e.CloseReason.IDLENESS),
            ["Connection 7 is terminated due to max idletime"],
        ),
        (
            e.LegacyTargetName("`films` to `f`", "GET", b"/x?films.id=eq.1"),
            [
                "WARNING: Embedded resource was referenced by relation name even though it has an alias."
                " This is deprecated and will stop working in a future release.",
                "Update filters, orders or limits that use `films` to `f` in `GET /x?films.id=eq.1`",
            ],
        ),
    ],
)
def test_events_are_told_in_postgrests_words(event: e.Event, expected: list[str]) -> None:
    assert Journal(LogLevel.DEBUG).lines(event) == [f"{WHEN}: {line}" for line in expected]


def test_the_level_is_asked_at_every_event_since_a_reload_may_change_it() -> None:
    levels = iter([LogLevel.ERROR, LogLevel.INFO])
    out = io.BytesIO()
    log = Log(LogOptions(level=lambda: next(levels), clock=lambda: NOON), out=out, err=out)

    log.observe(answered())
    silent = out.getvalue()
    log.observe(answered())

    assert silent == b""
    assert out.getvalue() != b""


def test_json_has_one_object_a_line() -> None:
    journal = Journal(LogLevel.INFO, form=LogFormat.JSON)

    request, listening = map(json.loads, journal.lines(answered(404), e.ServerListening("x")))

    assert (request["event"], request["status"], request["target"]) == ("request", 404, "/films?id=eq.1")
    assert request["time"] == "2026-11-21T07:00:00.000-05:00"
    assert (listening["event"], listening["message"]) == ("ServerListening", "API server listening on x")


class ClosedPipe(io.RawIOBase):
    def write(self, text: object) -> int:
        raise BrokenPipeError


def test_a_log_that_nobody_reads_does_not_stop_the_server() -> None:
    closed = cast(BinaryIO, ClosedPipe())
    log = Log(LogOptions(level=lambda: LogLevel.INFO, clock=lambda: NOON), out=closed, err=closed)

    log.observe(answered())
    log.observe(e.PoolFlushed())
