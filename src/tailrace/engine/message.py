"""HTTP messages as the engine sees them: bytes in, bytes out."""

from dataclasses import dataclass, field
from typing import Protocol

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class HttpRequest:
    """One request as it came over the wire.

    `path` and `query` are raw (still percent-encoded, without the `?`), header
    names are in lower case, values as sent, in the order and number they came.
    """

    method: str
    path: bytes
    query: bytes
    headers: Headers
    body: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """The first header of this (lower case) name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class BodyWriter(Protocol):
    """Where a body goes whose length nobody knows yet."""

    def write_body(self, data: bytes) -> bool:
        """Send a piece; False asks to wait for `BodySource.drained` before the next one."""

    def end_body(self) -> None: ...

    def abort_body(self) -> None:
        """Hang up in the middle, so that the client sees that something is missing."""


class BodySource(Protocol):
    """What writes such a body, told how its client is doing."""

    def attach(self, writer: BodyWriter) -> None:
        """The head is sent: begin."""

    def drained(self) -> None: ...

    def gone(self) -> None:
        """The client has gone away; nothing written any more is of use."""


@dataclass(slots=True)
class Response:
    """One answer. Header names are written as they are to be sent."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    reason: bytes | None = None
    """Reason phrase where it is not the standard one (`RAISE` with status_text, SQLSTATE PTxyz)."""
    source: BodySource | None = None
    """Writes the body, instead of `body`."""
