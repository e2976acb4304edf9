"""One process that answers requests: a Data API, the HTTP server in front of it, and what it logs and counts.

Source: PostgREST docs, references/configuration ("reloading"), references/http_server.
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.config.database import DatabaseSettings
from tailrace.engine.config.error import ConfigError
from tailrace.engine.data_api.data_api import DataApi
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe import events
from tailrace.engine.observe.log import Log, LogOptions
from tailrace.engine.observe.metrics import Metrics
from tailrace.engine.observe.tracing import Answered, Tracing, TracingUnavailable
from tailrace.engine.server import garbage
from tailrace.engine.server.admin import Admin, is_reachable
from tailrace.engine.server.answered import request_answered
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.identity import Identity
from tailrace.engine.server.protocol import Client, Handler, HttpServer, Reply
from tailrace.engine.server.shared_accept import SharedAccept
from tailrace.engine.server.sockets import BACKLOG
from tailrace.engine.server.tally import Tally

SWEEP_INTERVAL = 1.0
CLOSING_GRACE = 0.1
"""Seconds at the end in which an idle connection stays open, since a request may be on its way on it."""
CANCEL_PATIENCE = 2.0
"""Seconds that Postgres has for cancelling what it runs, once server-stop-timeout is over."""
CLOSING_CHECKS = 0.005
"""Seconds between two looks at what is still under way at the end."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process is given."""

    loader: ConfigLoader
    config: Config
    """As first loaded; its db-pool stays in force."""
    identity: Identity
    listen: Callable[[], socket.socket]
    """Opens or hands over the API's socket, once the API can answer. Errors: CannotListen."""
    on_serving: Callable[[socket.socket], None]
    tally: Tally | None = None
    """Of the connections, where other processes accept on the API's socket as well."""


