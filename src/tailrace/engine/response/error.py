"""Errors as answers: the one place that renders them. Source: PostgREST docs, references/errors."""

from tailrace.engine.config.config import Verbosity
from tailrace.engine.errors import ApiError
from tailrace.engine.json_document import write_json
from tailrace.engine.message import Headers, Response
from tailrace.engine.response.headers import header_text
from tailrace.engine.response.status import has_body

CONTENT_TYPE = (b"Content-Type", b"application/json; charset=utf-8")


def render_error(error: ApiError, verbosity: Verbosity) -> Response:
    body = error_body(error, verbosity)
    headers: Headers = [
        CONTENT_TYPE,
        (b"Content-Length", b"%d" % len(body)),
        (b"Proxy-Status", b"PostgREST; error=" + header_text(error.code)),
    ]
    headers.extend((header_text(name), header_text(value)) for name, value in error.headers)
    reason = None if error.reason is None else header_text(error.reason)
    return Response(error.status, headers, body if has_body(error.status) else b"", reason)


def error_body(error: ApiError, verbosity: Verbosity) -> bytes:
    """JSON with keys in alphabetical order; without details and hint if clients are not to be told."""
    document = {"code": error.code, "message": error.message}
    if verbosity is Verbosity.VERBOSE:
        document |= {"details": error.details, "hint": error.hint}
    return write_json(document).encode(errors="replace")
