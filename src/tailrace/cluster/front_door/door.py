"""The door itself: who knocks, who is let in, who is connected."""

import asyncio
import contextlib
import logging
import time

import psycopg

from tailrace.cluster.front_door.allow_list import AllowList
from tailrace.cluster.front_door.certificates import open_authority
from tailrace.cluster.front_door.link import Link, LinkEnded, Scratch, join
from tailrace.cluster.front_door.login import authenticate, log_in
from tailrace.cluster.front_door.messages import encode_refusal
from tailrace.cluster.front_door.reception import Certificate, receive
from tailrace.cluster.front_door.refusal import (
    Refusal,
    address_not_allowed,
    insecure_connection,
    internal_error,
    not_available,
    replication_not_allowed,
    too_many_clients,
    too_slow,
)
from tailrace.cluster.front_door.roles import RoleReader
from tailrace.cluster.front_door.spec import Activity, Backend, FrontDoorSpec
from tailrace.cluster.front_door.startup import CancelRequest, Startup, encode_request, negotiate
from tailrace.cluster.front_door.waker import Waker

_log = logging.getLogger("tailrace.front_door")
_BACKLOG = 1024


class FrontDoor:
    """A listening door; made by `open_front_door`, ended by `close`."""

    def __init__(self, spec: FrontDoorSpec, certificate: Certificate | None) -> None:
        self.spec = spec
        self.port = spec.port
        self._certificate = certificate
        self._allowed = spec.allowed
        self._scratch = Scratch(asyncio.get_running_loop().time)
        self._roles = RoleReader()
        self._waker = Waker(spec.wake, timeout=spec.wake_timeout)
        self._pending: dict[asyncio.Task[None], Link] = {}
        self._sessions: set[Link] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Errors: OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Link(self._scratch, self._accept), self.spec.host, self.spec.port, backlog=_BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def activity(self) -> Activity:
        scratch = self._scratch
        return Activity(len(self._sessions), len(self._pending), scratch.last_traffic, scratch.received)

    def allow(self, allowed: AllowList) -> None:
        """Replace the list of addresses that may connect; sessions that are open stay."""
        self._allowed = allowed

    async def close(self, grace: float = 0.0) -> None:
        """Let nobody in any more, give open sessions `grace` seconds to end, then end them."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._pending):
            task.cancel()
        deadline = time.monotonic() + grace
        while self._sessions and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for link in tuple(self._sessions):
            link.abort()
        if self._pending:
            await asyncio.wait(tuple(self._pending))
        while self._sessions:
            await asyncio.sleep(0)
        await self._waker.close()
        await self._roles.close()

    def _accept(self, client: Link) -> None:
        if len(self._pending) >= self.spec.max_pending:
            client.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(client))
        self._pending[task] = client
        task.add_done_callback(self._pending.pop)

    async def _serve(self, client: Link) -> None:
        try:
            request = await self._receive(client)
            if isinstance(request, CancelRequest):
                await self._cancel(client, request)
            else:
                await self._open_session(client, request)
        except Refusal as refusal:
            _log.info("refused %s: %s", client.address, refusal.sqlstate)
            _refuse(client, refusal)
        except (LinkEnded, TimeoutError):
            client.close()
        except asyncio.CancelledError:
            client.abort()
            raise
        except Exception:
            _log.exception("a connection from %s failed", client.address)
            _refuse(client, internal_error())

    async def _receive(self, client: Link) -> Startup | CancelRequest:
        async with asyncio.timeout(self.spec.handshake_timeout):
            return await receive(client, self._certificate)

    async def _open_session(self, client: Link, startup: Startup) -> None:
        self._admit(client, startup)
        agreed, negotiation = negotiate(startup)
        client.send(negotiation)
        backend = await self._waker.wake()
        try:
            async with asyncio.timeout(self.spec.handshake_timeout):
                await self._log_in(client, agreed, backend)
        except TimeoutError:
            raise too_slow() from None
        except (OSError, psycopg.OperationalError) as error:
            _log.warning("the compute cannot be reached: %s", type(error).__name__)
            raise not_available("the compute cannot be reached") from error

    def _admit(self, client: Link, startup: Startup) -> None:
        if not self._allowed.allows(client.address):
            raise address_not_allowed(client.address)
        if client.binding is None and not self.spec.allow_plain:
            raise insecure_connection()
        if startup.wants_replication and not self.spec.allow_replication:
            raise replication_not_allowed()
        if not startup.user:
            raise Refusal("28000", "no PostgreSQL user name specified in startup packet")

    async def _log_in(self, client: Link, startup: Startup, backend: Backend) -> None:
        stored = await self._roles.read(startup.user, backend)
        keys = await authenticate(client, startup.user, stored, mock_secret=self._mock_secret())
        if len(self._sessions) >= self.spec.max_sessions:
            raise too_many_clients()
        self._sessions.add(client)
        client.when_lost(self._sessions.discard)
        upstream = await self._connect(backend)
        try:
            await log_in(client, upstream, startup, keys)
        except BaseException:
            upstream.abort()
            raise
        self._scratch.note(0)
        join(client, upstream)

    async def _connect(self, backend: Backend) -> Link:
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: Link(self._scratch), backend.socket)
        return link

    async def _cancel(self, client: Link, request: CancelRequest) -> None:
        """Pass the request on to this door's compute, if it has sessions; there is no answer, but an end."""
        backend = self._waker.last
        if backend is not None and self._sessions and self._allowed.allows(client.address):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(self.spec.handshake_timeout):
                    upstream = await self._connect(backend)
                    upstream.send(encode_request(request))
                    await upstream.closed_by_peer()
                    upstream.close()
        client.close()

    def _mock_secret(self) -> bytes:
        if self._certificate is None:
            return self.spec.mock_secret
        return self._certificate.authority.secret(b"salts of unknown roles")


def _refuse(client: Link, refusal: Refusal) -> None:
    if client.may_speak:
        client.send(encode_refusal(refusal))
    client.close()


async def open_front_door(spec: FrontDoorSpec) -> FrontDoor:
    """Listen, and let clients in to the compute behind.

    Errors: OSError when the port is taken or the certificates' folder cannot be used;
    ValueError when nobody could ever connect, or the folder holds no authority.
    """
    if spec.tls is None and not spec.allow_plain:
        raise ValueError("A door without TLS that allows no plain connections lets nobody in.")
    certificate = None
    if spec.tls is not None:
        authority = open_authority(spec.tls.folder, now=time.time())
        certificate = Certificate(authority, spec.tls.hosts)
    door = FrontDoor(spec, certificate)
    await door.listen()
    return door
