"""The count of all rows that a read matches, whatever its range.

Source: PostgREST docs, references/api/pagination_count.
"""

from functools import partial

from tailrace.engine.plan.read_plan import NullEmbedFilter, ReadPlan
from tailrace.engine.request.select import JoinType
from tailrace.engine.sql.condition import write_condition
from tailrace.engine.sql.field import join_condition
from tailrace.engine.sql.fragment import SqlWriter
from tailrace.engine.sql.select import correlation_of, write_from


def write_count_query(sql: SqlWriter, plan: ReadPlan) -> None:
    """Write a query of one row for each row of the root.

    It selects a constant, so that no computed column is evaluated, and replaces
    inner joins by EXISTS, so that an embedding does not multiply the rows.
    """
    relation = correlation_of(plan)
    null_embed = partial(write_null_embed_exists, plan)
    sql.write("SELECT 1 ")
    write_from(sql, plan)
    separator = " WHERE "
    for condition in plan.where:
        sql.write(separator)
        write_condition(sql, relation, condition, null_embed)
        separator = " AND "
    for join in plan.join:
        sql.write(separator)
        sql.write(join_condition(join))
        separator = " AND "
    for embedding in plan.embeddings:
        if embedding.join_type is JoinType.INNER:
            sql.write(separator)
            write_exists(sql, embedding)
            separator = " AND "


def write_exists(sql: SqlWriter, embedding: ReadPlan) -> None:
    sql.write("EXISTS (")
    write_count_query(sql, embedding)
    sql.write(" )")


def write_null_embed_exists(plan: ReadPlan, sql: SqlWriter, condition: NullEmbedFilter) -> None:
    if not condition.negated:
        sql.write("NOT ")
    write_exists(sql, next(child for child in plan.embeddings if child.aggregate_alias == condition.alias))
