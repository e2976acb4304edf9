"""What the log and the metrics are told of a request that was answered."""

from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.observe import events
from tailrace.engine.server.protocol import Client


def request_answered(
    request: HttpRequest, response: Response, *, path: bytes, role: str | None, client: Client, seconds: float
) -> events.RequestAnswered:
    """`path` is the client's, of which a prefix may have been taken off for the API."""
    return events.RequestAnswered(
        role=role,
        method=request.method,
        target=path + (b"?" + request.query if request.query else b""),
        http_version=client.http_version,
        status=response.status,
        length=content_length(response),
        remote_address=client.address,
        user_agent=request.header(b"user-agent") or b"",
        referer=request.header(b"referer") or b"",
        seconds=seconds,
    )


def content_length(response: Response) -> int | None:
    """The Content-Length that an answer names; None if it has none."""
    for name, value in response.headers:
        if name == b"Content-Length":
            return int(value)
    return None
