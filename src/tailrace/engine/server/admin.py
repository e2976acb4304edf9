"""The admin server: is it alive, is it ready, what does it know, what has it counted.

Source: PostgREST docs, references/admin_server.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tailrace.engine.data_api.data_api import DataApi
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe.metrics import Metrics
from tailrace.engine.schema_cache.dump import dump_in_pieces
from tailrace.engine.server.protocol import Client, Handler, Reply
from tailrace.engine.server.slices import SlicedBody

METRICS_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")

Answer = Callable[[str], Awaitable[Response]]
"""Answers for a path, `/ready`."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Answers for one process that serves."""

    api: DataApi
    metrics: Metrics
    is_serving: Callable[[], bool]
    """Whether the API's own socket takes connections."""

    async def answer(self, path: str) -> Response:
        match path:
            case "/live":
                return Response(200 if self.is_serving() else 500)
            case "/ready":
                return Response(await self._readiness())
            case "/schema_cache":
                cache = self.api.state.snapshot.schema_cache
                if cache is None:
                    return Response(200)
                return Response(200, source=SlicedBody(dump_in_pieces(cache), asyncio.get_running_loop()))
            case "/metrics":
                return Response(200, [METRICS_TYPE], self.metrics.render(self.api.state.pool.gauges()).encode())
            case _:
                return Response(404)

    async def _readiness(self) -> int:
        """503 while the database is away, and until the schema cache is loaded, at first and after a failure."""
        if not self.api.reload.loaded.is_set() or not await self.api.is_connected():
            return 503
        return 200 if self.is_serving() else 500


def admin_handler(answer: Answer) -> Handler:
    """Answer HTTP requests, whatever their method, by their path."""
    under_way: set[asyncio.Future[None]] = set()

    async def reply_to(path: str, reply: Reply, *, head_only: bool) -> None:
        try:
            response = await answer(path)
            if head_only:
                response.source = None
            reply(response)
        except Exception:
            reply(Response(500))
            raise

    def handle(request: HttpRequest, reply: Reply, client: Client) -> None:
        path = request.path.decode(errors="replace").removesuffix("/")
        task = asyncio.ensure_future(reply_to(path, reply, head_only=request.method == "HEAD"))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    return handle


def is_reachable(listening: socket.socket) -> bool:
    """Whether clients can find a listening socket: the path of a Unix socket may have been taken away."""
    return listening.family != socket.AF_UNIX or os.path.exists(listening.getsockname())
