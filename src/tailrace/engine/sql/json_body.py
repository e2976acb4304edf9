"""A JSON payload as rows of known columns, without parsing it here."""

from dataclasses import dataclass

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.plan.read_plan import ResolvedField
from tailrace.engine.request.payload import FormPayload, JsonPayload, Payload, RawPayload
from tailrace.engine.sql.fragment import Parameter, Source, SqlWriter, quote_literal


@dataclass(frozen=True, slots=True)
class JsonBody:
    """What the SQL needs to know of a payload: an object and an array are read by different functions."""

    value: bytes | None
    is_object: bool
    only_first: bool = False
    """Of an array, take the first object only."""


def json_body(payload: Payload | None, *, only_first: bool = False) -> JsonBody:
    match payload:
        case JsonPayload():
            return JsonBody(payload.raw, payload.is_object, only_first)
        case RawPayload():
            return JsonBody(payload.raw, payload.raw.lstrip(b" \t\n\r")[:1] == b"{", only_first)
        case FormPayload() | None:
            return JsonBody(None, False, only_first)


def write_body_relation(
    sql: SqlWriter, body: JsonBody, *, fields: tuple[ResolvedField, ...], apply_defaults: bool
) -> None:
    """Write what stands after FROM; its last relation, pgrst_body, has the payload's rows in `fields`.

    With `apply_defaults`, keys that an object lacks get the column's default
    instead of NULL (`Prefer: missing=default`).
    """
    sql.write("(SELECT ")
    sql.bind(Parameter(body.value, Source.BODY))
    sql.write("::jsonb AS json_data) pgrst_payload, " if apply_defaults else "::json AS json_data) pgrst_payload, ")
    if apply_defaults:
        sql.write(defaults_relation(fields, is_object=body.is_object))
    parsed = ", ".join([parsed_field(field) for field in fields])
    sql.write(f"LATERAL (SELECT {parsed} FROM ")
    sql.write(rows_function(body, fields=fields, apply_defaults=apply_defaults))
    sql.write("LIMIT 1) pgrst_body " if body.only_first and fields else ") pgrst_body ")


def rows_function(body: JsonBody, *, fields: tuple[ResolvedField, ...], apply_defaults: bool) -> str:
    source, json = ("pgrst_json_defs.val", "jsonb") if apply_defaults else ("pgrst_payload.json_data", "json")
    if fields:
        types = ", ".join([f"{quote_identifier(field.name)} {field.type}" for field in fields])
        return f"{json}_to_record{'' if body.is_object else 'set'}({source}) AS _({types}) "
    # Without keys there is nothing to read but the number of rows
    return "(values(1)) _ " if body.is_object else f"{json}_array_elements({source}) _ "


def defaults_relation(fields: tuple[ResolvedField, ...], *, is_object: bool) -> str:
    defaults = ",".join([f"{quote_literal(field.name)}, {field.default}" for field in fields if field.default])
    built = f"jsonb_build_object({defaults})"
    if is_object:
        return f"LATERAL (SELECT {built} || pgrst_payload.json_data AS val) pgrst_json_defs, "
    elements = "jsonb_array_elements(pgrst_payload.json_data) elem"
    return f"LATERAL (SELECT jsonb_agg({built} || elem) AS val from {elements}) pgrst_json_defs, "


def parsed_field(field: ResolvedField) -> str:
    """A column of the payload, through the function that a domain representation parses JSON with."""
    name = quote_identifier(field.name)
    return name if field.transform is None else f"{field.transform}({name}) AS {name}"
