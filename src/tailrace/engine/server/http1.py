"""HTTP/1.1 on the wire: requests out of bytes, responses into bytes. No I/O.

Source: RFC 9112. The grammar is kept strictly, so that no two parties can read
one message in two ways: no line folding, no bare CR or LF, one framing only.
What RFC 9112 leaves open stays open: any method, any bytes in the target.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.response.status import has_body

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
HEAD = re.compile(
    rb"(?:\r\n)*(" + TOKEN + rb") ([^\x00-\x20\x7f]+) HTTP/1\.([01])\r\n"
    rb"((?:" + TOKEN + rb":[^\r\n\x00]*\r\n)*)\r\n"
)  # fmt: skip
FIELD = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
ABSOLUTE_FORM = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
BLANKS = b" \t"
"""Optional white space (RFC 9110, 5.6.3)."""
MAX_CHUNK_LINE = 256
DIGITS = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in bytes; a body of None is unbounded."""

    head: int = 64 * 1024
    body: int | None = None


class MalformedRequest(Exception):
    """Bytes that are no request; the connection ends with this status."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(slots=True)
class _Head:
    """A request whose body is still to come."""

    request: HttpRequest
    length: int
    """Bytes of the body; -1 for chunks."""


class RequestReader:
    """Takes bytes as they come and gives requests as they are complete."""

    __slots__ = (
        "_body",
        "_buffer",
        "_expects",
        "_head",
        "_limits",
        "_missing",
        "_received",
        "_searched",
        "keep_alive",
        "version",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = b""
        self._searched = 0
        self._head: _Head | None = None
        self._body: list[bytes] = []
        self._received = 0
        """Bytes of the body so far."""
        self._missing: int | None = None
        """Bytes of the present chunk that are still to come; None between chunks."""
        self._expects = False
        self.keep_alive = True
        """Whether the connection stays open after the last request."""
        self.version = "1.1"

    def feed(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a next request has come yet."""
        return not self._buffer and self._head is None

    @property
    def waits_for_head(self) -> bool:
        """Whether a request has begun whose head is not whole."""
        return bool(self._buffer) and self._head is None

    @property
    def buffered(self) -> int:
        """Bytes that have come and were not asked for yet."""
        return len(self._buffer)

    @property
    def unfinished(self) -> HttpRequest | None:
        """The request whose body is on its way."""
        return None if self._head is None else self._head.request

    @property
    def received(self) -> int:
        """Bytes of that body so far."""
        return self._received

    def wants_continue(self) -> bool:
        """Whether the client waits for `100 Continue`; asked once for each request."""
        wants, self._expects = self._expects and self._head is not None, False
        return wants

    def next_request(self) -> HttpRequest | None:
        """The next complete request, None while bytes are missing.

        Errors: MalformedRequest.
        """
        if self._head is None:
            self._read_head()
        head = self._head
        if head is None:
            return None
        if head.length:
            is_whole = self._read_chunks() if head.length < 0 else self._read_body(head.length)
            if not is_whole:
                return None
            head.request.body = b"".join(self._body)
            self._body = []
            self._received = 0
        self._head = None
        return head.request

    def _read_head(self) -> None:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._searched)
        if end < 0:
            if len(buffer) > self._limits.head:
                raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large")
            if buffer.startswith(b"\n") or b"\n\n" in buffer:
                raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Malformed request")
            self._searched = max(0, len(buffer) - 3)
            return
        if end > self._limits.head:
            raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's head is too large")
        match = HEAD.match(buffer)
        if match is None:
            raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Malformed request")
        self._buffer = buffer[match.end() :] if match.end() < len(buffer) else b""
        self._searched = 0
        method, target, minor, fields = match.groups()
        if target[:1] != b"/":
            target = origin_form(target)
        path, _, query = target.partition(b"?")
        headers = [(name.lower(), value) for name, value in FIELD.findall(fields)]
        self.version = "1.1" if minor == b"1" else "1.0"
        self._frame(HttpRequest(method.decode("ascii"), path, query, headers))

    def _frame(self, request: HttpRequest) -> None:
        """Find how the body is delimited and whether the connection stays open (RFC 9112, 6 and 9.3)."""
        length: bytes | None = None
        transfer: bytes | None = None
        self.keep_alive = self.version == "1.1"
        for name, value in request.headers:
            if name == b"content-length":
                if length is not None and length != value.strip(BLANKS):
                    raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Several values of Content-Length")
                length = value.strip(BLANKS)
            elif name == b"transfer-encoding":
                transfer = value.strip(BLANKS).lower() if transfer is None else transfer + b"," + value
            elif name == b"connection":
                self._set_keep_alive(value)
            elif name == b"expect" and value.strip(BLANKS).lower() == b"100-continue":
                self._expects = True
        self._head = _Head(request, self._body_length(length, transfer))

    def _set_keep_alive(self, value: bytes) -> None:
        options = [option.strip(BLANKS) for option in value.lower().split(b",")]
        if b"close" in options:
            self.keep_alive = False
        elif b"keep-alive" in options:
            self.keep_alive = True

    def _body_length(self, length: bytes | None, transfer: bytes | None) -> int:
        if transfer is not None:
            if transfer != b"chunked" or self.version == "1.0":
                raise MalformedRequest(HTTPStatus.NOT_IMPLEMENTED, "Unknown Transfer-Encoding")
            if length is not None:
                raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Both Content-Length and Transfer-Encoding")
            return -1
        if length is None:
            return 0
        if DIGITS.fullmatch(length) is None:
            raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
        size = int(length)
        self._check_body(size)
        return size

    def _check_body(self, size: int) -> None:
        if self._limits.body is not None and size > self._limits.body:
            raise MalformedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request's body is too large")

    def _read_body(self, length: int) -> bool:
        """Take what has come of a body of this many bytes; True when it is whole."""
        buffer = self._buffer
        missing = length - self._received
        if len(buffer) <= missing:
            taken, self._buffer = buffer, b""
        else:
            taken, self._buffer = buffer[:missing], buffer[missing:]
        if taken:
            self._body.append(taken)
            self._received += len(taken)
        return self._received == length

    def _read_chunks(self) -> bool:
        """Take what has come of a chunked body; True when its last chunk and trailer are in."""
        buffer, at = self._buffer, 0
        try:
            while True:
                if self._missing is None:
                    match = CHUNK_SIZE.match(buffer, at)
                    if match is None:
                        self._check_chunk_line(at)
                        return False
                    size = int(match[1], 16)
                    if size == 0:
                        end = self._trailer_end(match.end())
                        at = at if end is None else end
                        return end is not None
                    at = match.end()
                    self._missing = size
                    self._check_body(self._received + size)
                taken = buffer[at : at + self._missing]
                self._body.append(taken)
                self._received += len(taken)
                self._missing -= len(taken)
                at += len(taken)
                if self._missing or len(buffer) < at + 2:
                    return False
                if not buffer.startswith(b"\r\n", at):
                    raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Malformed chunk")
                at += 2
                self._missing = None
        finally:
            self._buffer = buffer[at:]

    def _check_chunk_line(self, at: int) -> None:
        if len(self._buffer) - at > MAX_CHUNK_LINE or self._buffer.find(b"\n", at) >= 0:
            raise MalformedRequest(HTTPStatus.BAD_REQUEST, "Malformed chunk")

    def _trailer_end(self, start: int) -> int | None:
        """Where the trailer ends, whose fields nobody here uses; None if that has not come yet."""
        buffer = self._buffer
        if buffer.startswith(b"\r\n", start):
            return start + 2
        end = buffer.find(b"\r\n\r\n", start)
        if end >= 0:
            return end + 4
        if len(buffer) - start > self._limits.head:
            raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's trailer is too large")
        return None


