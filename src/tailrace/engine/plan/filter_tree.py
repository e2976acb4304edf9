"""Resolves filters and the logic between them.

Source: PostgREST docs, references/api/tables_views (horizontal filtering) and
references/api/resource_embedding (null filtering on embeddings).
"""

from collections.abc import Sequence

from tailrace.engine.plan.draft import Draft
from tailrace.engine.plan.read_plan import Condition, NullEmbedFilter, ResolvedFilter, ResolvedLogic
from tailrace.engine.plan.resolve import Representations, resolve_operand_field
from tailrace.engine.request.filter import Filter, Is, IsValue, LogicNode, LogicTree
from tailrace.engine.schema_cache.table import Table


def resolve_condition(tree: LogicTree, table: Table | None, representations: Representations) -> Condition:
    """A filter, or a tree of them, on the columns of one relation."""
    if isinstance(tree, LogicNode):
        children = tuple([resolve_condition(child, table, representations) for child in tree.children])
        return ResolvedLogic(tree.negated, tree.operator, children)
    return resolve_filter(tree, table, representations)


def resolve_filter(filter: Filter, table: Table | None, representations: Representations) -> ResolvedFilter:
    field = resolve_operand_field(filter.field, table, operation=filter.operation, representations=representations)
    return ResolvedFilter(field, filter.negated, filter.operation)


def find_null_filters(level: Draft) -> None:
    """Turn `embedding=is.null` and `not.is.null` into a test of the embedding's own rows.

    Any other operator on an embedding's name stays a filter on a column.
    """
    if not level.children:
        return
    level.where = [_with_null_filters(condition, level.children) for condition in level.where]
    for child in level.children:
        find_null_filters(child)


def _with_null_filters(condition: Condition, embeddings: Sequence[Draft]) -> Condition:
    if isinstance(condition, ResolvedLogic):
        children = tuple([_with_null_filters(child, embeddings) for child in condition.children])
        return ResolvedLogic(condition.negated, condition.operator, children)
    if isinstance(condition, ResolvedFilter) and _tests_null(condition):
        for embedding in embeddings:
            if embedding.label == condition.field.name:
                return NullEmbedFilter(condition.negated, embedding.aggregate_alias)
    return condition


def _tests_null(condition: ResolvedFilter) -> bool:
    operation = condition.operation
    return isinstance(operation, Is) and operation.value is IsValue.NULL and not condition.field.json_path
