"""Resolves orders, those by a column of an embedding included.

Source: PostgREST docs, references/api/resource_embedding (related orders).
"""

from collections.abc import Sequence
from dataclasses import replace

from tailrace.engine.errors import NotEmbedded, RelatedOrderNotToOne
from tailrace.engine.plan.draft import Draft
from tailrace.engine.plan.read_plan import ResolvedField, ResolvedOrder
from tailrace.engine.plan.resolve import resolve_field
from tailrace.engine.request.order import OrderTerm
from tailrace.engine.schema_cache.table import Table


def resolve_order(terms: Sequence[OrderTerm], table: Table | None) -> list[ResolvedOrder]:
    """The terms of one level; a related one still names its embedding as the client did."""
    return [_resolve_term(term, table) for term in terms]


def _resolve_term(term: OrderTerm, table: Table | None) -> ResolvedOrder:
    if term.relation is None:
        return ResolvedOrder(resolve_field(term.field, table), term.direction, term.nulls)
    field = ResolvedField(term.field.name, term.field.json_path)
    return ResolvedOrder(field, term.direction, term.nulls, term.relation)


def relate_orders(level: Draft) -> None:
    """Point related orders to their embeddings' subqueries.

    Errors: NotEmbedded (PGRST108) for a relation that `select` does not embed,
    RelatedOrderNotToOne (PGRST118) for one with more than one row.
    """
    if any(term.relation is not None for term in level.order):
        level.order = [_relate(term, level) for term in level.order]
    for child in level.children:
        relate_orders(child)


def _relate(term: ResolvedOrder, level: Draft) -> ResolvedOrder:
    if term.relation is None:
        return term
    for child in level.children:
        if child.label == term.relation:
            if child.relationship is None or not child.relationship.is_to_one:
                raise RelatedOrderNotToOne(level.source.name, child.label)
            return replace(term, relation=child.aggregate_alias)
    raise NotEmbedded(term.relation)
