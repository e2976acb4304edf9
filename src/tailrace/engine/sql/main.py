"""The main statement of a request: one row with the body and all that the answer's head needs.

The columns are the same for all kinds of plans. The results are fetched in binary
format, so that a body of bytea arrives as it is; of text and json that is the text.

    0  total_result_set   rows without the range, a bigint; NULL if they are not counted
    1  page_total         rows of the answer, or rows that a write changed; a bigint
    2  body               as sent; NULL is an empty one
    3  response_headers   the setting response.headers; NULL if unset
    4  response_status    the setting response.status; NULL if unset
    5  response_inserted  rows that an upsert inserted rather than updated, an int; NULL for all else
    6  location           JSON array of "column=eq.value" strings, NULL if the insert was not of one row;
                          only for inserts with return=headers-only

There is no row at all where the one row of a function was filtered away and nothing
aggregates (a HEAD request): that is a total and a page of 0.

With a plan media type, the rows are those of EXPLAIN instead: one column, one
row of JSON or a row for each line of text.
"""

from dataclasses import dataclass
from enum import IntEnum

from tailrace.engine.media_type import MediaType, PlanFormat, PlanMediaType
from tailrace.engine.plan.action_plan import DatabasePlan, RelationMutation, RelationRead, RoutineCall
from tailrace.engine.plan.mutate_plan import Insert
from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.request.payload import Payload
from tailrace.engine.request.preferences import Count, Preferences, Representation
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.schema_cache.media_handler import Builtin
from tailrace.engine.sql.call import write_call
from tailrace.engine.sql.count import write_count_query
from tailrace.engine.sql.fragment import SqlWriter, Template, quote_literal
from tailrace.engine.sql.handler import body_expression
from tailrace.engine.sql.json_body import json_body
from tailrace.engine.sql.mutate import CURRENT_INSERTED, is_upsert, write_mutation
from tailrace.engine.sql.select import write_read

EXPLAIN_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")
PAGE_TOTAL = "pg_catalog.count(_postgrest_t)"
RESPONSE_SETTINGS = (
    "nullif(current_setting('response.headers', true), '') AS response_headers, "
    "nullif(current_setting('response.status', true), '') AS response_status, "
)


class MainColumn(IntEnum):
    TOTAL = 0
    PAGE_TOTAL = 1
    BODY = 2
    RESPONSE_HEADERS = 3
    RESPONSE_STATUS = 4
    INSERTED = 5
    LOCATION = 6


@dataclass(slots=True)
class MainInputs:
    """What the SQL depends on besides the plan."""

    preferences: Preferences
    payload: Payload | None = None
    top_range: RowRange = ALL_ROWS
    """What the client asked for, before db-max-rows."""
    max_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    main: Template
    explain_count: Template | None = None
    """EXPLAIN (FORMAT JSON) of the count query, whose "Plan Rows" is the planned count; runs after `main`."""


def render_main(plan: DatabasePlan, inputs: MainInputs) -> Rendered:
    sql = SqlWriter()
    sql.write(explain_prefix(plan.media_type))
    match plan:
        case RelationRead():
            write_relation_read(sql, plan, inputs)
        case RelationMutation():
            write_relation_mutation(sql, plan, inputs)
        case RoutineCall():
            write_routine_call(sql, plan, inputs)
    counts_by_plan = inputs.preferences.counts_by_plan and isinstance(plan, RelationRead)
    if counts_by_plan and not isinstance(plan.media_type, PlanMediaType):
        return Rendered(sql.template(binary=True), render_explain_count(plan.read))
    return Rendered(sql.template(binary=True))


def render_stream(plan: DatabasePlan, inputs: MainInputs) -> Template | None:
    """The main statement for results of any size; None for plans whose body is not an array of rows.

    Its first row is as that of `render_main`, but for the body; each of the next
    rows has one element of the body's array in the body's column. The rows are
    computed before the first one is sent, so that it can count them.
    """
    sql = SqlWriter()
    match plan:
        case RelationRead(handler=Builtin.JSON, headers_only=False):
            sql.write("WITH pgrst_source AS MATERIALIZED ( ")
            write_read(sql, plan.read)
            sql.write(" )")
        case _:
            return None
    page_total = "(SELECT pg_catalog.count(*) FROM pgrst_source)"
    total = write_count_cte(sql, plan, inputs, page_total)
    sql.write(result_columns(total, page_total, "null::text"))
    sql.write(
        "null::int AS response_inserted UNION ALL "
        "SELECT null, null, row_to_json(_postgrest_t)::text, null, null, null FROM pgrst_source _postgrest_t"
    )
    return sql.template(binary=True)


