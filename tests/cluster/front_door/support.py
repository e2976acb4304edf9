"""A door in a thread of its own, in front of the run's Postgres."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import psycopg

from tailrace.cluster import RunningCluster
from tailrace.cluster.front_door import Backend, FrontDoor, FrontDoorSpec, open_front_door

T = TypeVar("T")
ROLE = "door's guest"
PASSWORD = "päss/word ☂"


@dataclass
class OpenDoor:
    """A door that serves; `run` does something in its event loop."""

    folder: Path
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    door: FrontDoor = field(init=False)

    def open(self, spec: FrontDoorSpec) -> None:
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.door = self.run(open_front_door(spec))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def call(self, function: Any, *arguments: Any) -> None:
        async def do() -> None:
            function(*arguments)

        self.run(do())

    def close(self) -> None:
        self.run(self.door.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        while self.loop.is_running():
            threading.Event().wait(0.005)
        self.loop.close()

    def dsn(self, *, user: str = ROLE, password: str = PASSWORD, options: str = "") -> str:
        """A connection string such as the CLI of Neon makes."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        wanted = options or "sslmode=require&channel_binding=require"
        return f"postgresql://{login}@localhost:{self.door.port}/postgres?{wanted}"

    def connect(self, **asked: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.dsn(**asked), autocommit=True, gssencmode="disable")


def backend_of(cluster: RunningCluster) -> Backend:
    return Backend(socket_dir=cluster.socket_dir, port=cluster.port, password=cluster.spec.password)
