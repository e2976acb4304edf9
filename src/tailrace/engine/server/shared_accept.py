"""Accepting on a socket on which other processes accept as well.

An event loop's own server takes all the connections that wait, and one process would
get a whole burst of clients that keep their connections. Here each process takes one
at a time, and leaves it for a moment to the others if one of them has fewer.
"""

import asyncio
import socket

from tailrace.engine.server.protocol import HttpServer
from tailrace.engine.server.tally import ABSENT, Tally

COURTESY = 0.002
"""Seconds in which a connection is left to others; then they are too busy for it."""
PAUSE = 1.0
"""Seconds without accepting after the machine refused, for want of file descriptors or memory."""


class SharedAccept:
    """Makes connections of what comes in on a listening socket, until it is closed."""

    def __init__(self, listening: socket.socket, server: HttpServer, tally: Tally) -> None:
        self._listening = listening
        self._server = server
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._has_waited = False
        self._is_closed = False
        server.on_count = tally.set
        tally.set(0)
        self._resume()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._server.on_count = None
            self._tally.set(ABSENT)
            self._loop.remove_reader(self._listening)
            self._listening.close()

    def _resume(self) -> None:
        if not self._is_closed:
            self._loop.add_reader(self._listening, self._accept)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._loop.call_later(seconds, self._resume)

    def _accept(self) -> None:
        if not self._has_waited and self._tally.is_ahead():
            self._has_waited = True
            self._wait(COURTESY)
            return
        self._has_waited = False
        try:
            client, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was first, or the client has thought better of it
        except OSError:
            self._wait(PAUSE)
            return
        client.setblocking(False)
        opening: asyncio.Task[object] = self._loop.create_task(self._open(client))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._server.connection, client)
        except OSError:
            client.close()