def render_explain_count(plan: ReadPlan) -> Template:
    sql = SqlWriter()
    sql.write("EXPLAIN (FORMAT JSON) ")
    write_count_query(sql, plan)
    return sql.template()


def explain_prefix(media_type: MediaType) -> str:
    if not isinstance(media_type, PlanMediaType):
        return ""
    options = ["FORMAT JSON" if media_type.format is PlanFormat.JSON else "FORMAT TEXT"]
    options += [option.upper() for option in media_type.options if option in EXPLAIN_OPTIONS]
    return f"EXPLAIN ({', '.join(options)}) "


def write_relation_read(sql: SqlWriter, plan: RelationRead, inputs: MainInputs) -> None:
    sql.write("WITH pgrst_source AS ( ")
    write_read(sql, plan.read)
    sql.write(" )")
    total = write_count_cte(sql, plan, inputs, PAGE_TOTAL)
    sql.write(result_columns(total, PAGE_TOTAL, body_expression(plan.handler)))
    sql.write("null::int AS response_inserted FROM ( SELECT * FROM pgrst_source ) _postgrest_t")


def write_count_cte(sql: SqlWriter, plan: RelationRead | RoutineCall, inputs: MainInputs, page_total: str) -> str:
    """Write the CTE that counts all rows, if the page's rows may not be all; return the count's expression."""
    if not inputs.preferences.counts_exactly:
        return "null::bigint"
    if inputs.max_rows is None and inputs.top_range == ALL_ROWS:
        return page_total
    sql.write(", pgrst_source_count AS (")
    write_count_query(sql, plan.read)
    # An estimate of a relation needs the exact count only if that is within db-max-rows
    if isinstance(plan, RelationRead) and inputs.preferences.count is Count.ESTIMATED and inputs.max_rows is not None:
        sql.write(f" LIMIT {inputs.max_rows + 1:d}")
    sql.write(")")
    return "(SELECT pg_catalog.count(*) FROM pgrst_source_count)"


def result_columns(total: str, page_total: str, body: str) -> str:
    return f" SELECT {total} AS total_result_set, {page_total} AS page_total, {body} AS body, {RESPONSE_SETTINGS}"


def write_relation_mutation(sql: SqlWriter, plan: RelationMutation, inputs: MainInputs) -> None:
    mutate = plan.mutate
    sql.write("WITH pgrst_source AS (")
    write_mutation(sql, mutate, json_body(inputs.payload))
    sql.write(")")
    sql.write(result_columns("null::bigint", PAGE_TOTAL, body_expression(plan.handler)))
    sql.write(f"{CURRENT_INSERTED + '::int' if is_upsert(mutate) else 'null::int'} AS response_inserted")
    if isinstance(mutate, Insert) and inputs.preferences.representation is Representation.HEADERS_ONLY:
        sql.write(f", {location(mutate.primary_key)} AS location")
    sql.write(" FROM (")
    if plan.handler is Builtin.NONE:
        # Nothing is returned, so what `select` names need not be there
        sql.write("SELECT * FROM pgrst_source")
    else:
        write_read(sql, plan.read)
    sql.write(") _postgrest_t")


def location(primary_key: tuple[str, ...]) -> str:
    """The filters that find the one inserted row by its primary key."""
    if not primary_key:
        return "null::json"
    keys = ", ".join([quote_literal(key) for key in primary_key])
    return (
        "CASE WHEN pg_catalog.count(_postgrest_t) = 1 THEN ("
        "WITH data AS (SELECT row_to_json(_) AS row FROM pgrst_source AS _ LIMIT 1) "
        "SELECT json_agg(json_data.key || '=' || coalesce('eq.' || json_data.value, 'is.null')) "
        f"FROM data CROSS JOIN json_each_text(data.row) AS json_data WHERE json_data.key IN ({keys})) END"
    )


def write_routine_call(sql: SqlWriter, plan: RoutineCall, inputs: MainInputs) -> None:
    page_total = "1::bigint" if plan.routine.returns_single else PAGE_TOTAL
    sql.write("WITH pgrst_source AS (")
    write_call(sql, plan.call, inputs.payload)
    sql.write(")")
    total = write_count_cte(sql, plan, inputs, page_total)
    sql.write(result_columns(total, page_total, body_expression(plan.handler, plan.routine)))
    sql.write("null::int AS response_inserted FROM (")
    write_read(sql, plan.read)
    sql.write(") _postgrest_t")
