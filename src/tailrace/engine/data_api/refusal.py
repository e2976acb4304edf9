"""Errors that are answered before a request reaches an API: none is meant, or it cannot be had."""

from tailrace.engine.config.config import Verbosity
from tailrace.engine.errors import ApiError
from tailrace.engine.message import HttpRequest, Response
from tailrace.engine.response.cors import cors_headers
from tailrace.engine.response.error import render_error
from tailrace.engine.response.headers import NOT_READY, retry_after


def refuse(request: HttpRequest, error: ApiError, *, origins: tuple[str, ...] = (), retry_delay: int = 0) -> Response:
    """An error's answer, such that a browser may read it; `origins` are those of server-cors-allowed-origins."""
    response = render_error(error, Verbosity.VERBOSE)
    if response.status == NOT_READY:
        response.headers.insert(0, retry_after(retry_delay))
    response.headers.extend(cors_headers(request, origins))
    return response
