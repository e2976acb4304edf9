"""The `parameters` of a document: those that all relations share, and each relation's filters and body."""

from collections.abc import Iterator

from tailrace.engine.response.openapi.swagger_type import Object, element_type, swagger_format, swagger_type
from tailrace.engine.schema_cache.routine import RoutineParameter
from tailrace.engine.schema_cache.table import Table

RETURN = ("return=representation", "return=minimal", "return=none")
RESOLUTION = ("resolution=ignore-duplicates", "resolution=merge-duplicates")
COUNT = ("count=none",)
PAGING = "Limiting and Pagination"


def shared_parameters() -> Object:
    return {
        "preferParams": _prefer(()),
        "preferReturn": _prefer(RETURN),
        "preferCount": _prefer(COUNT),
        "preferPost": _prefer(RETURN + RESOLUTION),
        "select": _text("select", "query", "Filtering Columns"),
        "on_conflict": _text("on_conflict", "query", "On Conflict"),
        "order": _text("order", "query", "Ordering"),
        "range": _text("Range", "header", PAGING),
        "rangeUnit": _text("Range-Unit", "header", PAGING) | {"default": "items"},
        "offset": _text("offset", "query", PAGING),
        "limit": _text("limit", "query", PAGING),
    }


def _prefer(values: tuple[str, ...]) -> Object:
    parameter = _text("Prefer", "header", "Preference")
    return parameter | {"enum": values} if values else parameter


def _text(name: str, place: str, description: str | None) -> Object:
    parameter: Object = {"name": name, "required": False, "in": place, "type": "string"}
    return parameter if description is None else parameter | {"description": description}


def table_parameters(table: Table) -> Iterator[tuple[str, Object]]:
    body: Object = {"name": table.name, "description": table.name, "required": False, "in": "body"}
    yield f"body.{table.name}", body | {"schema": {"$ref": f"#/definitions/{table.name}"}}
    for column in table.columns.values():
        yield row_filter(table.name, column.name), _text(column.name, "query", column.description)


def row_filter(table: str, column: str) -> str:
    return f"rowFilter.{table}.{column}"


def reference(name: str) -> Object:
    return {"$ref": f"#/parameters/{name}"}


def argument(parameter: RoutineParameter) -> Object:
    """An argument of a function in the query string: of a simple type, or repeated if it is variadic."""
    kind = swagger_type(parameter.type)
    described: Object = {"name": parameter.name, "required": parameter.required, "in": "query"}
    if not parameter.variadic:
        return described | {
            "type": "string" if kind in (None, "array") else kind,
            "format": swagger_format(parameter.type),
        }
    element = element_type(parameter.type)
    items: Object = {"format": swagger_format(element)}
    if element_kind := swagger_type(element):
        items["type"] = element_kind
    return described | {"type": kind or "string", "items": items, "collectionFormat": "multi"}
