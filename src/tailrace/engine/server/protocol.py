"""One client's connection: bytes in, requests to the handler, answers out in order."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from tailrace.engine.config.config import Verbosity
from tailrace.engine.errors import unreadable_request
from tailrace.engine.message import BodySource, HttpRequest, Response
from tailrace.engine.response.error import CONTENT_TYPE, error_body
from tailrace.engine.server.http1 import Limits, MalformedRequest, RequestReader, render_response

Reply = Callable[[Response], None]
Handler = Callable[[HttpRequest, Reply, "Client"], None]
"""Answers a request by calling the reply once, now or later, on the loop."""

MAX_PIPELINED = 256 * 1024
"""Bytes of further requests that are taken in while one is being answered."""


class Client:
    """What the handler may know of the other end."""

    __slots__ = ("address", "http_version", "on_gone")

    def __init__(self, address: str) -> None:
        self.address = address
        """`-` for a Unix socket."""
        self.http_version = "1.1"
        self.on_gone: Callable[[], None] | None = None
        """Called if the client goes away before its answer is ready."""


class CommonHeaders:
    """The header lines that every response has, made anew once a second."""

    __slots__ = ("_lines", "_second", "_server")

    def __init__(self, server: str) -> None:
        self._server = server
        self._second = 0
        self._lines = b""

    def lines(self) -> bytes:
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._lines = f"Date: {formatdate(now, usegmt=True)}\r\nServer: {self._server}\r\n".encode()
        return self._lines


@dataclass(frozen=True, slots=True)
class _Upload:
    """How far the body of a request had come at a time."""

    request: HttpRequest
    since: float
    received: int


class HttpServer:
    """What the connections of one listening socket share."""

    __slots__ = (
        "common",
        "connections",
        "handler",
        "idle_timeout",
        "is_closing",
        "limits",
        "loop",
        "on_count",
        "request_timeout",
        "slowest_upload",
        "upload_window",
        "write_timeout",
    )

    def __init__(self, handler: Handler, *, server_header: str, limits: Limits) -> None:
        self.handler = handler
        self.common = CommonHeaders(server_header)
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.on_count: Callable[[int], None] | None = None
        """Called with the number of connections when it changes."""
        self.is_closing = False
        self.idle_timeout = 75.0
        """Seconds that a connection may stay open between requests."""
        self.request_timeout = 30.0
        """Seconds in which the head of a begun request must come, and then each further part of its body."""
        self.upload_window = 30.0
        """Seconds over which the speed of an upload is judged, again and again."""
        self.slowest_upload = 500.0
        """Bytes a second of a body that must come in each of these, so that one byte now and then holds nothing."""
        self.write_timeout = 30.0
        """Seconds in which a client must take some of what it is sent."""

    def connection(self) -> "HttpConnection":
        return HttpConnection(self)

    def counted(self) -> None:
        if self.on_count is not None:
            self.on_count(len(self.connections))

    def sweep(self) -> None:
        """End connections that have been silent, or deaf, for too long."""
        now = self.loop.time()
        for connection in list(self.connections):
            connection.close_if_silent(now)

    def start_closing(self) -> None:
        """Let every connection end with the answer it waits for."""
        self.is_closing = True
        for connection in list(self.connections):
            connection.finish()

    def cut(self) -> None:
        """End every connection at once."""
        for connection in list(self.connections):
            connection.cut()


class HttpConnection(asyncio.Protocol):
    """Answers the requests of one client, one after the other."""

    __slots__ = (
        "_busy_with",
        "_client",
        "_full_since",
        "_is_chunked",
        "_is_ending",
        "_keep_alive",
        "_reader",
        "_server",
        "_since",
        "_source",
        "_transport",
        "_upload",
    )

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._reader = RequestReader(server.limits)
        self._transport: asyncio.Transport | None = None
        self._client = Client("-")
        self._busy_with: HttpRequest | None = None
        self._keep_alive = True
        self._source: BodySource | None = None
        """What is writing the body of the present answer."""
        self._is_chunked = False
        self._since = server.loop.time()
        """When the client last sent something, or was sent an answer; of a request's head, when it began."""
        self._full_since: float | None = None
        """When the client began to take nothing more of what it is sent."""
        self._upload: _Upload | None = None
        """A body that was on its way when last looked at."""
        self._is_ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport, by the protocol we are
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._client.address = str(peer[0])
        self._server.connections.add(self)
        self._server.counted()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._server.counted()
        self._transport = None
        if self._source is not None:
            self._source.gone()
        elif self._busy_with is not None and self._client.on_gone is not None:
            self._client.on_gone()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if not reader.waits_for_head:
            self._since = self._server.loop.time()
        reader.feed(data)
        if self._busy_with is None:
            self._handle_next()
        elif reader.buffered > MAX_PIPELINED and self._transport is not None:
            self._transport.pause_reading()

    def _handle_next(self) -> None:
        reader = self._reader
        try:
            request = reader.next_request()
        except MalformedRequest as error:
            self._refuse(error)
            return
        if request is None:
            if reader.wants_continue() and self._transport is not None:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        self._busy_with = request
        self._keep_alive = reader.keep_alive and not self._server.is_closing
        self._client.http_version = reader.version
        self._server.handler(request, self._reply, self._client)

    def _reply(self, response: Response) -> None:
        request, transport = self._busy_with, self._transport
        self._client.on_gone = None
        if transport is None or request is None:
            if response.source is not None:
                response.source.gone()
            return
        source = response.source
        if source is not None:
            self._is_chunked = self._client.http_version == "1.1"
            self._keep_alive = self._keep_alive and self._is_chunked
        head = render_response(
            response,
            head_only=request.method == "HEAD",
            common=self._server.common.lines(),
            keep_alive=self._keep_alive and not self._server.is_closing,
            is_chunked=self._is_chunked,
        )
        transport.write(head)
        if source is None:
            self._finish_answer(transport)
        else:
            self._source = source
            source.attach(self)

    def _finish_answer(self, transport: asyncio.Transport) -> None:
        self._busy_with = None
        self._since = self._server.loop.time()
        if not self._keep_alive or self._server.is_closing:
            self._end(transport)
        elif not self._reader.is_idle:
            transport.resume_reading()
            self._server.loop.call_soon(self._continue)

    # A body in pieces --------------------------------------------------------------------------

    def write_body(self, data: bytes) -> bool:
        transport = self._transport
        if transport is not None and data:
            transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        return self._full_since is None

    def end_body(self) -> None:
        transport, self._source = self._transport, None
        if transport is not None:
            if self._is_chunked:
                transport.write(b"0\r\n\r\n")
            self._finish_answer(transport)

    def abort_body(self) -> None:
        transport, self._source = self._transport, None
        if transport is not None:
            transport.abort()

    def pause_writing(self) -> None:
        self._full_since = self._server.loop.time()

    def resume_writing(self) -> None:
        self._full_since = None
        if self._source is not None:
            self._source.drained()

    def _continue(self) -> None:
        if self._busy_with is None and self._transport is not None:
            self._handle_next()

    def _refuse(self, error: MalformedRequest) -> None:
        """Answer bytes that are no request, and hang up: what follows them cannot be told apart."""
        if self._transport is None:
            return
        response = malformed_response(error)
        self._transport.write(
            render_response(response, head_only=False, common=self._server.common.lines(), keep_alive=False)
        )
        self._end(self._transport)

    def finish(self) -> None:
        """Close, unless a request is under way or on its way."""
        if self._busy_with is None and self._reader.is_idle and self._transport is not None:
            self._end(self._transport)

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _end(self, transport: asyncio.Transport) -> None:
        """Close as soon as the client has taken what it was sent; `close_if_silent` sees that it does."""
        self._is_ending = True
        self._since = self._server.loop.time()
        transport.close()

    def close_if_silent(self, now: float) -> None:
        server, transport = self._server, self._transport
        if transport is None:
            return
        if self._is_ending or self._full_since is not None:
            since = self._since if self._full_since is None else self._full_since
            if now - since > server.write_timeout:
                transport.abort()
            return
        if self._busy_with is not None:
            return
        allowed = server.idle_timeout if self._reader.is_idle else server.request_timeout
        if now - self._since > allowed or self._drips(now):
            if not self._reader.is_idle:
                self._refuse(MalformedRequest(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time"))
            else:
                self._end(transport)

    def _drips(self, now: float) -> bool:
        """Whether too little of a body has come lately."""
        server, request, received = self._server, self._reader.unfinished, self._reader.received
        if request is None:
            self._upload = None
            return False
        upload = self._upload
        if upload is None or upload.request is not request:
            self._upload = _Upload(request, now, received)
            return False
        seconds = now - upload.since
        if seconds <= server.upload_window:
            return False
        self._upload = _Upload(request, now, received)
        return received - upload.received < server.slowest_upload * seconds


def malformed_response(error: MalformedRequest) -> Response:
    body = error_body(unreadable_request(error.status.value, error.text), Verbosity.VERBOSE)
    return Response(error.status, [CONTENT_TYPE], body)
