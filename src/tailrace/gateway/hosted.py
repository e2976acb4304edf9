"""One API of many: asleep until it is asked, awake while it is, and apart from all others.

    asleep ── a request ──> starting ── schema cache loaded ──> awake
      ↑                        │                                 │ │
      │<── back-off is over ── barred <── its database refuses ──┘ │
      └───────────────── nobody asked for a while ─────────────────┘

Asleep it has no connection; for a time it keeps its schema cache and plans, which
then serve if the database is slow to tell what has changed meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.config.database import DatabaseSettings
from tailrace.engine.data_api.answering import Answering
from tailrace.engine.data_api.data_api import DataApi
from tailrace.engine.data_api.faults import as_api_error
from tailrace.engine.data_api.refusal import refuse
from tailrace.engine.data_api.snapshot import Snapshot
from tailrace.engine.errors import ApiError, ApiUnavailable
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe import events
from tailrace.engine.observe.log import Log
from tailrace.engine.observe.metrics import Metrics
from tailrace.engine.server.answered import request_answered
from tailrace.engine.server.process import CANCEL_PATIENCE
from tailrace.engine.server.protocol import Client, Reply
from tailrace.engine.statement import AcquisitionTimeout
from tailrace.gateway.budget import Budget, Crowded
from tailrace.gateway.route import ApiSpec

MAX_DELAY = 32
"""Seconds between two attempts, at most."""
PATIENCE_WITH_CACHE = 1.0
"""Seconds to wait for a schema cache while an earlier one could serve."""
DRAIN = 30.0
"""Seconds that requests of an API have that is taken away."""
LOCATIONS = frozenset((b"location", b"content-location"))

MakeLog = Callable[[str, Config, Callable[[], LogLevel]], Log]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all APIs of a gateway share. Times are in seconds."""

    budget: Budget
    make_room: Callable[[], bool]
    wake: Callable[[str], Awaitable[None]]
    """Returns once an API's compute runs."""
    make_log: MakeLog
    application_name: str
    start_timeout: float
    max_waiting: int
    """Requests that may wait for one API to start."""


class Visit:
    """One request to an API, from its arrival to its answer."""

    __slots__ = ("_client", "_host", "_is_over", "_prefix", "_reply", "_request", "_started", "_target")

    def __init__(self, host: "Hosted", request: HttpRequest, reply: Reply, client: Client, prefix: int) -> None:
        self._host = host
        self._request = request
        self._reply = reply
        self._client = client
        self._started = time.perf_counter()
        self._is_over = False
        path = self._target = request.path
        self._prefix = path[:prefix]
        request.path = path[prefix:] or b"/"
        host.visits += 1
        client.on_gone = self._gone

    def begin(self, api: DataApi) -> None:
        if self._is_over:
            return
        answering = api.begin(self._request, self.answer)
        self._client.on_gone = lambda: self._leave(answering)
        answering.start()

    def refuse(self, error: ApiError) -> None:
        if not self._is_over:
            config = self._host.config
            origins = config.server_cors_allowed_origins
            self.answer(refuse(self._request, error, origins=origins, retry_delay=self._host.retry_delay), None)

    def answer(self, response: Response, role: str | None) -> None:
        if self._prefix:
            carry_prefix(response, self._prefix)
        self._reply(response)
        self._end()
        self._host.answered(self, response, role)

    def _leave(self, answering: Answering) -> None:
        answering.gone()
        self._end()

    def _gone(self) -> None:
        self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._host.left()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def event(self, response: Response, role: str | None) -> events.RequestAnswered:
        return request_answered(
            self._request, response, path=self._target, role=role, client=self._client, seconds=self.seconds
        )


class Leaving:
    """The connections of an API that is falling asleep: no more will be opened."""

    def __init__(self, api: DataApi) -> None:
        self._api = api

    def resize(self, connections: int) -> None:
        return None

    @property
    def open_connections(self) -> int:
        return self._api.state.pool.open_count


