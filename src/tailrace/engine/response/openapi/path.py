"""The `paths` of a document: what can be done with the root, each relation and each function."""

from tailrace.engine.media_type import CSV, JSON, OBJECT, OBJECT_STRIPPED, OPENAPI
from tailrace.engine.response.openapi.parameter import argument, reference, row_filter
from tailrace.engine.response.openapi.swagger_type import Object, typed
from tailrace.engine.schema_cache.routine import Routine, Volatility
from tailrace.engine.schema_cache.table import Table

ROWS = (JSON.name, OBJECT_STRIPPED.name, OBJECT.name, CSV.name)
"""What relations can be read and written as."""
RESULTS = (JSON.name, OBJECT_STRIPPED.name, OBJECT.name)
READ_PARAMETERS = ("select", "order", "range", "rangeUnit", "offset", "limit", "preferCount")


def root_path() -> Object:
    operation: Object = {
        "tags": ["Introspection"],
        "summary": "OpenAPI description (this document)",
        "produces": [OPENAPI.name, JSON.name],
        "responses": {"200": {"description": "OK"}},
    }
    return {"get": operation}


def table_path(table: Table) -> Object:
    """GET for every relation; POST, PATCH and DELETE as soon as one of them is possible."""
    common: Object = split_description(table.description) | {"tags": [table.name]}
    filters = [row_filter(table.name, column) for column in table.columns]
    rows = {"type": "array", "items": {"$ref": f"#/definitions/{table.name}"}}
    read = {"200": {"description": "OK", "schema": rows}, "206": {"description": "Partial Content"}}
    path = {"get": _operation(common, (*filters, *READ_PARAMETERS), read)}
    if table.insertable or table.updatable or table.deletable:
        body, done = f"body.{table.name}", {"204": {"description": "No Content"}}
        path["post"] = _operation(common, (body, "select", "preferPost"), {"201": {"description": "Created"}})
        path["patch"] = _operation(common, (*filters, body, "preferReturn"), done)
        path["delete"] = _operation(common, (*filters, "preferReturn"), done)
    return path


def _operation(common: Object, parameters: tuple[str, ...], responses: Object) -> Object:
    return common | {"parameters": [reference(name) for name in parameters], "responses": responses}


def routine_path(routine: Routine) -> Object:
    """POST for every function, GET for those that change nothing."""
    common: Object = split_description(routine.description) | {
        "tags": [f"(rpc) {routine.name}"],
        "produces": RESULTS,
        "responses": {"200": {"description": "OK"}},
    }
    body: Object = {"name": "args", "required": True, "in": "body", "schema": _arguments(routine)}
    path = {"post": common | {"parameters": [body, reference("preferParams")]}}
    if routine.volatility is not Volatility.VOLATILE:
        arguments = [argument(parameter) for parameter in routine.parameters]
        path["get"] = common | {"parameters": arguments} if arguments else common
    return path


def _arguments(routine: Routine) -> Object:
    schema: Object = {"type": "object"}
    if routine.description is not None:
        schema["description"] = routine.description
    if routine.parameters:
        schema["properties"] = {parameter.name: typed(parameter.type) for parameter in routine.parameters}
    if required := [parameter.name for parameter in routine.parameters if parameter.required]:
        schema["required"] = required
    return schema


def split_description(description: str | None) -> Object:
    """A comment's first line as `summary`, what follows (after blank lines) as `description`."""
    if description is None:
        return {}
    summary, _, rest = description.partition("\n")
    rest = rest.lstrip("\n")
    return {"summary": summary, "description": rest} if rest else {"summary": summary}