def origin_form(target: bytes) -> bytes:
    """Turn the absolute form of a target into path and query; `*` stands for the root."""
    match = ABSOLUTE_FORM.match(target)
    if match is None:
        return b"/" if target == b"*" else b"/" + target
    rest = target[match.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def reason_of(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b"Unknown"


STATUS_LINES: tuple[bytes, ...] = tuple(
    b"HTTP/1.1 %d %s\r\n" % (status, reason_of(status)) for status in range(100, 1000)
)


def render_response(
    response: Response, *, head_only: bool, common: bytes, keep_alive: bool, is_chunked: bool = True
) -> bytes:
    """The bytes of a response; `common` are header lines that every response has (Date, Server).

    Of one whose body is written by a source, only the head; `is_chunked` tells how that body is delimited.
    """
    status, headers, body = response.status, response.headers, response.body
    if response.reason is None and 100 <= status <= 999:
        lines = [STATUS_LINES[status - 100], common]
    else:
        reason = response.reason if response.reason is not None else b"Unknown"
        lines = [b"HTTP/1.1 %d %s\r\n" % (status, reason.translate(None, b"\r\n")), common]
    has_length = False
    for name, value in headers:
        if name == b"Content-Length":
            has_length = True
        lines.append(b"%s: %s\r\n" % (name, value))
    is_bodiless = head_only or status < 200 or not has_body(status)
    if response.source is not None:
        if is_chunked:
            lines.append(b"Transfer-Encoding: chunked\r\n")
    elif not has_length and not is_bodiless:
        lines.append(b"Content-Length: %d\r\n" % len(body))
    lines.append(b"\r\n" if keep_alive else b"Connection: close\r\n\r\n")
    if body and not is_bodiless:
        lines.append(body)
    return b"".join(lines)
