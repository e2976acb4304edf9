"""Several workers behind one socket (server-workers), and the process that looks after them.

The supervisor owns the API's socket, the admin server and the signals; it answers no
request and knows no database, so it answers its admin server however busy the workers
are. Each worker loads, listens for notifications and recovers by itself.
"""

import asyncio
import signal
import socket
import sys
import time
from typing import BinaryIO

from tailrace.engine.config.config import Config
from tailrace.engine.config.error import ConfigError
from tailrace.engine.message import Response
from tailrace.engine.observe import events
from tailrace.engine.observe.tracing import TracingUnavailable, check_packages
from tailrace.engine.server.admin import METRICS_TYPE, admin_handler, is_reachable
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.server.control import ControlLine, send_document
from tailrace.engine.server.http1 import Limits
from tailrace.engine.server.identity import TAILRACE, Identity
from tailrace.engine.server.metrics_sum import sum_metrics
from tailrace.engine.server.process import first, open_log, sweep_for_ever
from tailrace.engine.server.protocol import HttpServer
from tailrace.engine.server.sockets import (
    BACKLOG,
    OnReady,
    ServerAddresses,
    admin_address,
    api_address,
    bind,
    describe,
    listen,
)
from tailrace.engine.server.tally import ABSENT, Tally, tally_file
from tailrace.engine.server.worker import GAVE_UP, Assignment

PATIENCE = 1.0
"""Seconds that a worker has for answering; one that does not is left out."""
STEADY = 10.0
"""Seconds after which a worker's end is no failure to start."""
MAX_DELAY = 32
STOP_PATIENCE = 6.0
"""Seconds beyond server-stop-timeout that a worker has for cancelling its statements and for its last spans."""


async def supervise(loader: ConfigLoader, config: Config, identity: Identity, *, on_ready: OnReady | None) -> int:
    """Run workers until SIGTERM or SIGINT; the result is the exit code. Errors: CannotListen, ConfigError."""
    if config.server_otel_enabled:
        check_tracing()
    log = open_log(config, lambda: config.log_level)
    log.observe(events.ServerStarting(identity.application_name, TAILRACE.application_name))
    where = admin_address(config)
    admin = None if where is None else listen(where)
    bound = bind(api_address(config))

    def serving() -> None:
        log.observe(events.ServerListening(describe(bound)))
        if on_ready is not None:
            on_ready(ServerAddresses(describe(bound), None if admin is None else describe(admin)))

    parts = pool_parts(config.db_pool, config.server_workers)
    crew = [Assignment(loader, identity, size) for size in parts]
    supervisor = Supervisor(crew, bound, tally_file(len(crew)), emit=log.observe)
    supervisor.stop_patience = config.server_stop_timeout + STOP_PATIENCE
    supervisor.on_serving = serving
    http: list[HttpServer] = []
    if admin is not None:
        server = HttpServer(admin_handler(supervisor.answer), server_header=identity.server_header, limits=Limits())
        http.append(server)
        await asyncio.get_running_loop().create_server(server.connection, sock=admin, backlog=BACKLOG)
        log.observe(events.AdminListening(describe(admin)))
    asyncio.get_running_loop().create_task(sweep_for_ever(http))
    return await supervisor.run()


def check_tracing() -> None:
    """Before a worker stumbles over it again and again. Errors: ConfigError."""
    try:
        check_packages()
    except TracingUnavailable as error:
        raise ConfigError(str(error)) from None


