"""SELECT: a read plan with its embeddings, each in a lateral subquery.

Source: PostgREST docs, references/api/resource_embedding.
"""

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.plan.read_plan import (
    EmbedMode,
    EmbedSelect,
    JsonEmbed,
    ReadPlan,
    ResolvedField,
    ResolvedSelect,
    SpreadEmbed,
    SpreadField,
    ToManySpread,
)
from tailrace.engine.request.range import RowRange
from tailrace.engine.request.select import JoinType
from tailrace.engine.schema_cache.relationship import ComputedRelationship, ForeignKeyRelationship, ManyToMany
from tailrace.engine.sql.condition import write_condition
from tailrace.engine.sql.field import (
    Correlation,
    aliased,
    column,
    correlation,
    join_condition,
    spread_select,
    write_field,
    write_order,
    write_select,
)
from tailrace.engine.sql.fragment import Parameter, Source, SqlWriter

ALL_COLUMNS = (ResolvedSelect(ResolvedField("*")),)


def write_read(sql: SqlWriter, plan: ReadPlan, *, is_root: bool = True) -> None:
    """Write the query of a read plan.

    The root's limit and offset may differ in another request of the same shape;
    those of the embeddings are part of the shape.
    """
    relation = correlation_of(plan)
    write_select_list(sql, plan, relation)
    write_from(sql, plan)
    for embed in plan.embed_selects:
        write_join(sql, plan, embed)
    separator = " WHERE "
    for condition in plan.where:
        sql.write(separator)
        write_condition(sql, relation, condition)
        separator = " AND "
    for join in plan.join:
        sql.write(separator)
        sql.write(join_condition(join))
        separator = " AND "
    write_group_by(sql, plan, relation)
    if plan.order:
        sql.write(" ")
        write_order(sql, relation, plan.order)
    write_range(sql, plan.range, is_root=is_root)


def correlation_of(plan: ReadPlan) -> Correlation:
    if plan.source_alias is not None:
        return aliased(plan.source_alias)
    if isinstance(plan.relationship, ComputedRelationship):
        return aliased(plan.relationship.function.name)
    return correlation(plan.source)


def write_from(sql: SqlWriter, plan: ReadPlan) -> None:
    """Write FROM with the junction of a many-to-many relationship, or the function of a computed one."""
    relationship = plan.relationship
    sql.write(" FROM ")
    if isinstance(relationship, ComputedRelationship):
        parent = relationship.table if plan.parent_alias is None else plan.parent_alias
        # Rows of a CTE have no type by which an overloaded function could be chosen
        argument = f"{quote_identifier(parent.name)}::{relationship.table.quoted}"
        sql.write(f"{relationship.function.quoted}({argument})")
    else:
        sql.write(plan.source.quoted)
    if plan.source_alias is not None:
        sql.write(" AS " + quote_identifier(plan.source_alias))
    if isinstance(relationship, ForeignKeyRelationship) and isinstance(relationship.cardinality, ManyToMany):
        sql.write(", " + relationship.cardinality.junction.quoted)


def write_select_list(sql: SqlWriter, plan: ReadPlan, relation: Correlation) -> None:
    separator = "SELECT "
    for select in plan.select if plan.select or plan.embeddings else ALL_COLUMNS:
        sql.write(separator)
        write_select(sql, relation, select)
        separator = ", "
    if isinstance(plan.spread, ToManySpread):
        for alias, select in plan.spread.extra_select:
            sql.write(separator)
            write_select(sql, relation if alias is None else aliased(alias), select)
            separator = ", "
    for embed in plan.embed_selects:
        for item in embed_select_items(embed):
            sql.write(separator)
            sql.write(item)
            separator = ", "
    if separator == "SELECT ":
        sql.write(separator)


