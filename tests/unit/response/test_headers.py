"""Headers that do not depend on plan or rows."""

from tailrace.engine.message import HttpRequest
from tailrace.engine.response.headers import retry_after, trace_header
from tailrace.engine.response.performance import ServerTiming
from tailrace.engine.response.total import planned_rows


def test_the_trace_header_comes_back_as_it_was_sent_or_empty() -> None:
    request = HttpRequest("GET", b"/", b"", [(b"x-request-id", b"7")])

    assert trace_header(request, "X-Request-Id") == (b"X-Request-Id", b"7")
    assert trace_header(request, "X-Other") == (b"X-Other", b"")


def test_clients_learn_when_to_try_again() -> None:
    assert retry_after(8) == (b"Retry-After", b"8")


def test_the_stages_are_timed_in_milliseconds() -> None:
    timing = ServerTiming(0.42, 0.5, 0.1, 12, 0.25)

    assert timing.header == (
        b"Server-Timing",
        b"jwt;dur=0.4, parse;dur=0.5, plan;dur=0.1, transaction;dur=12.0, response;dur=0.2",
    )


def test_the_planner_tells_how_many_rows_it_expects() -> None:
    assert planned_rows(b'[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 42}}]') == 42
    assert planned_rows(b"[]") is None
