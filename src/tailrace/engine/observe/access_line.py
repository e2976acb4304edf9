"""One line for each answered request, in Apache's combined log format.

Source: PostgREST docs, references/observability, "Logs".
"""

import re

from tailrace.engine.observe.events import RequestAnswered

CONTROL_CHARACTER = re.compile(rb"[\x00-\x1f\x7f]")


def access_line(event: RequestAnswered, when: str) -> bytes:
    """The line with its line break; control characters that a client sent are escaped."""
    length = "-" if event.length is None else str(event.length)
    start = f'{event.remote_address} - {event.role or "-"} [{when}] "{event.method} '
    middle = f' HTTP/{event.http_version}" {event.status} {length} "'
    line = b"".join((start.encode(), event.target, middle.encode(), event.referer, b'" "', event.user_agent, b'"'))
    return CONTROL_CHARACTER.sub(_escape, line) + b"\n"


def _escape(character: re.Match[bytes]) -> bytes:
    return b"\\x%02x" % character[0][0]
