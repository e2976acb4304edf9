"""Cross-origin requests (CORS; PostgREST docs, references/http_server; WHATWG Fetch, "HTTP-CORS protocol").

Without server-cors-allowed-origins every origin is welcome, without credentials;
with it the listed ones are, with credentials, and others are served as if they
were no browsers.
"""

import re

from tailrace.engine.message import Headers, HttpRequest, Response

METHODS = (b"GET", b"POST", b"PATCH", b"PUT", b"DELETE", b"OPTIONS", b"HEAD")
SIMPLE_HEADERS = (b"Accept", b"Accept-Language", b"Content-Language")
NAME = re.compile(rb"\s*([!#-'*+\-.0-9A-Z^-z|~]+)\s*(,?)")
EXPOSED = (
    b"Access-Control-Expose-Headers",
    b"Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server,"
    b" Transfer-Encoding, Range-Unit",
)
MAX_AGE = (b"Access-Control-Max-Age", b"86400")
ALLOW_METHODS = (b"Access-Control-Allow-Methods", b", ".join(METHODS))


def cors_headers(request: HttpRequest, allowed_origins: tuple[str, ...]) -> Headers:
    """Headers to add to the answer of a request that is no OPTIONS; none if it came from no (welcome) origin."""
    if request.method == "OPTIONS":
        return []
    origin = _origin_headers(request, allowed_origins)
    return [*origin, EXPOSED] if origin else []


def preflight(request: HttpRequest, allowed_origins: tuple[str, ...]) -> Response | None:
    """The answer to a preflight; None for an OPTIONS request that is none, or asks for what is not allowed.

    It is given before authentication, since browsers send preflights without credentials.
    """
    if request.method != "OPTIONS" or request.header(b"access-control-request-method") not in METHODS:
        return None
    headers = _origin_headers(request, allowed_origins)
    if not headers:
        return None
    headers.append(ALLOW_METHODS)
    asked = request.header(b"access-control-request-headers")
    if asked is not None:
        allowed = _allowed_headers(asked)
        if allowed is None:
            return None
        headers.append((b"Access-Control-Allow-Headers", allowed))
    headers.append(MAX_AGE)
    return Response(200, headers)


def _origin_headers(request: HttpRequest, allowed_origins: tuple[str, ...]) -> Headers:
    origin = request.header(b"origin")
    if origin is None or (request.header(b"upgrade") or b"").lower() == b"websocket":
        return []
    if not allowed_origins:
        return [(b"Access-Control-Allow-Origin", b"*")]
    if not any(origin == allowed.encode() for allowed in allowed_origins):
        return []
    return [(b"Access-Control-Allow-Origin", origin), (b"Access-Control-Allow-Credentials", b"true")]


def _allowed_headers(asked: bytes) -> bytes | None:
    """All that was asked for, between our own; None if it is no list of names."""
    allowed = [b"Authorization", *(name.strip() for name in asked.split(b",") if asked)]
    known = frozenset(name.lower() for name in allowed)
    allowed += [name for name in SIMPLE_HEADERS if name.lower() not in known]
    known |= frozenset(name.lower() for name in allowed)
    return b", ".join(allowed) if all(name.lower() in known for name in _names(asked)) else None


def _names(asked: bytes) -> list[bytes]:
    """The names at the start of a list, up to the first thing that is none."""
    names, start = [], 0
    while (match := NAME.match(asked, start)) is not None:
        names.append(match[1])
        start = match.end()
        if not match[2]:
            break
    return names
