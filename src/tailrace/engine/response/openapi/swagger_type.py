"""Types of Postgres as types of OpenAPI 2.0.

Source: PostgREST docs, references/api/openapi; OpenAPI 2.0, "Data Types".
"""

from typing import Any

from tailrace.engine.json_document import parse_json, write_json

Object = dict[str, Any]

ARRAY = "[]"


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
        return parse_json(expression)
    except ValueError:
        return None


def members(values: Object) -> bytes:
    """The members of a JSON object as text, without its braces."""
    return write_json(values)[1:-1].encode()
