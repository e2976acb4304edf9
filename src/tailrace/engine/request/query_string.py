"""The query string: which parameter means what, and the values of all of them.

Source: PostgREST docs, references/api/url_grammar.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from tailrace.engine.request.filter import Filter, LogicTree, Operand
from tailrace.engine.request.grammar_field import parse_columns, parse_tree_path
from tailrace.engine.request.grammar_filter import parse_condition, parse_condition_or_argument, parse_logic
from tailrace.engine.request.grammar_order import parse_order
from tailrace.engine.request.grammar_select import EVERYTHING, parse_select
from tailrace.engine.request.number import read_integer
from tailrace.engine.request.order import OrderTerm
from tailrace.engine.request.range import RowRange
from tailrace.engine.request.select import EmbedPath, SelectItem

SEPARATOR = re.compile(rb"[&;]")
RESERVED = frozenset(("select", "columns", "on_conflict"))


@dataclass(frozen=True, slots=True)
class QueryString:
    """The parsed query string. Pairs with an embed path belong to that level; the root's is empty."""

    canonical: str = ""
    """All parameters, sorted by name and encoded again; for Content-Location."""
    parameters: tuple[tuple[str, Operand], ...] = ()
    """Arguments of a function called by GET: what is not a filter."""
    ranges: Mapping[str, RowRange] | None = None
    """By the parameter's name as for `limit`: `limit`, `actors.limit`."""
    order: tuple[tuple[EmbedPath, tuple[OrderTerm, ...]], ...] = ()
    logic: tuple[tuple[EmbedPath, LogicTree], ...] = ()
    filters: tuple[tuple[EmbedPath, Filter], ...] = ()
    filter_fields: frozenset[str] = frozenset()
    """Names of all parameters that filter, as written."""
    select: tuple[SelectItem, ...] = ()
    columns: frozenset[str] | None = None
    on_conflict: tuple[str, ...] | None = None


class Parameter(NamedTuple):
    """One parameter; without an equals sign it has no value."""

    name: str
    value: str | None
    place: int
    """Index among the pieces between separators, empty ones included."""
    raw_name: bytes
    raw_value: bytes


def split_query(query: bytes) -> list[Parameter]:
    """Take a query string or a form apart: first split, then decoded.

    `&` and `;` separate, `+` is a blank, a wrong percent code stands for itself,
    and bytes that are no UTF-8 become U+FFFD. An empty last piece does not count.
    """
    parameters = []
    pieces = query.split(b"&") if b";" not in query else SEPARATOR.split(query)
    if not pieces[-1]:
        pieces.pop()
    for index, piece in enumerate(pieces):
        raw_name, equals, raw_value = piece.partition(b"=")
        if b"%" in piece or b"+" in piece:
            raw_name, raw_value = _decode(raw_name), _decode(raw_value)
        value = raw_value.decode("utf-8", "replace") if equals else None
        parameters.append(Parameter(raw_name.decode("utf-8", "replace"), value, index, raw_name, raw_value))
    return parameters


def _decode(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def canonical_query(parameters: Iterable[Parameter]) -> str:
    """Sort by name and encode again, as Content-Location has it.

    PostgREST encodes bytes above 127 as if they were Latin-1 text, and joins
    values of one name by commas.
    """
    values: dict[bytes, list[str]] = {}
    for parameter in parameters:
        values.setdefault(parameter.raw_name, []).append(_encode(parameter.raw_value))
    return "&".join(f"{_encode(name)}={','.join(values[name])}" for name in sorted(values))


def _encode(raw: bytes) -> str:
    return quote_from_bytes(raw if raw.isascii() else raw.decode("latin-1").encode(), safe="")


@dataclass(slots=True)
class _Sorted:
    """The parameters by their purpose, as name, value and index."""

    order: list[tuple[str, str]]
    logic: list[tuple[str, str, int]]
    filters: list[tuple[str, str, int]]
    limits: list[tuple[str, str]]
    offsets: list[tuple[str, str]]


def _sort(parameters: Iterable[Parameter]) -> _Sorted:
    found = _Sorted([], [], [], [], [])
    for name, value, index, _, _ in parameters:
        if value is None:
            continue
        match name.rpartition(".")[2]:
            case "order":
                found.order.append((name, value))
            case "and" | "or":
                found.logic.append((name, value, index))
            case "limit":
                found.limits.append((name, value))
            case "offset":
                found.offsets.append((name[: -len("offset")] + "limit", value))
            case _ if name not in RESERVED:
                found.filters.append((name, value, index))
    return found


def _first(parameters: Iterable[Parameter], name: str) -> str | None:
    for parameter in parameters:
        if parameter.name == name:
            return parameter.value
    return None


def parse_query_string(query: bytes, *, call: bool) -> QueryString:
    """Read a whole query string (raw, without the `?`).

    `call`: a function is called by it, so what is not a filter is an argument.
    Errors: QueryParseError for the first of order, logic, columns, select,
    filters and on_conflict that is wrong.
    """
    if not query:
        return QueryString(select=EVERYTHING, ranges={})
    parameters = split_query(query)
    found = _sort(parameters)
    order = tuple((parse_tree_path(name)[0], parse_order(value)) for name, value in found.order)
    logic = tuple(parse_logic(name, value, parameter=index) for name, value, index in found.logic)
    columns = _first(parameters, "columns")
    column_names = None if columns is None else frozenset(parse_columns(columns, parameter="columns"))
    select = _select(_first(parameters, "select"))
    filters, arguments = _filters(found.filters, call=call)
    on_conflict = _first(parameters, "on_conflict")
    return QueryString(
        canonical=canonical_query(parameters),
        parameters=arguments,
        ranges=_ranges(found.limits, found.offsets),
        order=order,
        logic=logic,
        filters=filters,
        filter_fields=frozenset(name for name, _, _ in found.filters),
        select=select,
        columns=column_names,
        on_conflict=None if on_conflict is None else parse_columns(on_conflict, parameter="on_conflict"),
    )


def _select(text: str | None) -> tuple[SelectItem, ...]:
    return EVERYTHING if text is None else parse_select(text)


def _filters(
    parameters: Sequence[tuple[str, str, int]], *, call: bool
) -> tuple[tuple[tuple[EmbedPath, Filter], ...], tuple[tuple[str, Operand], ...]]:
    """The filters, and the arguments of a function."""
    filters = []
    arguments = []
    for name, value, index in parameters:
        path, field = parse_tree_path(name)
        if call:
            condition = parse_condition_or_argument(value, parameter=index)
        else:
            condition = parse_condition(value, parameter=index)
        if condition is None:
            arguments.append((field.name, Operand(value, (index, 0))))
        else:
            filters.append((path, Filter(field, *condition)))
    return tuple(filters), tuple(arguments)


def _ranges(limits: Sequence[tuple[str, str]], offsets: Sequence[tuple[str, str]]) -> dict[str, RowRange]:
    """Rows of each level, by the name of its limit. The last of equal parameters counts; rubbish is none.

    With an offset, a limit that is rubbish counts as zero.
    """
    ranges: dict[str, RowRange] = {}
    for name, text in limits:
        limit = read_integer(text)
        ranges[name] = RowRange(0, None if limit is None else limit - 1)
    first_rows = {name: read_integer(text) or 0 for name, text in offsets}
    for name, offset in first_rows.items():
        limited = ranges.get(name)
        ranges[name] = RowRange(offset, None if limited is None else offset + (limited.limit or 0) - 1)
    return ranges
