"""A bound on the connections of all APIs together, dealt out in equal shares.

An API that is awake has one connection to listen on and at least one to ask over.
When one more wakes the others give way. They keep what is busy until it has ended,
and the newcomer waits until there is room for its share.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

LEAST = 2
"""Connections of an API that is awake: one that listens, one that asks."""
LOOK_AGAIN = 0.01
"""Seconds between two looks at whether others have given way."""


class Member(Protocol):
    """An API that has a share."""

    def resize(self, connections: int) -> None:
        """Ask over at most so many connections from now on."""

    @property
    def open_connections(self) -> int:
        """As Postgres has them, the listening one included."""


class Crowded(Exception):
    """There was no room in time."""


class Budget:
    def __init__(self, connections: int) -> None:
        if connections < LEAST:
            raise ValueError(f"at least {LEAST} connections are needed")
        self.connections = connections
        self._members: set[Member] = set()
        self._leaving: set[Member] = set()
        """What these have open counts, but they get no share."""

    async def join(self, member: Member, make_room: Callable[[], bool], *, patience: float) -> None:
        """Get a share, of which `resize` tells. `make_room` asks an idle one to leave; False if there is none.

        Errors: Crowded after `patience` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while LEAST * (len(self._members) + 1) > self.connections:
            if not make_room():
                await self._look_again(deadline)
        self._members.add(member)
        self._deal()
        try:
            while self.open_connections + (self.share + 1) * (1 + self._newcomers(member)) > self.connections:
                await self._look_again(deadline)
        except BaseException:
            self.leave(member)
            raise

    def leave(self, member: Member) -> None:
        """To be called once its connections are closed."""
        self._leaving.discard(member)
        if member in self._members:
            self._members.remove(member)
            self._deal()

    @property
    def share(self) -> int:
        """Connections that each may ask over."""
        members = max(1, len(self._members))
        return max(1, (self.connections - members) // members)

    @property
    def open_connections(self) -> int:
        return sum(member.open_connections for member in (*self._members, *self._leaving))

    def _newcomers(self, member: Member) -> int:
        """How many others have a share and no connection yet."""
        return sum(1 for other in self._members if other is not member and not other.open_connections)

    def _deal(self) -> None:
        share = self.share
        for member in self._members:
            member.resize(share)

    async def _look_again(self, deadline: float) -> None:
        if asyncio.get_running_loop().time() > deadline:
            raise Crowded
        await asyncio.sleep(LOOK_AGAIN)

    def replace(self, member: Member, leaving: Member) -> None:
        """Another one stands for the connections that a member is closing; `leave` ends that."""
        self._members.discard(member)
        self._leaving.add(leaving)
        self._deal()
