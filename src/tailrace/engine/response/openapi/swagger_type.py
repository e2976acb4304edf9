"""Types of Postgres as types of OpenAPI 2.0.

Source: PostgREST docs, references/api/openapi; OpenAPI 2.0, "Data Types".
"""

import json
import re
from decimal import Decimal
from typing import Any

Object = dict[str, Any]

ARRAY = "[]"
NUMBER_MARK = "\0"
"""Begins a string that is to be written as a number; no text of Postgres has a NUL."""
MARKED_NUMBER = re.compile(r'"\\u0000([^"]*)"')

FIXED_FROM, FIXED_BELOW = Decimal("0.1"), Decimal(10_000_000)


def swagger_type(pg_type: str) -> str | None:
    """The JSON type of a column; None for json, which may be of any."""
    match pg_type:
        case "boolean":
            return "boolean"
        case "smallint" | "integer" | "bigint":
            return "integer"
        case "numeric" | "real" | "double precision":
            return "number"
        case "json" | "jsonb":
            return None
        case _:
            return "array" if pg_type.endswith(ARRAY) else "string"


def swagger_format(pg_type: str) -> str:
    match pg_type:
        case "smallint" | "integer":
            return "int32"
        case "bigint":
            return "int64"
        case _:
            return pg_type


def element_type(pg_type: str) -> str:
    return pg_type[: -len(ARRAY)]


def typed(pg_type: str) -> Object:
    """The keys `type`, `format` and `items` of a value in a body."""
    described: Object = {"format": swagger_format(pg_type)}
    if kind := swagger_type(pg_type):
        described["type"] = kind
    if kind == "array":
        element = swagger_type(element_type(pg_type))
        described["items"] = {"type": element} if element else {}
    return described


def default_value(pg_type: str, expression: str | None) -> Any:
    """The default of a column, when its SQL expression is a plain value; None for all others."""
    if expression is None:
        return None
    if swagger_type(pg_type) == "string":
        plain = expression.removesuffix(f"::{pg_type}")
        expression = '"' + (expression if plain == expression else plain.strip("'")) + '"'
    try:
        return json.loads(expression, parse_float=_number, parse_int=_number, parse_constant=_refuse)
    except ValueError:
        return None


def _number(text: str) -> str:
    return NUMBER_MARK + number_text(Decimal(text))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def number_text(value: Decimal) -> str:
    """A number as PostgREST's JSON library writes it: 0.50 is 0.5, and 0.01 is 1.0e-2."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0:
        return f"{value:f}"
    if value == 0:
        return "0.0"
    value = value.normalize()
    if FIXED_FROM <= abs(value) < FIXED_BELOW:
        fixed = f"{value:f}"
        return fixed if "." in fixed else f"{fixed}.0"
    sign, digits, _ = value.as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}e{value.adjusted()}"


def members(values: Object) -> bytes:
    """The members of a JSON object as text, without its braces; marked numbers as they are written."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return MARKED_NUMBER.sub(r"\1", text)[1:-1].encode()
