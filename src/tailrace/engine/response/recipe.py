"""What is constant about the answers to requests of one shape, made once and kept with the plan.

A recipe is built from a plan and one request of its shape; it holds nothing of
that request's values. What differs from request to request is given to `render`:
the rows, the root's range, the canonical query and the planner's estimate.
Rows hold one row, in binary format: (0) total, (1) number of rows, (2) body, (3) response.headers,
(4) response.status; of upserts also (5) how many were inserted and, with
return=headers-only, (6) the key, as a JSON array of `column=eq.value`.

Source: PostgREST docs, references/api/tables_views, references/api/functions.
"""

from dataclasses import dataclass
from typing import Protocol

from tailrace.engine.config.config import Verbosity
from tailrace.engine.errors import InvalidRange
from tailrace.engine.message import Response
from tailrace.engine.request.preferences import Count, Representation
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.response.content_range import content_range, counted_only
from tailrace.engine.response.error import error_body
from tailrace.engine.response.headers import VARY, Header, override_headers
from tailrace.engine.response.location import inserted_location
from tailrace.engine.response.status import has_body, override_status, range_status
from tailrace.engine.response.total import total_rows
from tailrace.engine.statement import Rows

TOTAL, COUNT, BODY, HEADERS, STATUS, INSERTED, LOCATION = range(7)


class ResponseRecipe(Protocol):
    """Errors of `render`: InvalidResponseStatus and InvalidResponseHeaders (500)."""

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response: ...


@dataclass(frozen=True, slots=True)
class ReadRecipe:
    """GET and HEAD of a relation."""

    headers_only: bool
    location: bytes
    count: Count | None
    max_rows: int | None
    tail: tuple[Header, ...]
    verbosity: Verbosity

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response:
        total = total_rows(self.count, _number(rows, TOTAL), planned, max_rows=self.max_rows)
        location = b"%b?%b" % (self.location, canonical.encode()) if canonical else self.location
        page = _page(rows, top_range, total, self.verbosity)
        headers = [page.range, (b"Content-Location", location)]
        if self.headers_only:
            return _finish(rows, Response(page.status, [*headers, *self.tail]))
        headers.append((b"Content-Length", b"%d" % len(page.body)))
        headers.extend(self.tail)
        return _finish(rows, Response(page.status, headers, page.body))


@dataclass(frozen=True, slots=True)
class CallRecipe:
    """A function call. A function that returns void has an empty answer even for GET."""

    is_void: bool
    headers_only: bool
    tail: tuple[Header, ...]
    verbosity: Verbosity

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response:
        total = _number(rows, TOTAL) if rows.ntuples else 0
        page = _page(rows, top_range, total, self.verbosity)
        if self.is_void:
            return _finish(rows, Response(204, [page.range, *self.tail]))
        if self.headers_only:
            return _finish(rows, Response(page.status, [page.range, *self.tail]))
        headers = [page.range, (b"Content-Length", b"%d" % len(page.body)), *self.tail]
        return _finish(rows, Response(page.status, headers, page.body))


@dataclass(frozen=True, slots=True)
class InsertRecipe:
    """POST to a relation."""

    path: bytes
    counts: bool
    merges: bool
    """An upsert that inserts nothing is no creation."""
    representation: Representation | None
    tail: tuple[Header, ...]

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response:
        status = 200 if self.merges and not _number(rows, INSERTED) else 201
        body = _value(rows, BODY) or b"" if self.representation is Representation.FULL else b""
        headers = [(b"Content-Length", b"%d" % len(body))]
        if self.representation is Representation.HEADERS_ONLY:
            location = inserted_location(self.path, _value(rows, LOCATION))
            if location is not None:
                headers.append((b"Location", location))
        headers.append((b"Content-Range", counted_only(row_count(rows) if self.counts else None)))
        headers.extend(self.tail)
        return _finish(rows, Response(status, headers, body))


@dataclass(frozen=True, slots=True)
class UpsertRecipe:
    """PUT: 201 for a new row, 200 for a replaced one, 204 for both without representation."""

    represents: bool
    tail: tuple[Header, ...]

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response:
        if not self.represents:
            return _finish(rows, Response(204, list(self.tail)))
        body = _value(rows, BODY) or b""
        status = 201 if (_number(rows, INSERTED) or 0) > 0 else 200
        return _finish(rows, Response(status, [(b"Content-Length", b"%d" % len(body)), *self.tail], body))


@dataclass(frozen=True, slots=True)
class ChangeRecipe:
    """PATCH and DELETE."""

    is_update: bool
    counts: bool
    represents: bool
    tail: tuple[Header, ...]

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response:
        changed = row_count(rows)
        total = changed if self.counts else None
        changed_range = content_range(0, changed - 1, total) if self.is_update else counted_only(total)
        headers = [(b"Content-Range", changed_range)]
        if not self.represents:
            return _finish(rows, Response(204, [*headers, *self.tail]))
        body = _value(rows, BODY) or b""
        headers.append((b"Content-Length", b"%d" % len(body)))
        return _finish(rows, Response(200, [*headers, *self.tail], body))


@dataclass(frozen=True, slots=True)
class ExplainRecipe:
    """The execution plan; its rows are lines. The database's settings for the answer do not count."""

    tail: tuple[Header, ...]

    def render(
        self, rows: Rows, *, top_range: RowRange = ALL_ROWS, canonical: str = "", planned: int | None = None
    ) -> Response:
        body = b"".join(b"%b\n" % (rows.get_value(number, 0) or b"") for number in range(rows.ntuples))
        return Response(200, [(b"Content-Length", b"%d" % len(body)), *self.tail], body)


@dataclass(slots=True)
class _Page:
    status: int
    range: Header
    body: bytes


def _page(rows: Rows, top_range: RowRange, total: int | None, verbosity: Verbosity) -> _Page:
    """The rows that were asked for, or why there are none so far behind the end."""
    offset, count = top_range.offset, row_count(rows)
    status = range_status(offset, count, total)
    header = (b"Content-Range", content_range(offset, offset + count - 1, total))
    if status == 416:
        return _Page(status, header, error_body(InvalidRange.out_of_bounds(offset, total or 0), verbosity))
    return _Page(status, header, _value(rows, BODY) or b"")


def _finish(rows: Rows, response: Response) -> Response:
    """Let the database have the last word on status and headers."""
    status, headers = _value(rows, STATUS), _value(rows, HEADERS)
    if status:
        response.status = override_status(status)
    if headers:
        response.headers = override_headers(response.headers, headers)
        if not any(name.lower() == b"vary" for name, _ in response.headers):
            response.headers.append(VARY)
    if not has_body(response.status):
        response.body = b""
    return response


def _value(rows: Rows, column: int) -> bytes | None:
    return rows.get_value(0, column) if rows.ntuples else None


def _number(rows: Rows, column: int) -> int | None:
    value = _value(rows, column)
    return None if value is None else int.from_bytes(value, "big", signed=True)


def row_count(rows: Rows) -> int:
    """How many rows the main statement returned or changed."""
    return _number(rows, COUNT) or 0
