"""The log: requests go to the standard output, everything else to the standard error.

Source: PostgREST docs, references/observability, "Logs", and
references/configuration, "log-level".
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import BinaryIO

from tailrace.engine.log_level import LogFormat, LogLevel
from tailrace.engine.observe import events as e
from tailrace.engine.observe.access_line import access_line
from tailrace.engine.observe.description import describe

TIMEOUT_SILENCE = 5.0
"""Seconds after a pool timeout in which no further one is logged, for they come in swarms."""

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds, as an event loop's `call_later`."""

ERRORS = frozenset({e.PoolTimeout, e.DatabaseErrorSevere, e.InternalFault, e.SchemaCacheMissing})
FOR_DEVELOPMENT = frozenset(
    {
        e.ConnectionOpening,
        e.ConnectionReady,
        e.ConnectionInUse,
        e.ConnectionClosed,
        e.PoolRequested,
        e.PoolRequestFulfilled,
        e.PoolFlushed,
        e.JwtCacheLookup,
        e.JwtCacheEviction,
        e.HttpServerNotice,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    level: Callable[[], LogLevel]
    """Asked at every event, as a reload may change it."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    format: LogFormat = LogFormat.TEXT
    zone: tzinfo | None = None
    """None for the machine's own time zone."""
    later: Later | None = None
    """For what is told at the end of a silence; None tells it never."""
    api: str | None = None
    """Name that every line carries, where several APIs share a log: a field of JSON, or the line's first word."""


class Log:
    """Writes the events that its level includes."""

    def __init__(self, options: LogOptions, *, out: BinaryIO, err: BinaryIO) -> None:
        self._options = options
        self._out = out
        self._err = err
        self._prefix = b"" if options.api is None else options.api.encode() + b" "
        self._second = -1
        self._timestamp = ""
        self._silent_until = 0.0
        self._has_held_back = False

    def observe(self, event: e.Event) -> None:
        """Take notice of one event (an `Emit`)."""
        level = self._options.level()
        if isinstance(event, e.RequestAnswered):
            if event.status >= level.lowest_status:
                self._write(self._out, self._request_line(event))
        elif self._shows(event, level):
            self._write(self._err, self._lines(event))

    def _shows(self, event: e.Event, level: LogLevel) -> bool:
        if isinstance(event, e.QueryRun):
            return event.status >= level.lowest_status
        kind = type(event)
        if kind in FOR_DEVELOPMENT:
            return level is LogLevel.DEBUG
        if kind in ERRORS and level is LogLevel.CRIT:
            return False
        return not isinstance(event, e.PoolTimeout) or self._breaks_silence(event)

    def _breaks_silence(self, event: e.PoolTimeout) -> bool:
        """The first of a swarm is told at once, and that there were more at the end of the silence."""
        now = self._options.clock()
        if now >= self._silent_until:
            self._silent_until = now + TIMEOUT_SILENCE
            return True
        if not self._has_held_back and self._options.later is not None:
            self._has_held_back = True
            self._options.later(self._silent_until - now, lambda: self._tell_held_back(event))
        return False

    def _tell_held_back(self, event: e.PoolTimeout) -> None:
        self._has_held_back = False
        self._silent_until = self._options.clock() + TIMEOUT_SILENCE
        if self._options.level() is not LogLevel.CRIT:
            self._write(self._err, self._lines(event))

    def _request_line(self, event: e.RequestAnswered) -> bytes:
        if self._options.format is LogFormat.JSON:
            return self._json_line(
                event="request",
                remote_address=event.remote_address,
                role=event.role,
                method=event.method,
                target=event.target.decode(errors="replace"),
                http_version=event.http_version,
                status=event.status,
                length=event.length,
                referer=event.referer.decode(errors="replace"),
                user_agent=event.user_agent.decode(errors="replace"),
                seconds=event.seconds,
            )
        return self._prefix + access_line(event, self._now())

    def _lines(self, event: e.DiagnosticEvent) -> bytes:
        lines = describe(event)
        if self._options.format is LogFormat.JSON:
            return b"".join(self._json_line(event=type(event).__name__, message=line) for line in lines)
        when = self._now()
        start = f"{self._prefix.decode()}{when}: "
        return "".join(f"{start}{line}\n" for line in lines).encode(errors="replace")

    def _json_line(self, **fields: object) -> bytes:
        when = datetime.fromtimestamp(self._options.clock(), self._options.zone).astimezone(self._options.zone)
        named = {} if self._options.api is None else {"api": self._options.api}
        document = {"time": when.isoformat(timespec="milliseconds"), **named, **fields}
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"

    def _now(self) -> str:
        """The time in Apache's format, made anew each second only."""
        second = int(self._options.clock())
        if second != self._second:
            self._second = second
            when = datetime.fromtimestamp(second, self._options.zone).astimezone(self._options.zone)
            self._timestamp = when.strftime("%d/%b/%Y:%H:%M:%S %z")
        return self._timestamp

    def _write(self, stream: BinaryIO, text: bytes) -> None:
        """A log that nobody reads any more must not stop the server."""
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError):
            pass
