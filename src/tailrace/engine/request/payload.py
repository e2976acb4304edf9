"""The body of a request, and which columns or parameters it gives.

Source: PostgREST docs, references/api/tables_views, "Insert" and "Bulk Insert";
references/api/functions.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from tailrace.engine.errors import InvalidBody
from tailrace.engine.media_type import CSV, JSON, OCTET_STREAM, PLAIN, URL_ENCODED, XML, MediaType
from tailrace.engine.request.csv_body import read_csv
from tailrace.engine.request.query_string import split_query

NO_ROWS = b"[]"
OBJECT = re.compile(rb"[ \t\n\r]*\{")
NO_KEYS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class JsonPayload:
    """JSON for json_to_record(set): an object, or an array of objects of equal keys.

    `raw` is the client's own bytes wherever possible (CSV and forms are turned
    into JSON first). `keys` is None when `columns=` told what to take, and the
    body was not looked at.
    """

    raw: bytes
    keys: frozenset[str] | None

    @property
    def is_object(self) -> bool:
        return OBJECT.match(self.raw) is not None


@dataclass(frozen=True, slots=True)
class FormPayload:
    """A form sent to a function: its parameters, in order."""

    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RawPayload:
    """A body that goes into a function's one unnamed parameter as it is."""

    raw: bytes


Payload = JsonPayload | FormPayload | RawPayload


def read_table_body(body: bytes, media_type: MediaType, *, columns_given: bool) -> JsonPayload:
    """Read the body of an insert, update or upsert.

    `columns_given`: `columns=` tells what to take, so JSON is not looked at.
    Errors: InvalidBody.
    """
    if media_type == JSON:
        return JsonPayload(body, None) if columns_given else _read_json(body)
    if media_type == CSV:
        return _read_csv(body)
    if media_type == URL_ENCODED:
        form = dict(read_form(body))
        return JsonPayload(orjson.dumps(form), frozenset(form))
    raise _unacceptable(media_type)


def read_call_body(body: bytes, media_type: MediaType, *, columns_given: bool) -> Payload:
    """Read the body of a function call; none at all is a call without arguments. Errors: InvalidBody."""
    if media_type == JSON:
        if columns_given:
            return JsonPayload(body, None)
        return _read_json(body) if body else JsonPayload(body, NO_KEYS)
    if media_type == CSV:
        return _read_csv(body)
    if media_type == URL_ENCODED:
        return FormPayload(read_form(body))
    if media_type in (PLAIN, XML, OCTET_STREAM):
        return RawPayload(body)
    raise _unacceptable(media_type)


def read_form(body: bytes) -> tuple[tuple[str, str], ...]:
    """Names and values of a form, in order."""
    return tuple((field.name, field.value or "") for field in split_query(body.removeprefix(b"?")))


def _unacceptable(media_type: MediaType) -> InvalidBody:
    return InvalidBody(f"Content-Type not acceptable: {media_type.name}")


def _read_csv(body: bytes) -> JsonPayload:
    rows = read_csv(body)
    keys = _common_keys(rows)
    if keys is None:
        raise InvalidBody("All lines must have same number of fields")
    return JsonPayload(orjson.dumps(rows), keys)


def _read_json(body: bytes) -> JsonPayload:
    """Find the keys of JSON; what is neither object nor array inserts nothing."""
    value = _load_json(body)
    if isinstance(value, dict):
        return JsonPayload(body, frozenset(value))
    if not isinstance(value, list) or not value:
        return JsonPayload(NO_ROWS, NO_KEYS)
    keys = _common_keys(value)
    if keys is None:
        raise InvalidBody("All object keys must match")
    return JsonPayload(body, keys)


def _common_keys(rows: list[Any]) -> frozenset[str] | None:
    """The keys that all rows have; None if they differ, or if one is no object."""
    if not rows:
        return NO_KEYS
    first = rows[0]
    if not isinstance(first, dict):
        return None
    keys = first.keys()
    for row in rows:
        if not isinstance(row, dict) or row.keys() != keys:
            return None
    return frozenset(keys)


def _load_json(body: bytes) -> Any:
    """Read JSON as RFC 8259 has it.

    orjson is several times as fast as the standard library, and as strict as
    PostgREST; what it refuses for its size only (numbers beyond a double) gets
    a second chance.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        value = json.loads(body.decode(), parse_int=str, parse_float=str, parse_constant=_refuse_constant)
        orjson.dumps(value)  # refuses halves of surrogate pairs
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        raise InvalidBody("Empty or invalid json") from None
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
