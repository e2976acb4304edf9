"""The process: sockets, signals, and one Data API behind them, from start to graceful end.

Source: PostgREST docs, references/configuration ("reloading"), references/http_server,
references/admin_server.
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvloop

from tailrace import __version__
from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.config.database import DatabaseSettings
from tailrace.engine.data_api.data_api import DataApi
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe import events
from tailrace.engine.observe.log import Log, LogOptions
from tailrace.engine.observe.metrics import Metrics
from tailrace.engine.server.admin import Admin
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.protocol import Client, Handler, HttpServer, Reply
from tailrace.engine.server.sockets import Address, CannotListen, describe, listen

SERVER_HEADER = f"tailrace/{__version__}"
SWEEP_INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where the process listens, in words."""

    api: str
    admin: str | None


OnReady = Callable[[ServerAddresses], None]


def serve(loader: ConfigLoader, *, on_ready: OnReady | None = None) -> int:
    """Serve one Data API until SIGTERM or SIGINT; the result is the exit code.

    Errors: ConfigError for a configuration that is wrong from the start.
    """
    config = loader.load()
    try:
        return uvloop.run(Process(loader, config, on_ready).run())
    except CannotListen as error:
        sys.stderr.write(f"{error}\n")
        return 1


class Process:
    """One server process, its sockets and its API."""

    def __init__(self, loader: ConfigLoader, config: Config, on_ready: OnReady | None) -> None:
        self._config = config
        self._on_ready = on_ready
        self._metrics = Metrics(config.db_pool)
        self._log = Log(
            LogOptions(level=self._log_level, clock=time.time, format=config.log_format),
            out=sys.stdout.buffer,
            err=sys.stderr.buffer,
        )
        self._load = loader.load
        self._api: DataApi | None = None
        self._servers: list[asyncio.Server] = []
        self._is_serving = False
        self._stop: asyncio.Event = asyncio.Event()

    async def run(self) -> int:
        config = self._config
        self._emit(events.ServerStarting(__version__))
        admin_socket = listen_admin(config)
        api = DataApi(self._load_config, config, self._emit, application_name=f"tailrace {__version__}")
        self._api = api
        self._handle_signals(api)
        http = [self._serve_admin(api, admin_socket)] if admin_socket is not None else []
        api.start()
        stopping = asyncio.ensure_future(self._stop.wait())
        await first(stopping, api.reload.stopped, asyncio.ensure_future(api.reload.attempted.wait()))
        try:
            if not stopping.done() and not api.reload.stopped.done():
                http.append(await self._serve_api(api, admin_socket))
                await first(stopping, api.reload.stopped, asyncio.ensure_future(sweep_for_ever(http)))
            return api.reload.stopped.result() if api.reload.stopped.done() else 0
        finally:
            await self._close(api, http)

    # Sockets -----------------------------------------------------------------------------------

    def _serve_admin(self, api: DataApi, listening: socket.socket) -> HttpServer:
        admin = Admin(api, self._metrics, lambda: self._is_serving)
        server = HttpServer(admin.handle, server_header=SERVER_HEADER, limits=Limits())
        self._accept(server, listening)
        self._emit(events.AdminListening(describe(listening)))
        return server

    async def _serve_api(self, api: DataApi, admin_socket: socket.socket | None) -> HttpServer:
        config = self._config
        if config.server_reuseport:
            # Others may serve on this port already, so take no request that would be refused
            await first(self._stopping(), api.reload.stopped, asyncio.ensure_future(api.reload.loaded.wait()))
        listening = listen(
            Address(
                config.server_host,
                config.server_port,
                config.server_unix_socket,
                config.server_unix_socket_mode,
                config.server_reuseport,
            )
        )
        limits = Limits(head=config.server_max_header_size, body=config.server_max_body_size)
        server = HttpServer(self._handler(api), server_header=SERVER_HEADER, limits=limits)
        self._accept(server, listening)
        self._is_serving = True
        address = describe(listening)
        self._emit(events.ServerListening(address))
        if self._on_ready is not None:
            self._on_ready(ServerAddresses(address, None if admin_socket is None else describe(admin_socket)))
        return server

    def _accept(self, server: HttpServer, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_server(server.connection, sock=listening))
        task.add_done_callback(lambda done: self._servers.append(done.result()))

    def _handler(self, api: DataApi) -> Handler:
        def handle(request: HttpRequest, reply: Reply, client: Client) -> None:
            started = time.perf_counter()

            def answer(response: Response, role: str | None) -> None:
                reply(response)
                self._answered(request, response, role, client, started)

            api.handle(request, answer)

        return handle

    def _answered(
        self, request: HttpRequest, response: Response, role: str | None, client: Client, started: float
    ) -> None:
        seconds = time.perf_counter() - started
        if response.status < self._log_level().lowest_status:
            self._metrics.add_latency(response.status, seconds)
            return
        query = b"?" + request.query if request.query else b""
        self._emit(
            events.RequestAnswered(
                role=role,
                method=request.method,
                target=request.path + query,
                http_version=client.http_version,
                status=response.status,
                length=content_length(response),
                remote_address=client.address,
                user_agent=request.header(b"user-agent") or b"",
                referer=request.header(b"referer") or b"",
                seconds=seconds,
            )
        )

    # Signals, events, the end ------------------------------------------------------------------

    def _handle_signals(self, api: DataApi) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._terminate, number)
        loop.add_signal_handler(signal.SIGUSR1, api.reload.schema)
        loop.add_signal_handler(signal.SIGUSR2, api.reload.config)

    def _terminate(self, number: signal.Signals) -> None:
        self._emit(events.TerminatedBySignal(number.name))
        self._stop.set()

    def _stopping(self) -> "asyncio.Future[bool]":
        return asyncio.ensure_future(self._stop.wait())

    def _load_config(self, found: DatabaseSettings) -> Config:
        return self._load(found.settings, found.role_settings, found.role_isolation)

    def _log_level(self) -> LogLevel:
        return self._config.log_level if self._api is None else self._api.state.snapshot.config.log_level

    def _emit(self, event: events.Event) -> None:
        self._metrics.observe(event)
        self._log.observe(event)

    async def _close(self, api: DataApi, http: list[HttpServer]) -> None:
        """Take no more requests, and answer those that are under way."""
        self._is_serving = False
        for server in self._servers:
            server.close()
        for one in http:
            one.start_closing()
        while any(one.connections for one in http):
            await asyncio.sleep(0.005)
        await api.close()


def listen_admin(config: Config) -> socket.socket | None:
    if config.admin_server_unix_socket is None and config.admin_server_port is None:
        return None
    return listen(
        Address(
            config.admin_server_host,
            config.admin_server_port or 0,
            config.admin_server_unix_socket,
            config.admin_server_unix_socket_mode,
        )
    )


async def first(*futures: "asyncio.Future[Any]") -> None:
    """Wait until one of these is done; its outcome stays in it."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def sweep_for_ever(http: list[HttpServer]) -> None:
    while True:
        await asyncio.sleep(SWEEP_INTERVAL)
        for server in http:
            server.sweep()


def content_length(response: Response) -> int | None:
    """The Content-Length that an answer names; None if it has none."""
    for name, value in response.headers:
        if name == b"Content-Length":
            return int(value)
    return None
