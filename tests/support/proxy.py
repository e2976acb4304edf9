"""A network between the server and Postgres that can be stalled, cut and encrypted."""

import contextlib
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSS_REQUEST = struct.pack("!ii", 8, 80877104)
TURN = 0.02
"""Seconds after which a connection looks whether it is stalled, or cut."""


class Proxy:
    """Listens on a port of its own and passes on to another, unencrypted.

    With `tls` it demands encryption of its clients, as a Postgres with `hostssl` does.
    """

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.target = port
        self.accepted = 0
        """Connections that there have been."""
        self.encrypted = 0
        """Of these, the ones that were encrypted."""
        self._tls = tls
        self._flows = threading.Event()
        self._flows.set()
        self._generation = 0
        self._closed = False
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def stall(self) -> None:
        """Take what comes and pass on nothing, not even that somebody hung up."""
        self._flows.clear()

    def resume(self) -> None:
        self._flows.set()

    def cut(self) -> None:
        """Reset the connections that there are."""
        self._generation += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._flows.set()
        # A close alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        generation = self._generation
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(client.close)
            inner = self._encrypt(client) if self._tls is not None else client
            stack.callback(inner.close)
            server = stack.enter_context(socket.create_connection((HOST, self.target)))
            for source in self._readable(inner, server, generation):
                data = source.recv(65_536)
                if not self._may_pass(generation):
                    break
                if not data:
                    return
                (server if source is inner else inner).sendall(data)
            _reset(client)

    def _may_pass(self, generation: int) -> bool:
        """Wait while the network is stalled; False when the connection was cut meanwhile."""
        while not self._flows.wait(TURN):
            if self._closed or generation != self._generation:
                return False
        return generation == self._generation

    def _encrypt(self, client: socket.socket) -> socket.socket:
        assert self._tls is not None
        asked = client.recv(8)
        if asked == GSS_REQUEST:
            client.sendall(b"N")
            asked = client.recv(8)
        if asked != SSL_REQUEST:
            raise OSError("a client that does not encrypt")
        client.sendall(b"S")
        encrypted = self._tls.wrap_socket(client, server_side=True)
        self.encrypted += 1
        return encrypted

    def _readable(self, one: socket.socket, other: socket.socket, generation: int) -> Iterator[socket.socket]:
        """Whichever has something to read, until the connection is cut."""
        with selectors.DefaultSelector() as selector:
            selector.register(one, selectors.EVENT_READ)
            selector.register(other, selectors.EVENT_READ)
            while not self._closed and generation == self._generation:
                if isinstance(one, ssl.SSLSocket) and one.pending():
                    yield one
                    continue
                for key, _ in selector.select(TURN):
                    assert isinstance(key.fileobj, socket.socket)
                    yield key.fileobj


def _reset(connection: socket.socket) -> None:
    """Close so that the other side finds its connection reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
