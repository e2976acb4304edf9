"""Headers of answers, and how the database adds and overrides them.

Source: PostgREST docs, references/transactions, "Response headers".
"""

import re

from tailrace.engine.errors import InvalidResponseHeaders
from tailrace.engine.json_document import parse_json
from tailrace.engine.message import Headers, HttpRequest
from tailrace.engine.request.api_request import ApiRequest

Header = tuple[bytes, bytes]

VARY: Header = (b"Vary", b"Accept, Prefer, Range")
NO_CONTENT: Header = (b"Content-Length", b"0")
FRAMING = frozenset((b"content-length", b"transfer-encoding"))
CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
TOKEN = re.compile(r'[^\x00-\x20\x7f()<>@,;:\\"/\[\]?={}]+')
"""What a header's name is made of (RFC 9110, 5.6.2), and letters beyond ASCII, which PostgREST sends too."""
LINE_BREAKS = re.compile(r"[\r\n\0]")
NOT_READY = 503


def header_text(text: str) -> bytes:
    """Text of the database as (part of) a header: no line break gets through."""
    return CONTROLS.sub(" ", text).encode(errors="replace")


def content_headers(content_type: str, request: ApiRequest) -> tuple[Header, ...]:
    """Content-Type, and the schema if the client chose it by a profile header."""
    header = (b"Content-Type", header_text(content_type))
    if request.negotiated_by_profile:
        return (header, (b"Content-Profile", header_text(request.schema)))
    return (header,)


def override_headers(headers: Headers, setting: bytes) -> Headers:
    """Add the headers of response.headers, each in place of ours of the same name.

    How long the body is stays for the server to say.
    Errors: InvalidResponseHeaders (PGRST111, 500).
    """
    added = _read_headers(setting)
    names = frozenset(name.lower() for name, _ in added)
    return [header for header in headers if header[0].lower() not in names] + added


def retry_after(seconds: int) -> Header:
    """Sent along with every answer of status NOT_READY: when the connection is tried next."""
    return (b"Retry-After", b"%d" % seconds)


def trace_header(request: HttpRequest, name: str) -> Header:
    """The header that server-trace-header names, sent back as it came, empty if it did not."""
    sent = request.header(name.lower().encode())
    return (name.encode(), sent if sent is not None else b"")


def _read_headers(setting: bytes) -> Headers:
    try:
        items = parse_json(setting.decode())
    except ValueError:
        raise InvalidResponseHeaders from None
    if not isinstance(items, list):
        raise InvalidResponseHeaders
    headers = [_read_header(item) for item in items]
    return [header for header in headers if header[0].lower() not in FRAMING]


def _read_header(item: object) -> Header:
    if not isinstance(item, dict) or len(item) != 1:
        raise InvalidResponseHeaders
    [(name, value)] = item.items()
    if not isinstance(value, str) or TOKEN.fullmatch(name) is None or LINE_BREAKS.search(value):
        raise InvalidResponseHeaders
    return (name.encode(), value.encode())