def embed_select_items(embed: EmbedSelect) -> list[str]:
    alias = quote_identifier(embed.alias)
    if isinstance(embed, SpreadEmbed):
        return [spread_select(alias, field) for field in embed.fields]
    if embed.is_empty:
        return []
    name = quote_identifier(embed.name)
    if embed.mode is EmbedMode.OBJECT:
        return [f"row_to_json({alias}.*)::jsonb AS {name}"]
    return [f"COALESCE( {alias}.{alias}, '[]') AS {name}"]


def write_join(sql: SqlWriter, plan: ReadPlan, embed: EmbedSelect) -> None:
    """Join an embedding: its one row as it is, its many rows as one JSON array (an array for each spread field)."""
    embedding = next(child for child in plan.embeddings if child.aggregate_alias == embed.alias)
    alias = quote_identifier(embed.alias)
    is_inner = embedding.join_type is JoinType.INNER
    sql.write(" INNER JOIN LATERAL ( " if is_inner else " LEFT JOIN LATERAL ( ")
    if is_aggregated(embed, embedding):
        sql.write(f"SELECT json_agg({alias})::jsonb AS {alias}")
        if isinstance(embed, SpreadEmbed) and isinstance(embedding.spread, ToManySpread):
            for field in embed.fields:
                write_spread_array(sql, alias, field, embedding.spread)
        sql.write(" FROM (")
        write_read(sql, embedding, is_root=False)
        sql.write(f" ) AS {alias} ) AS {alias} ON ")
        sql.write(f"{alias} IS NOT NULL" if is_inner else "TRUE")
    else:
        write_read(sql, embedding, is_root=False)
        sql.write(f" ) AS {alias} ON TRUE")


def is_aggregated(embed: EmbedSelect, embedding: ReadPlan) -> bool:
    if isinstance(embed, JsonEmbed):
        return embed.mode is EmbedMode.ARRAY
    return isinstance(embedding.spread, ToManySpread)


def write_spread_array(sql: SqlWriter, alias: str, field: SpreadField, spread: ToManySpread) -> None:
    sql.write(f", COALESCE(json_agg({column(alias, field.name)} ")
    write_order(sql, Correlation(alias, alias), spread.order)
    sql.write(f"),'[]')::jsonb AS {quote_identifier(field.alias or field.name)}")


def write_group_by(sql: SqlWriter, plan: ReadPlan, relation: Correlation) -> None:
    """Group by everything that is not aggregated, if anything is.

    Source: PostgREST docs, references/api/aggregate_functions.
    """
    if not has_aggregates(plan):
        return
    separator = " GROUP BY "
    for select in plan.select:
        if select.aggregate is not None:
            continue
        sql.write(separator)
        if select.alias is None:
            write_field(sql, relation, select.field)
        else:
            sql.write(quote_identifier(select.alias))
        separator = ", "
    for embed in plan.embed_selects:
        for term in embed_group_terms(embed):
            sql.write(separator + term)
            separator = ", "


def has_aggregates(plan: ReadPlan) -> bool:
    if any(select.aggregate is not None for select in plan.select):
        return True
    spreads = (embed for embed in plan.embed_selects if isinstance(embed, SpreadEmbed))
    return any(field.aggregate is not None for spread in spreads for field in spread.fields)


def embed_group_terms(embed: EmbedSelect) -> list[str]:
    if isinstance(embed, JsonEmbed):
        return [quote_identifier(embed.name)]
    alias = quote_identifier(embed.alias)
    return [column(alias, field.alias or field.name) for field in embed.fields if field.aggregate is None]


def write_range(sql: SqlWriter, range: RowRange, *, is_root: bool) -> None:
    if range.last is None and range.offset == 0:
        return
    limit = range.limit
    if limit is None:
        sql.write(" LIMIT ALL OFFSET ")
    else:
        sql.write(" LIMIT ")
        sql.bind(Parameter(b"%d" % limit, Source.LIMIT if is_root else Source.CONSTANT))
        sql.write(" OFFSET ")
    sql.bind(Parameter(b"%d" % range.offset, Source.OFFSET if is_root else Source.CONSTANT))
