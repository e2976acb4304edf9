"""The admin server: is it alive, is it ready, what does it know, what has it counted.

Source: PostgREST docs, references/admin_server.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tailrace.engine.data_api.data_api import DataApi
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe.metrics import Metrics
from tailrace.engine.schema_cache.dump import dump_schema_cache
from tailrace.engine.server.protocol import Client, Reply

METRICS_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Admin:
    api: DataApi
    metrics: Metrics
    is_serving: Callable[[], bool]
    """Whether the API's own socket takes connections."""

    def handle(self, request: HttpRequest, reply: Reply, client: Client) -> None:
        reply(self._answer(request.path))

    def _answer(self, path: bytes) -> Response:
        match path.removesuffix(b"/"):
            case b"/live":
                return Response(200 if self.is_serving() else 500)
            case b"/ready":
                return Response(self._readiness())
            case b"/schema_cache":
                cache = self.api.state.snapshot.schema_cache
                return Response(200, body=b"" if cache is None else dump_schema_cache(cache))
            case b"/metrics":
                return Response(
                    200, [METRICS_TYPE], self.metrics.render(available=self.api.state.pool.counts()[1]).encode()
                )
            case _:
                return Response(404)

    def _readiness(self) -> int:
        """503 while the schema cache is loaded for the first time, or again after a failure."""
        if not self.api.reload.loaded.is_set():
            return 503
        return 200 if self.is_serving() else 500
