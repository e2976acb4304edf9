"""JSON as PostgREST's server reads and writes it.

Reading is strict (RFC 8259) and exact: numbers are not rounded, of repeated keys
the first counts. Writing is compact, with keys in alphabetical order, and writes
numbers the way clients and `current_setting('request.jwt.claims')` see them.
"""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, DecimalException
from typing import Any

JsonValue = Any
"""None, bool, int, Decimal (any number with a fraction or an exponent), str, list or dict."""

INT64_LIMIT = 2**63
LARGEST_PLAIN_EXPONENT = 1024


def parse_json(text: str) -> JsonValue:
    """Read one JSON document.

    Errors: ValueError if it is not JSON, or is JSON that cannot be kept (lone
    surrogates, numbers of thousands of digits, nesting beyond the interpreter's stack).
    """
    try:
        value = DECODER.decode(text)
        if "\\u" in text:
            write_json(value).encode()  # a lone surrogate has no UTF-8
    except (RecursionError, DecimalException) as error:
        raise ValueError(str(error)) from error
    return value


def write_json(value: JsonValue) -> str:
    """Write a document of the types that `parse_json` gives."""
    return "".join(_pieces(value))


def bounded_integer(value: JsonValue) -> int | None:
    """The value of a JSON number that is whole and fits into 64 bits; 1.0 and 1e3 are whole."""
    if isinstance(value, Decimal):
        if value.adjusted() > 19 or value != value.to_integral_value():
            return None
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -INT64_LIMIT <= value < INT64_LIMIT else None


def is_number(value: JsonValue) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _first_of_each(pairs: Iterable[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {}
    for key, value in pairs:
        document.setdefault(key, value)
    return dict(sorted(document.items()))


def _refuse_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_first_of_each, parse_float=Decimal, parse_constant=_refuse_constant)
ENCODER = json.JSONEncoder(ensure_ascii=False)


def _pieces(value: JsonValue) -> Iterator[str]:
    match value:
        case dict():
            separator = "{"
            for key in sorted(value):
                yield f"{separator}{ENCODER.encode(key)}:"
                yield from _pieces(value[key])
                separator = ","
            yield "}" if value else "{}"
        case list() | tuple():
            separator = "["
            for item in value:
                yield separator
                yield from _pieces(item)
                separator = ","
            yield "]" if value else "[]"
        case Decimal():
            yield _number(value)
        case _:
            yield ENCODER.encode(value)


def _number(value: Decimal) -> str:
    """Whole where the exponent says so, else plain between 0.1 and 10^7 and scientific beyond."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and 0 <= exponent <= LARGEST_PLAIN_EXPONENT:
        return f"{value:f}"
    if not value:
        return "0.0"
    digits = "".join(map(str, value.as_tuple().digits)).rstrip("0")
    point = value.adjusted() + 1
    sign = "-" if value < 0 else ""
    if 0 <= point <= 7:
        return f"{sign}{digits[:point].ljust(point, '0') or '0'}.{digits[point:] or '0'}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}e{point - 1}"
