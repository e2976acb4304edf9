"""A gateway on a loop of its own, asked over HTTP as a client would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import uvloop

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.server.admin import admin_handler
from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.protocol import HttpServer
from tailrace.engine.server.sockets import Address, listen
from tailrace.gateway import ApiSpec, Gateway, GatewayOptions, GatewayServer, Route, answer_admin, open_server
from tailrace.gateway.gateway import Wake
from tests.support.postgres import Database
from tests.support.serve import HttpClient
from tests.support.tokens import SECRET

T = TypeVar("T")


class RunningGateway(HttpClient):
    """`admin` is the client of its admin server."""

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop, *, port: int, admin: HttpClient) -> None:
        super().__init__(port)
        self.gateway = gateway
        self.admin = admin
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def add(self, spec: ApiSpec) -> None:
        async def add() -> None:
            self.gateway.add(spec)

        self.do(add())

    def replace(self, spec: ApiSpec) -> None:
        self.do(self.gateway.replace(spec))

    def remove(self, name: str) -> None:
        self.do(self.gateway.remove(name))

    def rest(self, name: str) -> bool:
        async def rest() -> bool:
            return self.gateway.rest(name)

        return self.do(rest())

    def open_connections(self) -> int:
        async def count() -> int:
            return self.gateway.open_connections

        return self.do(count())


@contextmanager
def running(options: GatewayOptions | None = None, *, wake: Wake | None = None) -> Iterator[RunningGateway]:
    """A gateway without APIs, until the block ends."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[Gateway, GatewayServer, asyncio.Server, int, int]:
        gateway = Gateway(options, wake=wake)
        listening, asked = listen(Address("127.0.0.1", 0)), listen(Address("127.0.0.1", 0))
        server = await open_server(gateway, listening)
        http = HttpServer(admin_handler(answer_admin(gateway)), server_header="test", limits=Limits())
        admin = await asyncio.get_running_loop().create_server(http.connection, sock=asked)
        return gateway, server, admin, listening.getsockname()[1], asked.getsockname()[1]

    async def stop(server: GatewayServer, admin: asyncio.Server) -> None:
        admin.close()
        await server.close()

    gateway, server, admin, port, admin_port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield RunningGateway(gateway, loop, port=port, admin=HttpClient(admin_port))
    finally:
        asyncio.run_coroutine_threadsafe(stop(server, admin), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def spec(name: str, database: Database, *routes: Route, schema: str = "api", **settings: Any) -> ApiSpec:
    """An API over a schema of a database; its route is `/NAME` unless others are given."""
    base = Config(
        db_uri=database.authenticator_dsn,
        db_schemas=(schema,),
        db_anon_role="anonymous",
        jwt_secret=SECRET.encode(),
        log_level=LogLevel.INFO,
        db_config=False,
    )
    return ApiSpec(name=name, routes=routes or (Route(path=f"/{name}"),), config=replace(base, **settings))