class Hosted:
    """A registered API. To be used on one event loop."""

    __slots__ = (
        "_api",
        "_kept",
        "_log",
        "_retry_at",
        "_size",
        "_starting",
        "_surroundings",
        "_tasks",
        "_waiting",
        "last_asked",
        "metrics",
        "retry_delay",
        "spec",
        "visits",
    )

    def __init__(self, spec: ApiSpec, surroundings: Surroundings, metrics: Metrics | None = None) -> None:
        self.spec = spec
        self.metrics = metrics
        """None until it is asked for the first time."""
        self.visits = 0
        """Requests that wait for their answer."""
        self.last_asked = 0.0
        self.retry_delay = 0
        """Seconds between the last two attempts to start; 0 if the last one went well."""
        self._surroundings = surroundings
        self._api: DataApi | None = None
        self._kept: Snapshot | None = None
        self._size = 1
        self._retry_at = 0.0
        self._starting: asyncio.Task[None] | None = None
        self._waiting: list[Visit] | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._log: Log | None = None

    # Requests ----------------------------------------------------------------------------------

    def handle(self, request: HttpRequest, reply: Reply, client: Client, prefix: int) -> None:
        """Take a request on, of whose path the first `prefix` bytes led here."""
        visit = Visit(self, request, reply, client, prefix)
        if self._api is not None and self._starting is None:
            visit.begin(self._api)
        else:
            self._wait(visit)

    def _wait(self, visit: Visit) -> None:
        if self._starting is None:
            if asyncio.get_running_loop().time() < self._retry_at:
                visit.refuse(ApiUnavailable())
                return
            self._open_books()
            self._waiting = []
            self._starting = asyncio.create_task(self._start())
        assert self._waiting is not None
        if len(self._waiting) >= self._surroundings.max_waiting:
            visit.refuse(ApiUnavailable())
            return
        self._waiting.append(visit)

    def left(self) -> None:
        self.visits -= 1
        self.last_asked = asyncio.get_running_loop().time()

    def answered(self, visit: Visit, response: Response, role: str | None) -> None:
        self._open_books()
        if response.status < self.config.log_level.lowest_status:
            assert self.metrics is not None
            self.metrics.add_latency(response.status, visit.seconds)
        else:
            self.emit(visit.event(response, role))

    @property
    def config(self) -> Config:
        """As it is in force; the database may have added to it."""
        return self.spec.config if self._api is None else self._api.state.snapshot.config

    # Log and metrics ---------------------------------------------------------------------------

    def emit(self, event: events.Event) -> None:
        self._open_books()
        assert self.metrics is not None
        assert self._log is not None
        self.metrics.observe(event)
        self._log.observe(event)

    def _open_books(self) -> None:
        if self.metrics is None:
            self.metrics = Metrics(self.spec.config.db_pool)
        if self._log is None:
            self._log = self._surroundings.make_log(self.spec.name, self.spec.config, lambda: self.config.log_level)

    @property
    def api(self) -> DataApi | None:
        """None while it is asleep."""
        return self._api

    @property
    def keeps_cache(self) -> bool:
        return self._kept is not None

    # Waking ------------------------------------------------------------------------------------

    async def _start(self) -> None:
        error: ApiError | None = None
        try:
            await self._wake()
            await self._open()
        except Crowded:
            error = as_api_error(AcquisitionTimeout())
            self.emit(events.PoolTimeout())
        except Exception as failure:
            # A platform's callback may raise anything, and clients are not to know what
            self._fail(failure)
            error = ApiUnavailable()
        finally:
            waiting, self._waiting, self._starting = self._waiting or [], None, None
            self._serve(waiting, error)

    async def _wake(self) -> None:
        surroundings = self._surroundings
        async with asyncio.timeout(surroundings.start_timeout):
            await surroundings.wake(self.spec.name)
        patience = self.config.db_pool_acquisition_timeout
        await surroundings.budget.join(self, surroundings.make_room, patience=patience)

    def _serve(self, waiting: list[Visit], error: ApiError | None) -> None:
        for visit in waiting:
            if self._api is None or error is not None:
                visit.refuse(error or ApiUnavailable())
            else:
                visit.begin(self._api)

    def _fail(self, failure: Exception) -> None:
        self.emit(events.WakingFailed(repr(failure)))
        self._bar()
        self._leave(kept=self._kept)
        self._surroundings.budget.leave(self)

    async def _open(self) -> None:
        """Connect and load the schema cache, for as long as a client can be kept waiting; then it goes on by itself."""
        config = replace(self.spec.config, openapi_server_proxy_uri=self._public_url)
        name = self._surroundings.application_name
        api = self._api = DataApi(self._load_config, config, self.emit, application_name=name)
        api.state.pool.resize(self._pool_size)
        patience = self._surroundings.start_timeout
        if self._kept is not None:
            api.state.snapshot, self._kept = self._kept, None
            patience = PATIENCE_WITH_CACHE
        api.start()
        api.reload.stopped.add_done_callback(lambda _: self._give_up(api))
        attempted = asyncio.ensure_future(api.reload.attempted.wait())
        await asyncio.wait((attempted, api.reload.stopped), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        attempted.cancel()
        if api.reload.stopped.done():
            self._give_up(api)
        elif api.reload.loaded.is_set():
            self.retry_delay = 0

    @property
    def _public_url(self) -> str | None:
        return self.spec.config.openapi_server_proxy_uri or self.spec.external_url

    def _load_config(self, found: DatabaseSettings) -> Config:
        load = self.spec.load
        if load is None:
            given = self.spec.config
            config = replace(given, role_settings=found.role_settings, role_isolation=found.role_isolation)
        else:
            config = load(found)
        return replace(config, openapi_server_proxy_uri=config.openapi_server_proxy_uri or self.spec.external_url)

    def _give_up(self, api: DataApi) -> None:
        """Its database refuses for a reason that does not pass by itself: leave it alone for a while."""
        if api is self._api:
            self._bar()
            self._leave(kept=None)

    def _bar(self) -> None:
        self.retry_delay = min(max(1, 2 * self.retry_delay), MAX_DELAY)
        self._retry_at = asyncio.get_running_loop().time() + self.retry_delay

    # Sleep -------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Awake, and nobody waits for it."""
        return self._api is not None and self._starting is None and not self.visits

    def rest(self) -> bool:
        """Leave the database, and keep the schema cache; False if it is asleep or busy."""
        if not self.is_idle or self._api is None:
            return False
        snapshot = self._api.state.snapshot
        self._leave(kept=snapshot if snapshot.schema_cache is not None else None)
        return True

    def forget(self) -> None:
        """Let go of the schema cache of an API that is asleep."""
        self._kept = self._log = None

    def _leave(self, *, kept: Snapshot | None, drain: float = DRAIN) -> None:
        api, self._api, self._kept = self._api, None, kept
        if api is not None:
            member = Leaving(api)
            self._surroundings.budget.replace(self, member)
            self._tasks = (*self._tasks, asyncio.create_task(self._close(api, member, drain=drain)))

    async def _close(self, api: DataApi, member: Leaving, *, drain: float) -> None:
        try:
            async with asyncio.timeout(drain):
                await api.close()
        except TimeoutError:
            await api.abort(CANCEL_PATIENCE)
        finally:
            self._surroundings.budget.leave(member)
            self._tasks = tuple(task for task in self._tasks if task is not asyncio.current_task())

    async def remove(self) -> None:
        """Answer what is under way, as far as it ends in time, then leave for ever."""
        deadline = asyncio.get_running_loop().time() + DRAIN
        while self.visits and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        self._leave(kept=None, drain=max(0.0, deadline - asyncio.get_running_loop().time()))
        await asyncio.gather(*self._tasks)

    # Connections (as a member of the budget) ---------------------------------------------------

    @property
    def _pool_size(self) -> int:
        return min(self._size, self.spec.config.db_pool)

    def resize(self, connections: int) -> None:
        self._size = connections
        if self._api is not None:
            self._api.state.pool.resize(self._pool_size)

    @property
    def open_connections(self) -> int:
        return 0 if self._api is None else connections_of(self._api)


def connections_of(api: DataApi) -> int:
    return api.state.pool.open_count + api.state.snapshot.config.db_channel_enabled


def carry_prefix(response: Response, prefix: bytes) -> None:
    """Write the paths in an answer's headers as the client has them."""
    for index, (name, value) in enumerate(response.headers):
        if name.lower() in LOCATIONS and value.startswith(b"/"):
            response.headers[index] = (name, prefix + value)
