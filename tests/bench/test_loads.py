"""What is sent, what the load tools print, and how answers and statements are compared."""

import pytest

from bench.answer import Answer, difference
from bench.captured import Executed, read_log, script_of
from bench.faults import BenchError
from bench.load import find_wrk, read_wrk, script_for
from bench.open_load import Pace, is_whole
from bench.sections.growth import smallest_step
from bench.work import Sample

PRINTED = """  Latency Distribution
     50%  735.00us
     99%    5.10ms
  Requests/sec:  21000.50
"""
LOG = """@@7 LOG:  duration: 0.1 ms  parse <unnamed>: select $1
@@7 LOG:  duration: 0.1 ms  bind <unnamed>: select $1
@@7 DETAIL:  Parameters: $1 = 'x'
@@7 LOG:  duration: 0.1 ms  execute t1: select set_config('a',
\t$1, true), $2::text
@@7 DETAIL:  Parameters: $1 = 'it''s', $2 = NULL
@@7 LOG:  duration: 0.1 ms  execute t2: select * from t where id = $1 limit $2
@@7 DETAIL:  Parameters: $1 = '4321', $2 = '5'
@@9 LOG:  duration: 0.1 ms  statement: select pg_reload_conf()
"""


def test_wrk_s_figures_are_read_in_milliseconds() -> None:
    measure = read_wrk(PRINTED, what="key")

    assert (measure.per_second, measure.p50, measure.p99) == (21000.5, 0.735, 5.1)


@pytest.mark.parametrize(
    "line", ["Non-2xx or 3xx responses: 7", "Socket errors: connect 0, read 3, write 0, timeout 0"]
)
def test_a_measure_with_failed_requests_is_none(line: str) -> None:
    with pytest.raises(BenchError, match="key: requests failed"):
        read_wrk(f"{PRINTED}  {line}\n", what="key")


def test_a_missing_wrk_comes_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(BenchError, match="apt-get install wrk"):
        find_wrk()


def test_a_request_reaches_wrk_byte_by_byte() -> None:
    assert b'"GET /\\034\\092\\013\\010"' in script_for((b'GET /"\\\r\n',))


def test_an_open_loop_keeps_its_pace_and_is_the_same_for_all_peers() -> None:
    pace = Pace(per_second=1000, seconds=10)

    moments = list(pace.due())

    assert moments == list(pace.due())
    assert moments == sorted(moments)
    assert 9500 < len(moments) < 10500


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_an_answer_is_whole_with_its_last_byte(received: bytes, expected: bool) -> None:
    assert is_whole(bytearray(received)) is expected


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (Answer(200, "application/json", b"[1]"), None),
        (Answer(206, "application/json", b"[1]"), "key: status 200, but 206 from peer"),
        (Answer(200, "text/plain", b"[1]"), "key: 'application/json', but 'text/plain' from peer"),
        (Answer(200, "application/json", b"[2]"), "key: bodies differ from byte 1 on: b'[1]', but b'[2]' from peer"),
    ],
)
def test_peers_must_agree_in_status_content_type_and_body(theirs: Answer, expected: str | None) -> None:
    assert difference("key", Answer(200, "application/json", b"[1]"), "peer", theirs) == expected


def test_the_statements_of_a_request_are_read_from_postgres_s_log() -> None:
    assert read_log(LOG) == (
        Executed("select set_config('a',\n\t$1, true), $2::text", ((1, "it's"), (2, ""))),
        Executed("select * from t where id = $1 limit $2", ((1, "4321"), (2, "5"))),
    )


def test_pgbench_runs_the_same_statements_with_another_key_each_time() -> None:
    script = script_of(read_log(LOG), Sample(b"", "4321", "random(1, 9)"))

    assert script.text.splitlines() == [
        "\\set chosen random(1, 9)",
        "\\startpipeline",
        "select set_config('a', :p0_1, true), :p0_2::text;",
        "select * from t where id = :chosen limit :p1_2;",
        "\\endpipeline",
    ]
    assert script.variables == (("p0_1", "it's"), ("p0_2", ""), ("p1_2", "5"))


def test_without_a_pipeline_the_statements_get_a_transaction() -> None:
    script = script_of((Executed("select 1", ()),), Sample(b"", "4321", "1"), pipelined=False)

    assert script.text.splitlines()[1:] == ["begin;", "select 1;", "commit;"]


def test_the_worst_step_counts_what_is_done_and_not_requests_alone() -> None:
    worst, step = smallest_step(((1, 1000.0), (10, 500.0), (100, 20.0)), lambda rows: rows)

    assert (worst, step) == (0.4, 100)
