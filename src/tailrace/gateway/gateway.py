"""A process's Data APIs, and who of them is awake."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tailrace.engine.config.config import Config, LogLevel
from tailrace.engine.data_api.refusal import refuse
from tailrace.engine.errors import UnknownApi
from tailrace.engine.message import HttpRequest
from tailrace.engine.observe.log import Log, LogOptions
from tailrace.engine.server.identity import TAILRACE
from tailrace.engine.server.protocol import Client, Reply
from tailrace.gateway.budget import Budget
from tailrace.gateway.hosted import Hosted, Surroundings
from tailrace.gateway.route import ApiSpec, Routes

Wake = Callable[[str], Awaitable[None]]
"""Given an API's name before it connects: returns once its compute runs, at once if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Times are in seconds."""

    connections: int = 80
    """To Postgres, of all APIs together, their listening ones included."""
    idle_timeout: float = 60.0
    """After which an API that nobody asks gives up its connections."""
    cache_timeout: float = 600.0
    """After which it gives up its schema cache and plans as well."""
    start_timeout: float = 10.0
    """That a client waits for an API to wake, and then again for its schema cache."""
    stop_timeout: float = 20.0
    """That clients have at the end for taking their answers."""
    max_waiting: int = 1000
    """Requests that may wait for one API to start."""


class Gateway:
    """To be made and used on one event loop."""

    def __init__(self, options: GatewayOptions | None = None, *, wake: Wake | None = None) -> None:
        self.options = options or GatewayOptions()
        self.wake = wake
        self._hosted: dict[str, Hosted] = {}
        self._asked: set[Hosted] = set()
        """Those that may have something to give up."""
        self._routes: Routes[Hosted] = Routes()
        self._budget = Budget(self.options.connections)
        self._surroundings = Surroundings(
            budget=self._budget,
            make_room=self._make_room,
            wake=self._wake,
            make_log=open_named_log,
            application_name=TAILRACE.application_name,
            start_timeout=self.options.start_timeout,
            max_waiting=self.options.max_waiting,
        )

    # APIs --------------------------------------------------------------------------------------

    def add(self, spec: ApiSpec) -> None:
        """Serve one more. Nothing is opened until it is asked. Errors: ValueError for a name or route that is taken."""
        if spec.name in self._hosted:
            raise ValueError(f"there is an API {spec.name} already")
        hosted = Hosted(spec, self._surroundings)
        self._routes.add(spec.routes, hosted)
        self._hosted[spec.name] = hosted

    async def replace(self, spec: ApiSpec) -> None:
        """Serve an API otherwise from now on; returns when its last request under the old way is answered.

        Errors: KeyError for a name that is not served, ValueError for a route that is taken; nothing changes then.
        """
        before = self._hosted[spec.name]
        hosted = Hosted(spec, self._surroundings, before.metrics)
        self._routes.remove(before.spec.routes)
        try:
            self._routes.add(spec.routes, hosted)
        except ValueError:
            self._routes.add(before.spec.routes, before)
            raise
        self._hosted[spec.name] = hosted
        await self._retire(before)

    async def remove(self, name: str) -> None:
        """Serve an API no more; returns when its last request is answered. Errors: KeyError."""
        hosted = self._hosted.pop(name)
        self._routes.remove(hosted.spec.routes)
        await self._retire(hosted)

    async def _retire(self, hosted: Hosted) -> None:
        await hosted.remove()
        self._asked.discard(hosted)

    def rest(self, name: str) -> bool:
        """Leave an API's database now, as before its compute is suspended; False if a request is under way."""
        hosted = self._hosted[name]
        return hosted.rest() or (hosted.api is None and not hosted.visits)

    async def close(self) -> None:
        """Answer what is under way and leave all databases."""
        names = tuple(self._hosted)
        await asyncio.gather(*(self.remove(name) for name in names))

    # Requests ----------------------------------------------------------------------------------

    def handle(self, request: HttpRequest, reply: Reply, client: Client) -> None:
        """Answer one request (a `Handler`)."""
        found = self._routes.find(request)
        if found is None:
            reply(refuse(request, UnknownApi()))
            return
        hosted, prefix = found
        if hosted.api is None:
            self._asked.add(hosted)
        hosted.handle(request, reply, client, prefix)

    # Sleep -------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Put to sleep what nobody asks; to be called about once a second."""
        now = asyncio.get_running_loop().time()
        for hosted in tuple(self._asked):
            silent = now - hosted.last_asked
            if hosted.is_idle and silent > self.options.idle_timeout:
                hosted.rest()
            if hosted.api is None and not hosted.visits and silent > self.options.cache_timeout:
                hosted.forget()
                self._asked.discard(hosted)

    def _make_room(self) -> bool:
        idle = [hosted for hosted in self._asked if hosted.is_idle]
        return bool(idle) and min(idle, key=lambda hosted: hosted.last_asked).rest()

    async def _wake(self, name: str) -> None:
        if self.wake is not None:
            await self.wake(name)

    # What is going on --------------------------------------------------------------------------

    def hosted(self) -> tuple[Hosted, ...]:
        return tuple(self._hosted.values())

    @property
    def open_connections(self) -> int:
        return self._budget.open_connections


def open_named_log(name: str, config: Config, level: Callable[[], LogLevel]) -> Log:
    """The log on the standard streams, every line with the API's name."""
    later = asyncio.get_running_loop().call_later
    options = LogOptions(level=level, clock=time.time, format=config.log_format, later=later, api=name)
    return Log(options, out=sys.stdout.buffer, err=sys.stderr.buffer)
