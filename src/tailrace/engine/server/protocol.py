"""One client's connection: bytes in, requests to the handler, answers out in order."""

import asyncio
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from tailrace.engine.message import BodySource, HttpRequest, Response
from tailrace.engine.server.http1 import Limits, MalformedRequest, RequestReader, render_response

Reply = Callable[[Response], None]
Handler = Callable[[HttpRequest, Reply, "Client"], None]
"""Answers a request by calling the reply once, now or later, on the loop."""

MAX_PIPELINED = 256 * 1024
"""Bytes of further requests that are taken in while one is being answered."""


class Client:
    """What the handler may know of the other end."""

    __slots__ = ("address", "http_version", "is_gone", "on_gone")

    def __init__(self, address: str) -> None:
        self.address = address
        """`-` for a Unix socket."""
        self.http_version = "1.1"
        self.is_gone = False
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


class HttpServer:
    """What the connections of one listening socket share."""

    __slots__ = ("common", "connections", "handler", "idle_timeout", "is_closing", "limits", "loop", "request_timeout")

    def __init__(self, handler: Handler, *, server_header: str, limits: Limits) -> None:
        self.handler = handler
        self.common = CommonHeaders(server_header)
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.is_closing = False
        self.idle_timeout = 75.0
        """Seconds that a connection may stay open between requests."""
        self.request_timeout = 30.0
        """Seconds in which bytes of a begun request must come."""

    def connection(self) -> "HttpConnection":
        return HttpConnection(self)

    def sweep(self) -> None:
        """Close connections that have been silent for too long."""
        now = self.loop.time()
        for connection in list(self.connections):
            connection.close_if_silent(now)

    def start_closing(self) -> None:
        """Let every connection end with the answer it waits for."""
        self.is_closing = True
        for connection in list(self.connections):
            connection.finish()


class HttpConnection(asyncio.Protocol):
    """Answers the requests of one client, one after the other."""

    __slots__ = (
        "_busy_with",
        "_client",
        "_is_chunked",
        "_is_full",
        "_keep_alive",
        "_reader",
        "_server",
        "_since",
        "_source",
        "_transport",
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
        self._is_full = False
        self._since = server.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport, by the protocol we are
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self._client.address = str(peer[0])
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None
        self._client.is_gone = True
        if self._source is not None:
            self._source.gone()
        elif self._busy_with is not None and self._client.on_gone is not None:
            self._client.on_gone()

    def data_received(self, data: bytes) -> None:
        self._since = self._server.loop.time()
        self._reader.feed(data)
        if self._busy_with is None:
            self._handle_next()
        elif len(data) > MAX_PIPELINED and self._transport is not None:
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
            transport.close()
        elif not self._reader.is_idle:
            transport.resume_reading()
            self._server.loop.call_soon(self._continue)

    # A body in pieces --------------------------------------------------------------------------

    def write_body(self, data: bytes) -> bool:
        transport = self._transport
        if transport is not None and data:
            transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        return not self._is_full

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
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
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
        self._transport.close()

    def finish(self) -> None:
        if self._busy_with is None and self._transport is not None:
            self._transport.close()

    def close_if_silent(self, now: float) -> None:
        if self._busy_with is not None or self._transport is None:
            return
        server = self._server
        allowed = server.idle_timeout if self._reader.is_idle else server.request_timeout
        if now - self._since > allowed:
            if not self._reader.is_idle:
                self._refuse(MalformedRequest(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time"))
            else:
                self._transport.close()


def malformed_response(error: MalformedRequest) -> Response:
    body = json.dumps(
        {"code": f"TLR{error.status.value}", "details": None, "hint": None, "message": error.text},
        separators=(",", ":"),
    ).encode()
    return Response(error.status, [(b"Content-Type", b"application/json; charset=utf-8")], body)
