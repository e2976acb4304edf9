"""The HTTP server in front of a gateway."""

import asyncio
import contextlib
import socket

from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.identity import TAILRACE, Identity
from tailrace.engine.server.process import CLOSING_CHECKS, CLOSING_GRACE, SWEEP_INTERVAL
from tailrace.engine.server.protocol import HttpServer
from tailrace.engine.server.sockets import BACKLOG
from tailrace.gateway.gateway import Gateway


class GatewayServer:
    """Answers what comes in on one socket, and puts idle APIs to sleep."""

    def __init__(self, gateway: Gateway, http: HttpServer, accepting: asyncio.Server) -> None:
        self._gateway = gateway
        self._http = http
        self._accepting = accepting
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Take no more requests, answer those that are under way, and leave all databases."""
        self._accepting.close()
        self._http.is_closing = True
        if self._http.connections:
            await asyncio.sleep(CLOSING_GRACE)
        self._http.start_closing()
        deadline = asyncio.get_running_loop().time() + self._gateway.options.stop_timeout
        while self._http.connections and asyncio.get_running_loop().time() < deadline:
            self._http.sweep()
            await asyncio.sleep(CLOSING_CHECKS)
        self._http.cut()
        await self._gateway.close()
        self._sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeping

    async def _sweep(self) -> None:
        interval = min(SWEEP_INTERVAL, self._gateway.options.idle_timeout)
        while True:
            await asyncio.sleep(interval)
            self._http.sweep()
            self._gateway.sweep()


async def open_server(
    gateway: Gateway, listening: socket.socket, *, limits: Limits | None = None, identity: Identity = TAILRACE
) -> GatewayServer:
    """Answer requests on a listening socket from now on; `limits` hold for all APIs."""
    http = HttpServer(gateway.handle, server_header=identity.server_header, limits=limits or Limits())
    loop = asyncio.get_running_loop()
    return GatewayServer(gateway, http, await loop.create_server(http.connection, sock=listening, backlog=BACKLOG))
