"""Columns and what is made of them: JSON paths, casts, aggregates, aliases."""

import re
from typing import NamedTuple

from tailrace.engine.identifiers import QualifiedName, quote_identifier
from tailrace.engine.plan.read_plan import FullTextVector, JoinCondition, ResolvedField, ResolvedOrder, ResolvedSelect
from tailrace.engine.plan.read_plan import SpreadField as SpreadSelect
from tailrace.engine.request.order import Direction, Nulls
from tailrace.engine.request.select import Aggregate
from tailrace.engine.sql.fragment import SqlWriter

CAST_NAME = re.compile(r"[\w $]+")
"""Type names as `select=` may have them. They go into SQL unquoted, since `"int"` is no type, and nothing else may."""


class Correlation(NamedTuple):
    """A relation as the columns of a query refer to it."""

    qualifier: str
    """Quoted name or alias, with the schema if there is no alias."""
    row: str
    """Quoted name or alias that stands for a whole row."""


PGRST_BODY = Correlation('"pgrst_body"', '"pgrst_body"')


def correlation(relation: QualifiedName) -> Correlation:
    return Correlation(relation.quoted, quote_identifier(relation.name))


def aliased(alias: str) -> Correlation:
    quoted = quote_identifier(alias)
    return Correlation(quoted, quoted)


def column(qualifier: str, name: str) -> str:
    return qualifier + (".*" if name == "*" else "." + quote_identifier(name))


def write_field(sql: SqlWriter, relation: Correlation, field: ResolvedField) -> None:
    """Write a column with its JSON path, wrapped in to_tsvector if asked for."""
    if field.vector is not None:
        sql.write("to_tsvector(")
        write_language(sql, field.vector)
    if field.full_row:
        sql.write(relation.row)
    elif field.json_path:
        write_json_path(sql, column(relation.qualifier, field.name), field)
    else:
        sql.write(column(relation.qualifier, field.name))
    if field.vector is not None:
        sql.write(")")


def write_language(sql: SqlWriter, vector: FullTextVector) -> None:
    if vector.language is not None:
        sql.constant(vector.language)
        sql.write(", ")


def write_json_path(sql: SqlWriter, column_sql: str, field: ResolvedField) -> None:
    sql.write(f"to_jsonb({column_sql})" if field.to_jsonb else column_sql)
    for step in field.json_path:
        sql.write("->>" if step.as_text else "->")
        sql.constant(step.operand)
        if step.is_index:
            sql.write("::int")


def write_select(sql: SqlWriter, relation: Correlation, select: ResolvedSelect) -> None:
    """Write one item of a select list."""
    field = select.field
    before, after = around_aggregate(select.aggregate, select.aggregate_cast)
    if select.cast is not None:
        before += "CAST( "
        after = f" AS {cast_name(select.cast)} )" + after
    if field.transform is not None:
        before += field.transform + "("
        after = ")" + after
    if select.alias is not None:
        after += " AS " + quote_identifier(select.alias)
    if before:
        sql.write(before)
    write_field(sql, relation, field)
    if after:
        sql.write(after)


def spread_select(qualifier: str, select: SpreadSelect) -> str:
    """An item of a select list that takes a field out of a to-one spread."""
    before, after = around_aggregate(select.aggregate, select.aggregate_cast)
    alias = "" if select.alias is None else " AS " + quote_identifier(select.alias)
    return before + column(qualifier, select.name) + after + alias


def around_aggregate(aggregate: Aggregate | None, cast: str | None) -> tuple[str, str]:
    """What stands before and after the aggregated expression."""
    if aggregate is None:
        return "", ""
    call = aggregate.name + "("
    return (call, ")") if cast is None else ("CAST( " + call, f") AS {cast_name(cast)} )")


def cast_name(cast: str) -> str:
    return cast if CAST_NAME.fullmatch(cast) else quote_identifier(cast)


def join_condition(join: JoinCondition) -> str:
    left = column(join.left.quoted, join.left_column)
    return f"{left} = {column(join.right.quoted, join.right_column)}"


def write_order(sql: SqlWriter, relation: Correlation, order: tuple[ResolvedOrder, ...]) -> None:
    separator = "ORDER BY "
    for term in order:
        sql.write(separator)
        write_field(sql, relation if term.relation is None else aliased(term.relation), term.field)
        sql.write(direction(term))
        separator = ", "


def direction(term: ResolvedOrder) -> str:
    words = ""
    if term.direction is not None:
        words = " ASC" if term.direction is Direction.ASC else " DESC"
    if term.nulls is not None:
        words += " NULLS FIRST" if term.nulls is Nulls.FIRST else " NULLS LAST"
    return words
