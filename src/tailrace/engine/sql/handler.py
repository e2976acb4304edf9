"""What turns the rows of pgrst_source into the body: aggregates of ours, or functions of the database.

Source: PostgREST docs, references/api/media_type_handlers.
"""

from tailrace.engine.schema_cache.media_handler import Builtin, CustomHandler, MediaHandler
from tailrace.engine.schema_cache.routine import Routine

ROWS = "_postgrest_t"
SCALAR = "_postgrest_t.pgrst_scalar"
GEOJSON = (
    "json_build_object('type', 'FeatureCollection', 'features',"
    " coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))"
)
CSV_HEADER = (
    "(SELECT coalesce(string_agg(a.k, ','), '') FROM (SELECT json_object_keys(r)::text as k"
    " FROM (SELECT row_to_json(hh) as r from pgrst_source as hh limit 1) s) a)"
)
CSV_BODY = "coalesce(string_agg(substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2), '\n'), '')"


def body_expression(handler: MediaHandler, routine: Routine | None = None) -> str:
    """The expression of the body over rows named _postgrest_t; `routine` is what they were returned by."""
    match handler:
        case CustomHandler():
            return custom_body(handler, routine)
        case Builtin.JSON | Builtin.JSON_STRIPPED:
            return json_document(routine, strip=handler is Builtin.JSON_STRIPPED)
        case Builtin.OBJECT | Builtin.OBJECT_STRIPPED:
            rows = SCALAR if routine is not None and routine.returns_scalar else ROWS
            return json_rows(rows, is_single=True, strip=handler is Builtin.OBJECT_STRIPPED)
        case Builtin.GEOJSON:
            return GEOJSON
        case Builtin.CSV:
            return f"{CSV_HEADER} || '\n' || {CSV_BODY}"
        case Builtin.NONE:
            return "''::text"


def json_document(routine: Routine | None, *, strip: bool) -> str:
    """An array of the rows, or the value itself for a function that returns one."""
    if routine is None:
        return json_rows(ROWS, is_single=False, strip=strip)
    rows = SCALAR if routine.returns_scalar or routine.returns_set_of_scalar else ROWS
    return json_rows(rows, is_single=routine.returns_single, strip=strip)


def json_rows(rows: str, *, is_single: bool, strip: bool) -> str:
    aggregate = f"json_agg({rows})->0" if is_single else f"json_agg({rows})"
    if strip:
        aggregate = f"json_strip_nulls({aggregate})"
    empty = "'null'" if is_single else "'[]'"
    return f"coalesce({aggregate}, {empty})"


def custom_body(handler: CustomHandler, routine: Routine | None) -> str:
    function = handler.function.quoted
    if routine is not None and routine.returns_scalar:
        return f"{function}({SCALAR})"
    if handler.relation is None:
        return f"{function}({ROWS})"
    return f"{function}({ROWS}::{handler.relation.quoted})"
