"""An OpenTelemetry collector that keeps what it is sent (OTLP over HTTP, in Protobuf)."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HOST = "127.0.0.1"
PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    kind: int
    """2 for a server's."""
    trace_id: str
    parent_id: str
    """In hexadecimal digits, as the trace's; empty for a span without a parent."""
    trace_state: str
    is_error: bool
    attributes: dict[str, Any]
    events: tuple[str, ...]
    seconds: float
    resource: dict[str, Any]


class Collector:
    """Listens on a port of its own."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.is_stalled = threading.Event()
        """While this is set, it takes requests and answers none."""
        self._goes_on = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.is_stalled.is_set():
                    collector._goes_on.wait(60)
                    return
                if self.path == PATH:
                    plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                    collector.spans += spans_of(ExportTraceServiceRequest.FromString(plain))
                self.send_response(200 if self.path == PATH else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                return None

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def environ(self) -> dict[str, str]:
        """What makes a server export to it, without delay."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._goes_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def spans_of(request: Any) -> list[Span]:
    return [
        Span(
            name=span.name,
            kind=span.kind,
            trace_id=span.trace_id.hex(),
            parent_id=span.parent_span_id.hex(),
            trace_state=span.trace_state,
            is_error=span.status.code == span.status.STATUS_CODE_ERROR,
            attributes=values_of(span.attributes),
            events=tuple(event.name for event in span.events),
            seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            resource=values_of(group.resource.attributes),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def values_of(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
