"""Spans of answered requests for an OpenTelemetry collector.

Source: OpenTelemetry semantic conventions for HTTP server spans; W3C Trace Context.

The packages of the extra `otel` are imported only where a tracer is made. A span is made
once its request is answered, and exported by a thread of the SDK from a queue of bounded
length, so neither a stalled nor a missing collector delays or fails a request.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tailrace.engine.message import HttpRequest
from tailrace.engine.observe.events import Emit, TracingFailed

if TYPE_CHECKING:
    from opentelemetry.context import Context

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
LOGGER = "opentelemetry"
"""Where the packages say what goes wrong."""
STAGES = ("jwt", "parse", "plan", "transaction", "response")
KNOWN_METHODS = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
)  # fmt: skip
OTHER_METHOD = "_OTHER"
LONGEST_TEXT = 1024
"""Characters of a client's text that are worth to be kept."""
SILENCE = 60.0
"""Seconds after a complaint in which no further one is told: while a collector is away there is one for each batch."""
FLUSH_PATIENCE = 2.0
"""Seconds at the end for what has not been exported yet."""
FAULT = 500


class TracingUnavailable(Exception):
    """Requests cannot be traced; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a span tells of a request."""

    request: HttpRequest
    status: int
    role: str | None
    route: str | None
    """`/films`, `/rpc/add`; None where no relation or function was found."""
    schema: str | None
    http_version: str
    client_address: str
    """`-` for a Unix socket."""
    started: float
    """By `time.perf_counter`, as the laps."""
    laps: Sequence[float]
    """When the first stage began, and when each one ended."""


def check_packages() -> None:
    """Errors: TracingUnavailable if the packages are not installed."""
    try:
        found = find_spec(EXPORTER) is not None and find_spec("opentelemetry.sdk.trace") is not None
    except ImportError:
        found = False
    if not found:
        raise TracingUnavailable(
            "server-otel-enabled needs the OpenTelemetry packages, which are not installed:"
            " install Tailrace's extra otel"
        )


class Tracing:
    """Exports for one process; to be made and used on one event loop."""

    def __init__(self, service: str, version: str, emit: Emit) -> None:
        """Errors: TracingUnavailable, also for what the variables OTEL_* say."""
        check_packages()
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace = trace
        self._complaints = Complaints(asyncio.get_running_loop(), emit)
        logging.getLogger(LOGGER).addHandler(self._complaints)
        try:
            self._provider = make_provider(service, version)
        except Exception as error:
            logging.getLogger(LOGGER).removeHandler(self._complaints)
            raise TracingUnavailable(f"The variables OTEL_* of the environment cannot be used: {error}") from None
        self._tracer = self._provider.get_tracer("tailrace", version)
        self._propagator = TraceContextTextMapPropagator()

    def record(self, answered: Answered) -> None:
        """Make the span of a request that has just been answered. What fails here is told, and fails nothing else."""
        try:
            self._record(answered)
        except Exception as error:
            self._complaints.tell(f"{type(error).__name__}: {error}")

    def _record(self, answered: Answered) -> None:
        now, end = time.perf_counter(), time.time_ns()

        def moment(reading: float) -> int:
            return end - int(1e9 * (now - reading))

        method = answered.request.method if answered.request.method in KNOWN_METHODS else "HTTP"
        span = self._tracer.start_span(
            method if answered.route is None else f"{method} {answered.route}",
            self._parent(answered.request),
            kind=self._trace.SpanKind.SERVER,
            attributes=attributes_of(answered),
            start_time=moment(answered.started),
        )
        if span.is_recording():
            for stage, (began, ended) in zip(STAGES, pairwise(answered.laps), strict=False):
                span.add_event(stage, {"tailrace.stage.duration": ended - began}, moment(ended))
            if answered.status >= FAULT:
                span.set_status(self._trace.StatusCode.ERROR)
        span.end(end)

    def _parent(self, request: HttpRequest) -> "Context | None":
        """The span that the client is in; None if it names none, or not as W3C Trace Context has it."""
        parents: list[str] = []
        states: list[str] = []
        for name, value in request.headers:
            if name == b"traceparent":
                parents.append(value.decode("latin-1").strip())
            elif name == b"tracestate":
                states.append(value.decode("latin-1").strip())
        if len(parents) != 1:
            return None
        carrier = {"traceparent": parents[0]}
        if states:
            carrier["tracestate"] = ",".join(states)
        return self._propagator.extract(carrier)

    async def close(self) -> None:
        """Export what is waiting, for a little while at most."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            with contextlib.suppress(Exception):
                self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop is not there any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_PATIENCE):
                await done.wait()
        logging.getLogger(LOGGER).removeHandler(self._complaints)


def make_provider(service: str, version: str) -> Any:
    """The SDK as the variables OTEL_* want it; ValueError and others for what they cannot mean."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    given = OTELResourceDetector().detect().attributes
    ours: dict[str, str | int] = {
        "service.name": service,
        "service.version": version,
        "service.instance.id": str(uuid.uuid4()),
        "process.pid": os.getpid(),
    }
    resource = Resource.create({name: value for name, value in ours.items() if name not in given})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def attributes_of(answered: Answered) -> dict[str, str | int]:
    """Of the query string there is nothing, since its values are users' data."""
    request, status = answered.request, answered.status
    found: dict[str, str | int] = {
        "http.request.method": request.method if request.method in KNOWN_METHODS else OTHER_METHOD,
        "url.scheme": "http",
        "url.path": text(request.path),
        "http.response.status_code": status,
        "network.protocol.name": "http",
        "network.protocol.version": answered.http_version,
        "db.system.name": "postgresql",
    }
    if request.method not in KNOWN_METHODS:
        found["http.request.method_original"] = request.method[:LONGEST_TEXT]
    if answered.route is not None:
        found["http.route"] = answered.route
    if answered.schema is not None:
        found["tailrace.schema"] = answered.schema
    if answered.role is not None:
        found["tailrace.role"] = answered.role
    if answered.client_address != "-":
        found["client.address"] = answered.client_address
    if status >= FAULT:
        found["error.type"] = str(status)
    for name, value in request.headers:
        if name == b"host":
            found.update(server_of(text(value).strip()))
        elif name == b"user-agent":
            found["user_agent.original"] = text(value)
    return found


def server_of(host: str) -> dict[str, str | int]:
    """The attributes of a Host header: `example.com:3000`, `[::1]`."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal() or len(port) > 5:
        return {"server.address": host} if host else {}
    return {"server.address": name, "server.port": int(port)}


def text(value: bytes) -> str:
    return value[:LONGEST_TEXT].decode(errors="replace")


class Complaints(logging.Handler):
    """What the packages complain of, as events; from whichever thread, one in a while."""

    def __init__(self, loop: asyncio.AbstractEventLoop, emit: Emit) -> None:
        super().__init__(logging.WARNING)
        self._loop = loop
        self._emit = emit
        self._silent_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if time.monotonic() >= self._silent_until:
            self.tell(record.getMessage())

    def tell(self, reason: str) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE
            with contextlib.suppress(RuntimeError):  # the loop is not there any more
                self._loop.call_soon_threadsafe(self._emit, TracingFailed(reason))
