"""One connection of the door: awaited on while somebody logs in, then a plain pipe to its peer.

After `join` no byte is looked at: what comes from one side goes to the other, and a
side that cannot take more stops the other from reading.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import cast

from tailrace.cluster.front_door.tls import TlsSession

CHUNK = 262_144
"""Bytes read at once. One buffer serves all connections: each read is passed on before the next."""
_EARLY_READ = 16_384
_EARLY_LIMIT = 32_768
"""Bytes that wait unread before the connection is joined; the sender waits when there are more."""
_LINGER = 30.0
"""Seconds for a peer to take the last bytes."""


class LinkEnded(Exception):
    """The other side has gone, or speaks no TLS."""


class Scratch:
    """The buffers that all connections of a door read into, and when they last did."""

    __slots__ = ("clock", "last_traffic", "plain", "raw", "received")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.raw = memoryview(bytearray(CHUNK))
        self.plain = memoryview(bytearray(CHUNK))
        self.clock = clock
        self.last_traffic = clock()
        self.received = 0

    def note(self, count: int) -> None:
        self.received += count
        self.last_traffic = self.clock()


class Link(asyncio.BufferedProtocol):
    """A connection to a client (perhaps with TLS on it) or to the backend."""

    __slots__ = (
        "_early",
        "_ended",
        "_is_client",
        "_lost",
        "_on_lost",
        "_on_made",
        "_peer",
        "_scratch",
        "_tls",
        "_transport",
        "_waiter",
    )

    def __init__(self, scratch: Scratch, on_made: Callable[["Link"], None] | None = None) -> None:
        self._scratch = scratch
        self._on_made = on_made
        self._is_client = on_made is not None
        self._on_lost: Callable[[Link], None] | None = None
        self._transport: asyncio.Transport
        self._tls: TlsSession | None = None
        self._peer: Link | None = None
        self._early = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._lost = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods, not the class.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=2 * CHUNK)
        if self._on_made is not None:
            # A client that vanished without a word must not keep its session for ever.
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._on_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._scratch.raw if self._peer is not None else self._scratch.raw[:_EARLY_READ]

    def buffer_updated(self, nbytes: int) -> None:
        data = self._scratch.raw[:nbytes]
        if self._tls is None:
            self._take(bytes(data))
        else:
            self._decrypt(data)

    def eof_received(self) -> bool:
        self._end()
        return True

    def pause_writing(self) -> None:
        if self._peer is not None and not self._peer._transport.is_closing():
            self._peer._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._peer is not None and not self._peer._transport.is_closing():
            self._peer._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._ended = True
        self._wake()
        peer, self._peer = self._peer, None
        if peer is not None:
            peer._peer = None
            peer.close()
        if self._on_lost is not None:
            self._on_lost(self)

    # For whoever logs in

    @property
    def address(self) -> str:
        peer = self._transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    @property
    def binding(self) -> bytes | None:
        """Channel binding data; None without TLS."""
        return None if self._tls is None else self._tls.binding

    @property
    def may_speak(self) -> bool:
        """Whether the other side could understand a message now."""
        return not self._lost and (self._tls is None or self._tls.established)

    def when_lost(self, callback: Callable[["Link"], None]) -> None:
        self._on_lost = callback
        if self._lost:
            callback(self)

    async def peek(self) -> int:
        """The next byte, which stays. Errors: LinkEnded."""
        await self._fill(1)
        return self._early[0]

    async def read(self, count: int) -> bytes:
        """Exactly `count` bytes. Errors: LinkEnded when fewer come."""
        await self._fill(count)
        data = bytes(self._early[:count])
        del self._early[:count]
        return data

    @property
    def has_unread(self) -> bool:
        return bool(self._early)

    async def start_tls(self, session: TlsSession) -> None:
        """Shake hands as the server; unread bytes are the client's first. Errors: LinkEnded."""
        early = bytes(self._early)
        self._early.clear()
        self._tls = session
        if early:
            self._decrypt(early)
        while not session.established:
            await self._wait()

    async def closed_by_peer(self) -> None:
        """Wait until the other side ends; what it says meanwhile is dropped."""
        with contextlib.suppress(LinkEnded):
            while True:
                await self.read(1)

    # Both ways

    def send(self, data: bytes) -> None:
        if self._lost or self._transport.is_closing():
            return
        self._transport.write(data if self._tls is None else self._tls.send(data))

    def close(self) -> None:
        """Close when the last bytes are taken, at the latest after some seconds."""
        if self._lost:
            return
        if self._tls is not None and self._tls.established and not self._transport.is_closing():
            self._transport.write(self._tls.finish())
        self._transport.close()
        if self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_LINGER, self._transport.abort)

    def abort(self) -> None:
        if not self._lost:
            self._transport.abort()

    # Within

    def _decrypt(self, data: bytes | memoryview) -> None:
        assert self._tls is not None
        try:
            for piece in self._tls.receive(data, self._scratch.plain):
                self._take(piece)
        except ssl.SSLError:
            self._transport.write(self._tls.take_outgoing())
            self.close()
            self._end()
            return
        if outgoing := self._tls.take_outgoing():
            self._transport.write(outgoing)
        if self._tls.ended:
            self._end()
        self._wake()

    def _take(self, data: bytes) -> None:
        if self._peer is not None:
            self._scratch.note(len(data))
            self._peer.send(data)
            return
        self._early += data
        if len(self._early) > _EARLY_LIMIT and not self._transport.is_closing():
            self._transport.pause_reading()
        self._wake()

    def _end(self) -> None:
        """The other side says no more."""
        if self._ended:
            return
        self._ended = True
        self._wake()
        if self._peer is not None:
            self._pass_end(self._peer)

    def _pass_end(self, peer: "Link") -> None:
        """A client that says no more may still listen; a Postgres that says no more has gone."""
        if self._is_client and not peer._ended:
            peer._transport.write_eof()
            return
        self.close()
        peer.close()

    async def _fill(self, count: int) -> None:
        while len(self._early) < count:
            if not self._ended and not self._transport.is_closing():
                self._transport.resume_reading()
            await self._wait()

    async def _wait(self) -> None:
        if self._ended:
            raise LinkEnded
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _begin(self, peer: "Link") -> None:
        early = bytes(self._early)
        self._early = bytearray()
        if early:
            self._take(early)
        if self._ended:
            self._pass_end(peer)
        elif not self._transport.is_closing():
            self._transport.resume_reading()


def join(client: Link, backend: Link) -> None:
    """From now on, each is the other's. Ends with both once one of them has gone."""
    if client._lost or backend._lost:
        client.close()
        backend.close()
        return
    client._peer, backend._peer = backend, client
    backend._begin(client)
    client._begin(backend)
