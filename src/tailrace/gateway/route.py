"""Which API a request is for: by the first labels of its host name, the first segments of its path, or both."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from tailrace.engine.config.config import Config
from tailrace.engine.data_api.reload import LoadConfig
from tailrace.engine.message import HttpRequest

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z0-9._:/~-]{1,200}")
"""What an API may be called: it stands in log lines and in labels of metrics."""
LABELS = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Route:
    """Requests whose path begins with `path` and whose host name begins with the labels of `host`.

    `path` is plain text, `/neondb/rest/v1`, or empty for all paths. `host` is `ep-x.apirest`, or None
    for any. What is left of the path goes to the API. Errors: ValueError.
    """

    path: str = ""
    host: str | None = None

    def __post_init__(self) -> None:
        if self.path and (not self.path.startswith("/") or "" in self.path[1:].split("/")):
            raise ValueError(f"a route's path is /like/this, not {self.path!r}")
        if self.host is not None and LABELS.fullmatch(self.host) is None:
            raise ValueError(f"a route's host is made of labels, not {self.host!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """One API as the gateway is given it. Errors: ValueError."""

    name: str
    """In log lines and metrics; no two APIs share one."""
    routes: tuple[Route, ...]
    config: Config
    """Host, port, limits and workers are the gateway's own affair; db-pool is an upper bound."""
    load: LoadConfig | None = None
    """Puts what the database says on top of the settings; None lets only the roles' settings in."""
    external_url: str | None = None
    """Where clients find the API, for its OpenAPI description, if openapi-server-proxy-uri does not say."""

    def __post_init__(self) -> None:
        if NAME.fullmatch(self.name) is None:
            raise ValueError(f"an API cannot be called {self.name!r}")
        if not self.routes:
            raise ValueError(f"the API {self.name} has no route")


Key = tuple[bytes, bytes]
"""Labels of the host, empty for any; segments of the path, each behind its slash."""


def key_of(route: Route) -> Key:
    return (b"" if route.host is None else route.host.lower().encode()), route.path.encode()


class Routes(Generic[T]):
    """What is found by the routes of APIs; the most labels win, and among these the most segments."""

    def __init__(self) -> None:
        self._found: dict[Key, T] = {}
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._order: tuple[tuple[int, int], ...] = ()
        """Numbers of labels and segments that some route has, in the order they are tried."""

    def add(self, routes: Iterable[Route], target: T) -> None:
        """Errors: ValueError if one of the routes leads elsewhere already; then none is added."""
        keys = [key_of(route) for route in routes]
        for key in keys:
            if key in self._found or keys.count(key) > 1:
                raise ValueError(f"the route {key[0].decode()}{key[1].decode()} is taken")
        for key in keys:
            self._found[key] = target
            self._sizes[size_of(key)] += 1
        self._sort()

    def remove(self, routes: Iterable[Route]) -> None:
        for route in routes:
            key = key_of(route)
            del self._found[key]
            self._sizes[size_of(key)] -= 1
        self._sort()

    def find(self, request: HttpRequest) -> tuple[T, int] | None:
        """The target of the best route, and how many bytes of the path were its prefix; None if there is none."""
        path, host, host_labels = request.path, b"", None
        found, ends = self._found, None
        for labels, segments in self._order:
            if labels:
                if host_labels is None:
                    host_labels = (request.header(b"host") or b"").lower().split(b".")
                if len(host_labels) < labels:
                    continue
                host = b".".join(host_labels[:labels]) if len(host_labels) > labels else b""
                if not host:
                    continue
            else:
                host = b""
            if ends is None:
                ends = ends_of_segments(path)
            if segments >= len(ends):
                continue
            prefix = path[: ends[segments]]
            target = found.get((host, unquote_to_bytes(prefix) if b"%" in prefix else prefix))
            if target is not None:
                return target, len(prefix)
        return None

    def _sort(self) -> None:
        self._order = tuple(sorted((size for size, count in self._sizes.items() if count), reverse=True))


def size_of(key: Key) -> tuple[int, int]:
    host, path = key
    return (host.count(b".") + 1 if host else 0), path.count(b"/")


def ends_of_segments(path: bytes) -> list[int]:
    """Where the first 0, 1, 2, … segments of a path end. More than a route can have are not looked for."""
    return [0, *slashes(path), len(path)] if path != b"/" else [0]


def slashes(path: bytes) -> Iterator[int]:
    at = path.find(b"/", 1)
    while at > 0:
        yield at
        at = path.find(b"/", at + 1)
