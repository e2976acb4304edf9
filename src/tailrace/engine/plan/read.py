"""Plans a read: the relation's own rows, or those that a mutation or call returns, and what is embedded.

Source: PostgREST docs, references/api/tables_views and references/api/resource_embedding.
"""

from tailrace.engine.config.config import Config
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.draft import Draft
from tailrace.engine.plan.embed import relate_embeddings
from tailrace.engine.plan.filter_tree import find_null_filters, resolve_condition, resolve_filter
from tailrace.engine.plan.level import find_level
from tailrace.engine.plan.order import relate_orders, resolve_order
from tailrace.engine.plan.read_plan import SOURCE_CTE, ReadPlan
from tailrace.engine.plan.selection import add_aliases, draft_levels, expand_stars
from tailrace.engine.plan.spread import (
    add_embed_selects,
    hoist_aggregates,
    order_to_many_spreads,
    validate_aggregates,
)
from tailrace.engine.request.api_request import ApiRequest, CallRoutine, MutateRelation, ReadRelation
from tailrace.engine.schema_cache.cache import SchemaCache


def plan_read(relation: QualifiedName, request: ApiRequest, *, config: Config, cache: SchemaCache) -> ReadPlan:
    """Resolve `select`, filters, orders and limits of all levels.

    The order of the stages decides which of several errors is reported; within
    a stage the last parameter of the URL is looked at first.
    Errors: NotEmbedded, NoRelationship, AmbiguousRelationship,
    RelatedOrderNotToOne, AggregatesNotAllowed, NotImplementedYet.
    """
    root = draft_levels(relation, request.query.select, cache)
    legacy_names = config.url_use_legacy_target_names
    _add_filters(root, request, cache=cache, legacy_names=legacy_names)
    _add_orders(root, request, legacy_names=legacy_names)
    _add_ranges(root, request, legacy_names=legacy_names)
    _add_logic(root, request, cache=cache, legacy_names=legacy_names)
    if isinstance(request.action, MutateRelation | CallRoutine):
        root.source, root.source_alias = SOURCE_CTE, relation.name
    relate_embeddings(root, relation.schema, cache)
    expand_stars(root, cache.representations)
    add_aliases(root)
    relate_orders(root)
    find_null_filters(root)
    add_embed_selects(root)
    validate_aggregates(root, enabled=config.db_aggregates_enabled)
    if root.children:
        hoist_aggregates(root)
        order_to_many_spreads(root)
    if config.db_max_rows is not None and not isinstance(request.action, MutateRelation):
        _restrict_ranges(root, config.db_max_rows)
    return root.freeze()


def _filters_root(request: ApiRequest) -> bool:
    """Whether the root's filters belong to the read; those of a mutation choose what it changes."""
    return isinstance(request.action, ReadRelation | CallRoutine)


def _add_filters(root: Draft, request: ApiRequest, *, cache: SchemaCache, legacy_names: bool) -> None:
    filters_root = _filters_root(request)
    for path, filter in reversed(request.query.filters):
        if path or filters_root:
            level = find_level(root, path, legacy_names=legacy_names)
            level.where.insert(0, resolve_filter(filter, level.table, cache.representations))


def _add_logic(root: Draft, request: ApiRequest, *, cache: SchemaCache, legacy_names: bool) -> None:
    filters_root = _filters_root(request)
    for path, tree in reversed(request.query.logic):
        if path or filters_root:
            level = find_level(root, path, legacy_names=legacy_names)
            level.where.insert(0, resolve_condition(tree, level.table, cache.representations))


def _add_orders(root: Draft, request: ApiRequest, *, legacy_names: bool) -> None:
    for path, terms in reversed(request.query.order):
        level = find_level(root, path, legacy_names=legacy_names)
        # PostgREST looks up the columns of every level in the root's table; so do we.
        level.order = resolve_order(terms, root.table)


def _add_ranges(root: Draft, request: ApiRequest, *, legacy_names: bool) -> None:
    if isinstance(request.action, MutateRelation):
        return
    for path, range in reversed(request.ranges):
        find_level(root, path, legacy_names=legacy_names).range = range


def _restrict_ranges(level: Draft, max_rows: int) -> None:
    level.range = level.range.restrict(max_rows)
    for child in level.children:
        _restrict_ranges(child, max_rows)
