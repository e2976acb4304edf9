"""Serving one Data API from start to graceful end: by this process alone, or by several workers.

Source: PostgREST docs, references/http_server, references/admin_server.
"""

import asyncio
import signal
import socket
import sys

import uvloop

from tailrace.engine.config.config import Config
from tailrace.engine.observe import events
from tailrace.engine.server.admin import admin_handler
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.identity import TAILRACE, Identity
from tailrace.engine.server.process import Process, Setup
from tailrace.engine.server.sockets import (
    CannotListen,
    OnReady,
    admin_address,
    api_address,
    describe,
    listen,
)
from tailrace.engine.server.sockets import ServerAddresses as ServerAddresses


def serve(loader: ConfigLoader, *, identity: Identity = TAILRACE, on_ready: OnReady | None = None) -> int:
    """Serve one Data API until SIGTERM or SIGINT; the result is the exit code.

    Errors: ConfigError for a configuration that is wrong from the start.
    """
    config = loader.load()
    try:
        if config.server_workers > 1:
            from tailrace.engine.server.supervisor import supervise

            return uvloop.run(supervise(loader, config, identity, on_ready=on_ready))
        return uvloop.run(serve_alone(loader, config, identity, on_ready=on_ready))
    except CannotListen as error:
        sys.stderr.write(f"{error}\n")
        return 1


async def serve_alone(loader: ConfigLoader, config: Config, identity: Identity, *, on_ready: OnReady | None) -> int:
    admin: socket.socket | None = None

    def on_serving(listening: socket.socket) -> None:
        address = describe(listening)
        process.emit(events.ServerListening(address))
        if on_ready is not None:
            on_ready(ServerAddresses(address, None if admin is None else describe(admin)))

    process = Process(Setup(loader, config, identity, lambda: listen(api_address(config)), on_serving))
    process.emit(events.ServerStarting(identity.application_name, TAILRACE.application_name))
    where = admin_address(config)
    admin = None if where is None else listen(where)
    answers = process.start()
    take_signals(process)
    if admin is not None:
        process.emit(events.AdminListening(describe(admin)))
        await process.accept(admin, admin_handler(answers.answer), Limits())
    return await process.run()


def take_signals(process: Process) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.terminate, number)
    loop.add_signal_handler(signal.SIGUSR1, process.reload_schema)
    loop.add_signal_handler(signal.SIGUSR2, process.reload_config)
