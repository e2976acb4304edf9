"""The server's side of one TLS session, on bytes alone: no socket, no event loop.

asyncio's own TLS keeps a quarter of a megabyte for every connection and cannot close
one direction alone; this keeps what OpenSSL needs.
"""

import contextlib
import ssl
from collections.abc import Iterator

from tailrace.cluster.front_door.certificates import TlsIdentity


class TlsSession:
    """Ciphertext in, plaintext out, and the other way. `ended` once the client has closed its direction."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "binding", "ended", "established")

    def __init__(self, identity: TlsIdentity) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = identity.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.binding = identity.binding
        self.established = False
        self.ended = False

    @property
    def alpn(self) -> str | None:
        return self._tls.selected_alpn_protocol()

    def receive(self, ciphertext: bytes | memoryview, scratch: memoryview) -> Iterator[bytes]:
        """Take what the client sent; give what it said, in pieces of at most the size of `scratch`.

        Each piece must be taken before the next; `take_outgoing` after all, errors included.
        Errors: ssl.SSLError for what is no TLS.
        """
        self._incoming.write(ciphertext)
        try:
            if not self.established:
                self._tls.do_handshake()
                self.established = True
            yield from self._read(scratch)
        except ssl.SSLWantReadError:
            return

    def _read(self, scratch: memoryview) -> Iterator[bytes]:
        size, filled = len(scratch), 0
        while not self.ended:
            try:
                # OpenSSL hands over one record a call.
                count = self._tls.read(size - filled, scratch[filled:])
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError) as stopped:
                self.ended = isinstance(stopped, ssl.SSLZeroReturnError)
                break
            if not count:
                self.ended = True
                break
            filled += int(count)
            if filled == size:
                yield bytes(scratch)
                filled = 0
        if filled:
            yield bytes(scratch[:filled])

    def send(self, plaintext: bytes) -> bytes:
        """Encrypt for the client."""
        view = memoryview(plaintext)
        while view:
            view = view[self._tls.write(view) :]
        return self._outgoing.read()

    def take_outgoing(self) -> bytes:
        """What TLS itself has to say: of the handshake, an alert."""
        return self._outgoing.read()

    def finish(self) -> bytes:
        """Say that nothing more comes from us."""
        with contextlib.suppress(ssl.SSLError, OSError):  # the client has not said the same yet
            self._tls.unwrap()
        return self._outgoing.read()