class Process:
    """To be made and used on one event loop. Errors: ConfigError if requests cannot be traced as they should."""

    def __init__(self, setup: Setup) -> None:
        config = setup.config
        self._setup = setup
        self._metrics = Metrics(config.db_pool)
        self._log_level = config.log_level
        self._log = open_log(config, lambda: self.log_level)
        self._servers: list[asyncio.Server | SharedAccept] = []
        self._http: list[HttpServer] = []
        self._listening: socket.socket | None = None
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._api: DataApi | None = None
        self._tracing = open_tracing(setup, self.emit)

    @property
    def log_level(self) -> LogLevel:
        """The one that is in force; a reload may change it."""
        return self._log_level if self._api is None else self._api.state.snapshot.config.log_level

    def emit(self, event: events.Event) -> None:
        self._metrics.observe(event)
        self._log.observe(event)
        if isinstance(event, events.SchemaCacheLoaded):
            garbage.spare_what_there_is()

    def start(self) -> Admin:
        """Begin to load configuration and schema; the result answers questions about all this."""
        garbage.tune()
        setup = self._setup
        name = setup.identity.application_name
        self._api = api = DataApi(self._load_config, setup.config, self.emit, application_name=name)
        api.start()
        return Admin(api, self._metrics, self._is_reachable)

    async def run(self) -> int:
        """Serve, once started, until a signal or a fault that leaves no way on; the result is the exit code.

        Errors: CannotListen.
        """
        api = self._started()
        stopping = asyncio.ensure_future(self._stop.wait())
        await first(stopping, api.reload.stopped, asyncio.ensure_future(api.reload.attempted.wait()))
        if self._setup.config.server_reuseport:
            # Others may serve on this port already, so take no request that would be refused
            await first(stopping, api.reload.stopped, asyncio.ensure_future(api.reload.loaded.wait()))
        try:
            if not stopping.done() and not api.reload.stopped.done():
                await self._serve(api)
                await first(stopping, api.reload.stopped, asyncio.ensure_future(sweep_for_ever(self._http)))
            return api.reload.stopped.result() if api.reload.stopped.done() else 0
        finally:
            await self._close(api)

    # HTTP --------------------------------------------------------------------------------------

    async def accept(self, listening: socket.socket, handler: Handler, limits: Limits) -> None:
        """Answer what comes in on a socket, until the end."""
        server = HttpServer(handler, server_header=self._setup.identity.server_header, limits=limits)
        self._http.append(server)
        if self._setup.tally is not None:
            self._servers.append(SharedAccept(listening, server, self._setup.tally))
            return
        self._servers.append(
            await asyncio.get_running_loop().create_server(server.connection, sock=listening, backlog=BACKLOG)
        )

    async def _serve(self, api: DataApi) -> None:
        config = self._setup.config
        listening = self._setup.listen()
        limits = Limits(head=config.server_max_header_size, body=config.server_max_body_size or None)
        await self.accept(listening, self._handler(api), limits)
        self._listening = listening
        self._setup.on_serving(listening)

    def _is_reachable(self) -> bool:
        return self._listening is not None and is_reachable(self._listening)

    def _handler(self, api: DataApi) -> Handler:
        if self._tracing is not None:
            return self._traced_handler(api, self._tracing)

        def handle(request: HttpRequest, reply: Reply, client: Client) -> None:
            started = time.perf_counter()

            def answer(response: Response, role: str | None) -> None:
                reply(response)
                self._answered(request, response, role, client, started)

            answering = api.begin(request, answer)
            client.on_gone = answering.gone
            answering.start()

        return handle

    def _traced_handler(self, api: DataApi, tracing: Tracing) -> Handler:
        """The same, with a span for every answer; apart, so that this costs nothing where it is off."""

        def handle(request: HttpRequest, reply: Reply, client: Client) -> None:
            started = time.perf_counter()

            def answer(response: Response, role: str | None) -> None:
                reply(response)
                self._answered(request, response, role, client, started)
                tracing.record(
                    Answered(
                        request=request,
                        status=response.status,
                        role=role,
                        route=answering.route,
                        schema=answering.schema,
                        http_version=client.http_version,
                        client_address=client.address,
                        started=started,
                        laps=laps,
                    )
                )

            answering = api.begin(request, answer)
            laps = answering.time_stages()
            client.on_gone = answering.gone
            answering.start()

        return handle

    def _answered(
        self, request: HttpRequest, response: Response, role: str | None, client: Client, started: float
    ) -> None:
        seconds = time.perf_counter() - started
        if response.status < self.log_level.lowest_status:
            self._metrics.add_latency(response.status, seconds)
            return
        self.emit(request_answered(request, response, path=request.path, role=role, client=client, seconds=seconds))

    # Reloads, the end --------------------------------------------------------------------------

    def reload_schema(self) -> None:
        self._started().reload.schema()

    def reload_config(self) -> None:
        self._started().reload.config()

    def terminate(self, number: signal.Signals) -> None:
        """The first signal ends gracefully, a second one at once."""
        if self._stop.is_set():
            self.emit(events.StopHurried(number.name))
            self._hurry.set()
            return
        self.emit(events.TerminatedBySignal(number.name))
        self.stop()

    def stop(self) -> None:
        """End gracefully."""
        self._stop.set()

    def _started(self) -> DataApi:
        assert self._api is not None, "started"
        return self._api

    def _load_config(self, found: DatabaseSettings) -> Config:
        config = self._setup.loader.load(found.settings, found.role_settings, found.role_isolation)
        return replace(config, db_pool=self._setup.config.db_pool)

    async def _close(self, api: DataApi) -> None:
        """Take no more requests, and answer those that are under way, for as long as server-stop-timeout allows."""
        seconds = self._setup.config.server_stop_timeout
        self._listening = None
        for server in self._servers:
            server.close()
        for http in self._http:
            http.is_closing = True
        ending, hurry = asyncio.ensure_future(self._end_gracefully(api)), asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait((ending, hurry), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done() and not hurry.done():
            ending.cancel()
            self.emit(events.StopTimedOut(seconds, sum(len(http.connections) for http in self._http)))
            await self._give_up(api)
        if self._tracing is not None:
            await first(asyncio.ensure_future(self._tracing.close()), hurry)
        if ending.done() and not ending.cancelled():
            ending.result()

    async def _end_gracefully(self, api: DataApi) -> None:
        if any(http.connections for http in self._http):
            await asyncio.sleep(CLOSING_GRACE)
        for http in self._http:
            http.start_closing()
        while any(http.connections for http in self._http):
            for http in self._http:
                http.sweep()
            await asyncio.sleep(CLOSING_CHECKS)
        await api.close()

    async def _give_up(self, api: DataApi) -> None:
        """Cancel what Postgres still runs; whose answer that brings, gets it, and all others are cut off."""
        for http in self._http:
            http.start_closing()
        await api.abort(CANCEL_PATIENCE)
        await asyncio.sleep(CLOSING_GRACE)
        for http in self._http:
            http.cut()


def open_tracing(setup: Setup, emit: events.Emit) -> Tracing | None:
    """None where requests are not to be traced. Errors: ConfigError."""
    if not setup.config.server_otel_enabled:
        return None
    try:
        return Tracing(setup.identity.token, setup.identity.version, emit)
    except TracingUnavailable as error:
        raise ConfigError(str(error)) from None


def open_log(config: Config, level: Callable[[], LogLevel]) -> Log:
    """The log on the standard streams."""
    later = asyncio.get_running_loop().call_later
    options = LogOptions(level=level, clock=time.time, format=config.log_format, later=later)
    return Log(options, out=sys.stdout.buffer, err=sys.stderr.buffer)


async def first(*futures: "asyncio.Future[Any]") -> None:
    """Wait until one of these is done; its outcome stays in it."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def sweep_for_ever(http: list[HttpServer]) -> None:
    while True:
        await asyncio.sleep(SWEEP_INTERVAL)
        for server in http:
            server.sweep()
