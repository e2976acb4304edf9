"""INSERT, UPDATE and DELETE of a mutate plan.

Source: PostgREST docs, references/api/tables_views, "Insert" to "Delete".
"""

from tailrace.engine.identifiers import QualifiedName, quote_identifier
from tailrace.engine.plan.mutate_plan import Delete, Insert, MutatePlan, Update
from tailrace.engine.request.preferences import Resolution
from tailrace.engine.sql.condition import write_condition, write_where
from tailrace.engine.sql.field import PGRST_BODY, column, correlation
from tailrace.engine.sql.fragment import SqlWriter
from tailrace.engine.sql.json_body import JsonBody, write_body_relation

CURRENT_INSERTED = "nullif(current_setting('pgrst.inserted', true), '')"
COUNT_ROW = f"set_config('pgrst.inserted', (coalesce({CURRENT_INSERTED}::int, 0) + 1)::text, true) <> '0'"
"""Counts a row that is to be inserted; is always true."""
DISCOUNT_ROW = f"set_config('pgrst.inserted', (coalesce({CURRENT_INSERTED}::int, 0) - 1)::text, true) <> '-1'"
"""Takes back a count when the row is updated after all; is always true."""


def write_mutation(sql: SqlWriter, plan: MutatePlan, body: JsonBody) -> None:
    match plan:
        case Insert():
            write_insert(sql, plan, body)
        case Update():
            write_update(sql, plan, body)
        case Delete():
            sql.write(f"DELETE FROM {plan.target.quoted} ")
            write_where(sql, correlation(plan.target), plan.where)
            sql.write(returning(plan.target, plan.returning))


def is_upsert(plan: MutatePlan) -> bool:
    """Whether the inserted rows are counted apart from the updated ones."""
    if not isinstance(plan, Insert):
        return False
    return bool(plan.put_conditions) or merges_duplicates(plan)


def merges_duplicates(plan: Insert) -> bool:
    return plan.on_conflict is not None and plan.on_conflict[0] is Resolution.MERGE_DUPLICATES


def write_insert(sql: SqlWriter, plan: Insert, body: JsonBody) -> None:
    names = [quote_identifier(field.name) for field in plan.columns]
    sql.write(f"INSERT INTO {plan.target.quoted}")
    sql.write(f"({', '.join(names)}) " if names else " ")
    sql.write(f"SELECT {', '.join([PGRST_BODY.qualifier + '.' + name for name in names])} FROM ")
    write_body_relation(sql, body, fields=plan.columns, apply_defaults=plan.apply_defaults)
    if is_upsert(plan):
        sql.write("WHERE " + COUNT_ROW)
    for condition in plan.put_conditions:
        sql.write(" AND ")
        write_condition(sql, PGRST_BODY, condition)
    sql.write(on_conflict(plan, names))
    sql.write(returning(plan.target, plan.returning))


def on_conflict(plan: Insert, names: list[str]) -> str:
    if plan.on_conflict is None or not plan.on_conflict[1]:
        return ""
    target = f" ON CONFLICT({', '.join([quote_identifier(name) for name in plan.on_conflict[1]])}) "
    if not merges_duplicates(plan) or not names:
        return target + "DO NOTHING"
    assignments = ", ".join([f"{name} = EXCLUDED.{name}" for name in names])
    return f"{target}DO UPDATE SET {assignments} WHERE {DISCOUNT_ROW}"


def write_update(sql: SqlWriter, plan: Update, body: JsonBody) -> None:
    if not plan.columns:
        sql.write(no_update(plan))
        return
    names = [quote_identifier(field.name) for field in plan.columns]
    assignments = ", ".join([f"{name} = {PGRST_BODY.qualifier}.{name}" for name in names])
    sql.write(f"UPDATE {plan.target.quoted} SET {assignments} FROM ")
    write_body_relation(sql, body, fields=plan.columns, apply_defaults=plan.apply_defaults)
    write_where(sql, correlation(plan.target), plan.where)
    sql.write(returning(plan.target, plan.returning))


def no_update(plan: Update) -> str:
    """An update of nothing: no rows, but with the columns that the representation selects from."""
    relation = quote_identifier(plan.target.name)
    columns = ", ".join([column(relation, name) for name in plan.returning]) or "NULL"
    return f"SELECT {columns} FROM {plan.target.quoted} WHERE false"


def returning(target: QualifiedName, names: tuple[str, ...]) -> str:
    """RETURNING; something is returned always, so that the rows can be counted."""
    qualifier = target.quoted
    return " RETURNING " + (", ".join([column(qualifier, name) for name in names]) or "1")
