"""OpenTelemetry export (docs/how-tos/tracing.md): a span for every answered request, and no request that suffers."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tailrace.cluster.process import free_port
from tests.support.collector import Collector, Span
from tests.support.postgres import CreateDatabase, Database
from tests.support.serve import EXECUTABLE, HOST, Api, Setting, environment
from tests.support.standalone import running_server, until
from tests.support.tokens import bearer

SERVER_KIND = 2
CINEMA = """
create schema cinema;
create table cinema.films (id int primary key, title text);
insert into cinema.films values (1, 'Solaris');
create function cinema.add(a int, b int) returns int language sql immutable as 'select a + b';
create function cinema.burn() returns void language plpgsql as
  $$ begin raise exception 'fire' using errcode = 'PT503'; end $$;
grant usage on schema cinema to anonymous, authenticated;
grant select, insert on all tables in schema cinema to anonymous, authenticated;
"""
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def cinema(create_database: CreateDatabase) -> Database:
    return create_database(CINEMA)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def traced(cinema: Database, environ: Mapping[str, str], *, workers: int = 1) -> AbstractContextManager[Api]:
    return running_server(
        cinema.authenticator_dsn,
        environ=environ,
        db_schemas="cinema",
        server_otel_enabled=True,
        server_workers=workers,
    )


@pytest.fixture(scope="module")
def api(cinema: Database, collector: Collector) -> Iterator[Api]:
    with traced(cinema, collector.environ) as running:
        yield running


@pytest.fixture
def sent(collector: Collector) -> list[Span]:
    """The spans of this test alone."""
    collector.spans.clear()
    return collector.spans


def the_only(spans: list[Span]) -> Span:
    until(lambda: spans, seconds=5)
    [span] = spans
    return span


def test_a_request_is_a_server_span_with_the_usual_names(api: Api, sent: list[Span]) -> None:
    api.get("/films?title=eq.secret", headers={"user-agent": "browser", **bearer("authenticated")})

    span = the_only(sent)
    assert (span.name, span.kind, span.parent_id, span.is_error) == ("GET /films", SERVER_KIND, "", False)
    expected = {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/films",
        "http.route": "/films",
        "http.response.status_code": 200,
        "server.address": HOST,
        "server.port": api.port,
        "client.address": HOST,
        "user_agent.original": "browser",
        "db.system.name": "postgresql",
        "tailrace.role": "authenticated",
        "tailrace.schema": "cinema",
    }
    assert expected.items() <= span.attributes.items()
    assert 0 < span.seconds < 10
    assert span.resource["service.name"] == "postgrest"
    assert span.resource["service.instance.id"]


def test_what_users_send_is_no_part_of_a_span(api: Api, sent: list[Span]) -> None:
    api.post("/films?columns=id,title", {"id": 7, "title": "secret"}, headers=bearer("authenticated"))

    span = the_only(sent)
    assert span.name == "POST /films"
    assert "url.query" not in span.attributes
    assert "secret" not in str(span)
    assert "columns" not in str(span)


def test_the_stages_are_events_in_their_order(api: Api, sent: list[Span]) -> None:
    answer = api.get("/rpc/add?a=1&b=2")

    span = the_only(sent)
    assert span.name == "GET /rpc/add"
    assert span.events == ("jwt", "parse", "plan", "transaction", "response")
    assert answer.headers["server-timing"] is None


@pytest.mark.parametrize(
    ("target", "status", "name", "events"),
    [
        ("/nowhere", 404, "GET", ("jwt", "parse")),
        ("/films?id=eq.x", 400, "GET /films", ("jwt", "parse", "plan", "transaction")),
        ("/rpc/burn", 503, "POST /rpc/burn", ("jwt", "parse", "plan", "transaction")),
    ],
)
def test_an_answer_from_500_on_is_an_error(
    api: Api, sent: list[Span], target: str, status: int, name: str, events: tuple[str, ...]
) -> None:
    answer = api.request(name.split()[0], target)

    span = the_only(sent)
    assert answer.status == span.attributes["http.response.status_code"] == status
    assert (span.name, span.events, span.is_error) == (name, events, status >= 500)
    assert span.attributes.get("error.type") == ("503" if status == 503 else None)


def test_a_method_that_nobody_knows_is_no_name(api: Api, sent: list[Span]) -> None:
    api.request("FROB", "/films")

    span = the_only(sent)
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "FROB"


def test_a_span_belongs_to_the_trace_that_the_client_names(api: Api, sent: list[Span]) -> None:
    api.get("/films", headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=x"})

    span = the_only(sent)
    assert (span.trace_id, span.parent_id, span.trace_state) == (TRACE, PARENT, "vendor=x")


@pytest.mark.parametrize(
    "header",
    ["", "x", f"00-{TRACE}-{PARENT}", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", "\xff" * 55, "0" * 9000],
    ids=["empty", "one letter", "too short", "no trace", "no version", "no ASCII", "too long"],
)
def test_a_malformed_parent_counts_as_none(api: Api, sent: list[Span], header: str) -> None:
    answer = api.get("/films", headers={"traceparent": header, "tracestate": "=,=;"})

    span = the_only(sent)
    assert answer.status == 200
    assert span.trace_id != TRACE
    assert span.parent_id == ""


def test_a_trace_that_its_client_does_not_sample_is_not_exported(api: Api, sent: list[Span]) -> None:
    api.get("/films", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    api.get("/rpc/add?a=1&b=2")

    assert the_only(sent).name == "GET /rpc/add"


def test_the_last_spans_are_exported_before_the_process_ends(cinema: Database, sent: list[Span]) -> None:
    with Collector() as collector:
        environ = collector.environ | {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_SERVICE_NAME": "till"}
        with traced(cinema, environ) as api:
            api.get("/films")
            code = api.terminate()

        assert code == 0
        assert the_only(collector.spans).resource["service.name"] == "till"


def test_every_worker_exports_for_itself(cinema: Database) -> None:
    with Collector() as collector, traced(cinema, collector.environ, workers=2) as api:

        def both_have_answered() -> bool:
            api.get("/films")
            return len({span.resource["service.instance.id"] for span in collector.spans}) == 2

        until(both_have_answered)


def test_a_collector_that_is_away_is_told_once_and_delays_nothing(cinema: Database) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{free_port()}", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    with traced(cinema, environ | {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}) as api:
        statuses = {api.get("/films").status for _ in range(20)}
        until(lambda: "Traces cannot be exported: " in api.log)
        began = time.monotonic()
        code = api.terminate()

        assert statuses == {200}
        assert code == 0
        assert time.monotonic() - began < 5
        assert api.log.count("Traces cannot be exported: ") == 1
        assert "Traceback" not in api.log


def test_a_collector_that_stalls_delays_neither_requests_nor_the_end(cinema: Database) -> None:
    with Collector() as collector:
        collector.is_stalled.set()
        environ = collector.environ | {"OTEL_BSP_MAX_QUEUE_SIZE": "8", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4"}
        with traced(cinema, environ) as api:
            began = time.monotonic()
            statuses = {api.get("/films").status for _ in range(100)}
            took = time.monotonic() - began
            code = api.terminate()

            assert statuses == {200}
            assert took < 5
            assert code == 0
            assert time.monotonic() - began < 12


@pytest.mark.parametrize("workers", [1, 2])
def test_without_the_packages_the_server_says_so_and_does_not_start(
    cinema: Database, tmp_path: Path, workers: int
) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    settings: dict[str, Setting] = {"server_otel_enabled": True, "server_workers": workers}
    env = environment(cinema.authenticator_dsn, port=free_port(), admin_port=free_port(), settings=settings)

    done = subprocess.run(
        [EXECUTABLE], env=env | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=20
    )

    assert done.returncode == 1
    assert done.stderr == (
        "postgrest: server-otel-enabled needs the OpenTelemetry packages, which are not installed:"
        " install Tailrace's extra otel\n"
    )


def test_variables_of_opentelemetry_that_make_no_sense_are_named(cinema: Database) -> None:
    settings: dict[str, Setting] = {"server_otel_enabled": True}
    env = environment(cinema.authenticator_dsn, port=free_port(), admin_port=free_port(), settings=settings)

    done = subprocess.run(
        [EXECUTABLE], env=env | {"OTEL_BSP_MAX_QUEUE_SIZE": "-1"}, capture_output=True, text=True, timeout=20
    )

    assert done.returncode == 1
    assert "postgrest: The variables OTEL_* of the environment cannot be used: " in done.stderr
    assert "Traceback" not in done.stderr


def test_it_is_off_unless_asked_for(cinema: Database) -> None:
    with Collector() as collector:
        with running_server(cinema.authenticator_dsn, environ=collector.environ, db_schemas="cinema") as api:
            api.get("/films", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
            api.terminate()

        assert collector.spans == []