def pool_parts(size: int, workers: int) -> list[int]:
    """The connections of db-pool, dealt out; every worker needs one at least."""
    return [max(1, (size + number) // workers) for number in range(workers)]


class Worker:
    """One worker process, from the outside."""

    def __init__(self, process: asyncio.subprocess.Process, line: ControlLine) -> None:
        self.process = process
        self.line = line
        self.is_serving = False

    @property
    def pid(self) -> int:
        return self.process.pid


async def start_worker(assignment: Assignment, bound: socket.socket, tally: BinaryIO, *, slot: int) -> Worker:
    ours, theirs = socket.socketpair()
    with theirs:
        descriptors = (theirs.fileno(), bound.fileno(), tally.fileno())
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tailrace.engine.server.worker",
            *map(str, descriptors),
            str(slot),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=descriptors,
            start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
        )
    send_document(ours, assignment.to_document())
    ours.setblocking(False)
    line = ControlLine(ours)
    await line.open()
    return Worker(process, line)


class Supervisor:
    """Keeps one worker running for each assignment."""

    def __init__(self, crew: list[Assignment], bound: socket.socket, tally: BinaryIO, *, emit: events.Emit) -> None:
        self._crew = crew
        self._bound = bound
        self._tally = tally
        self._emit = emit
        self._workers: set[Worker] = set()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._gave_up = asyncio.Event()
        self._has_served = False
        self.on_serving = do_nothing
        """Called when the first worker takes requests."""
        self.stop_patience = STOP_PATIENCE
        """Seconds after which a worker that was told to end is killed."""

    async def run(self) -> int:
        self._take_signals()
        keeping = [asyncio.create_task(self._keep(assignment, slot)) for slot, assignment in enumerate(self._crew)]
        await first(*(asyncio.ensure_future(event.wait()) for event in (self._stop, self._gave_up)))
        code = 1 if self._gave_up.is_set() else 0
        self._stop.set()
        self._bound.close()
        self._tell_all("stop")
        hurry = asyncio.ensure_future(self._hurry.wait())
        ended = asyncio.ensure_future(asyncio.wait(keeping))
        await asyncio.wait((ended, hurry), timeout=self.stop_patience, return_when=asyncio.FIRST_COMPLETED)
        for worker in self._workers:
            if not self._hurry.is_set():
                self._emit(events.WorkerSilent(worker.pid))
            worker.process.kill()
        await ended  # those that were killed, too
        return code

    # Workers -----------------------------------------------------------------------------------

    async def _keep(self, assignment: Assignment, slot: int) -> None:
        """Start a worker, and another one whenever it ends unasked."""
        delay = 0
        while not self._stop.is_set():
            born = time.monotonic()
            worker = await start_worker(assignment, self._bound, self._tally, slot=slot)
            self._workers.add(worker)
            announcing = asyncio.create_task(self._announce(worker))
            if self._stop.is_set():
                worker.line.tell("stop")
            code = await worker.process.wait()
            self._workers.discard(worker)
            Tally(self._tally.fileno(), slot).set(ABSENT)
            announcing.cancel()
            if self._stop.is_set():
                return
            if code == GAVE_UP:
                self._gave_up.set()
                return
            self._emit(events.WorkerEnded(worker.pid, code))
            has_failed_early = time.monotonic() - born < STEADY
            delay = min(max(1, 2 * delay), MAX_DELAY) if has_failed_early else 0
            await first(asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(asyncio.sleep(delay)))

    async def _announce(self, worker: Worker) -> None:
        if await worker.line.ask("serving") is None:
            return
        worker.is_serving = True
        if not self._has_served:
            self._has_served = True
            self.on_serving()

    def _tell_all(self, what: str) -> None:
        for worker in self._workers:
            worker.line.tell(what)

    # Signals -----------------------------------------------------------------------------------

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._terminate, number)
        loop.add_signal_handler(signal.SIGUSR1, self._tell_all, "reload schema")
        loop.add_signal_handler(signal.SIGUSR2, self._tell_all, "reload config")

    def _terminate(self, number: signal.Signals) -> None:
        """The first signal ends gracefully, a second one at once."""
        if self._stop.is_set():
            self._emit(events.StopHurried(number.name))
            self._hurry.set()
            return
        self._emit(events.TerminatedBySignal(number.name))
        self._stop.set()

    # Admin server ------------------------------------------------------------------------------

    async def answer(self, path: str) -> Response:
        """Answer for all workers."""
        match path:
            case "/live":
                return Response(200 if self._is_live else 500)
            case "/ready":
                return Response(await self._readiness())
            case "/schema_cache":
                answers = await self._ask("/schema_cache")
                return answers[0] if answers else Response(200)
            case "/metrics":
                texts = [answer.body.decode() for answer in await self._ask("/metrics")]
                return Response(200, [METRICS_TYPE], sum_metrics(texts).encode())
            case _:
                return Response(404)

    @property
    def _is_live(self) -> bool:
        if self._stop.is_set() or not is_reachable(self._bound):
            return False
        return any(worker.is_serving for worker in self._workers)

    async def _readiness(self) -> int:
        """Of the workers that take requests, none is without database or schema cache."""
        statuses = {answer.status for answer in await self._ask("/ready")}
        if not statuses or 503 in statuses:
            return 503
        return 200 if self._is_live else 500

    async def _ask(self, path: str) -> list[Response]:
        """The answers of all workers that take requests and answer in time."""
        asked = [worker for worker in self._workers if worker.is_serving]
        answers = await asyncio.gather(*(worker.line.ask(path, patience=PATIENCE) for worker in asked))
        for worker, answer in zip(asked, answers, strict=True):
            if answer is None and worker in self._workers:
                self._emit(events.WorkerSilent(worker.pid))
        return [answer for answer in answers if answer is not None]


def do_nothing() -> None:
    return None
