"""WHERE: filters, their operators, and the logic that connects them.

Source: PostgREST docs, references/api/tables_views, "Horizontal Filtering".
"""

from collections.abc import Callable
from types import MappingProxyType

from tailrace.engine.identifiers import quote_identifier
from tailrace.engine.plan.read_plan import Condition, NullEmbedFilter, ResolvedField, ResolvedFilter, ResolvedLogic
from tailrace.engine.request.filter import (
    FullText,
    FullTextOperator,
    In,
    Is,
    IsDistinctFrom,
    IsValue,
    LogicOperator,
    Operand,
    Quantifiable,
    QuantifiableOperator,
    Quantifier,
    Simple,
    SimpleOperator,
)
from tailrace.engine.sql.field import Correlation, write_field
from tailrace.engine.sql.fragment import Parameter, Source, SqlWriter
from tailrace.engine.sql.operand import array_literal, encode_list, encode_pattern, write_operand

NullEmbedWriter = Callable[[SqlWriter, NullEmbedFilter], None]

SIMPLE = MappingProxyType(
    {
        SimpleOperator.NOT_EQUAL: " <> ",
        SimpleOperator.CONTAINS: " @> ",
        SimpleOperator.CONTAINED: " <@ ",
        SimpleOperator.OVERLAP: " && ",
        SimpleOperator.STRICTLY_LEFT: " << ",
        SimpleOperator.STRICTLY_RIGHT: " >> ",
        SimpleOperator.NOT_EXTENDS_RIGHT: " &< ",
        SimpleOperator.NOT_EXTENDS_LEFT: " &> ",
        SimpleOperator.ADJACENT: " -|- ",
    }
)
QUANTIFIABLE = MappingProxyType(
    {
        QuantifiableOperator.EQUAL: " = ",
        QuantifiableOperator.GREATER_THAN_EQUAL: " >= ",
        QuantifiableOperator.GREATER_THAN: " > ",
        QuantifiableOperator.LESS_THAN_EQUAL: " <= ",
        QuantifiableOperator.LESS_THAN: " < ",
        QuantifiableOperator.LIKE: " like ",
        QuantifiableOperator.ILIKE: " ilike ",
        QuantifiableOperator.MATCH: " ~ ",
        QuantifiableOperator.IMATCH: " ~* ",
    }
)
FULL_TEXT = MappingProxyType(
    {
        FullTextOperator.FTS: " @@ to_tsquery(",
        FullTextOperator.PLAIN: " @@ plainto_tsquery(",
        FullTextOperator.PHRASE: " @@ phraseto_tsquery(",
        FullTextOperator.WEBSEARCH: " @@ websearch_to_tsquery(",
    }
)
IS = MappingProxyType(
    {
        IsValue.NULL: " IS NULL",
        IsValue.NOT_NULL: " IS NOT NULL",
        IsValue.TRUE: " IS TRUE",
        IsValue.FALSE: " IS FALSE",
        IsValue.UNKNOWN: " IS UNKNOWN",
    }
)


def write_null_embed(sql: SqlWriter, condition: NullEmbedFilter) -> None:
    """Compare the lateral subquery's row with NULL (a row of nulls is not NULL)."""
    alias = quote_identifier(condition.alias)
    sql.write(f"{alias} IS DISTINCT FROM NULL" if condition.negated else f"{alias} IS NOT DISTINCT FROM NULL")


def write_condition(
    sql: SqlWriter, relation: Correlation, condition: Condition, null_embed: NullEmbedWriter = write_null_embed
) -> None:
    """Write one condition; `null_embed` writes the ones on embeddings, which depend on what stands after FROM."""
    if isinstance(condition, ResolvedFilter):
        write_filter(sql, relation, condition)
    elif isinstance(condition, ResolvedLogic):
        separator = "NOT (" if condition.negated else "("
        for child in condition.children:
            sql.write(separator)
            write_condition(sql, relation, child, null_embed)
            separator = " AND " if condition.operator is LogicOperator.AND else " OR "
        sql.write(")")
    else:
        null_embed(sql, condition)


def write_where(sql: SqlWriter, relation: Correlation, conditions: tuple[Condition, ...]) -> None:
    separator = " WHERE "
    for condition in conditions:
        sql.write(separator)
        write_condition(sql, relation, condition)
        separator = " AND "


def write_filter(sql: SqlWriter, relation: Correlation, condition: ResolvedFilter) -> None:
    if condition.negated:
        sql.write("NOT ")
    field, operation = condition.field, condition.operation
    write_field(sql, relation, field)
    if isinstance(operation, Quantifiable):
        sql.write(QUANTIFIABLE[operation.operator])
        write_quantified(sql, operation, field)
    elif isinstance(operation, Is):
        # IS takes keywords only, no parameter
        sql.write(IS[operation.value])
    elif isinstance(operation, In):
        write_in(sql, operation, field)
    elif isinstance(operation, Simple):
        sql.write(SIMPLE[operation.operator])
        write_parsed(sql, operation.operand, field)
    elif isinstance(operation, IsDistinctFrom):
        sql.write(" IS DISTINCT FROM ")
        write_operand(sql, operation.operand)
    else:
        write_full_text(sql, operation)


def write_parsed(sql: SqlWriter, operand: Operand, field: ResolvedField) -> None:
    """Write a value, through the function that a domain representation parses text with."""
    if field.transform is None:
        write_operand(sql, operand)
    else:
        sql.write(field.transform + "(")
        write_operand(sql, operand)
        sql.write(")")


def write_quantified(sql: SqlWriter, operation: Quantifiable, field: ResolvedField) -> None:
    quantifier = operation.quantifier
    if quantifier is not None:
        sql.write("ANY(" if quantifier is Quantifier.ANY else "ALL(")
    if operation.operator is QuantifiableOperator.LIKE or operation.operator is QuantifiableOperator.ILIKE:
        write_operand(sql, operation.operand, encode_pattern)
    else:
        write_parsed(sql, operation.operand, field)
    if quantifier is not None:
        sql.write(")")


def write_in(sql: SqlWriter, operation: In, field: ResolvedField) -> None:
    """Write `= ANY` of one array, so that the statement is the same for any number of values, even none."""
    parameter = Parameter(array_literal(operation.values), Source.OPERAND, operation.position, encode_list)
    if field.transform is None:
        sql.write(" = ANY (")
        sql.bind(parameter)
        sql.write(")")
    else:
        sql.write(f" = ANY ((SELECT {field.transform}(unnest(")
        sql.bind(parameter)
        sql.write("::text[]))))")


def write_full_text(sql: SqlWriter, operation: FullText) -> None:
    sql.write(FULL_TEXT[operation.operator])
    if operation.language is not None:
        sql.constant(operation.language)
        sql.write(", ")
    write_operand(sql, operation.operand)
    sql.write(")")
