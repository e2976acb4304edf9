"""Plans a write.

Source: PostgREST docs, references/api/tables_views (insert, update, upsert, delete).
"""

from tailrace.engine.errors import InvalidPutFilters, NoColumn
from tailrace.engine.plan.filter_tree import resolve_condition, resolve_filter
from tailrace.engine.plan.mutate_plan import Delete, Insert, MutatePlan, Update
from tailrace.engine.plan.read_plan import Condition, ReadPlan, ResolvedField
from tailrace.engine.plan.resolve import Representations, resolve_column_input
from tailrace.engine.plan.returning import needed_columns
from tailrace.engine.request.api_request import ApiRequest, MutateRelation, Mutation, QueryString
from tailrace.engine.request.filter import Filter, Quantifiable, QuantifiableOperator
from tailrace.engine.request.preferences import Missing, Representation, Resolution
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.table import Table


def plan_mutation(action: MutateRelation, request: ApiRequest, *, cache: SchemaCache, read: ReadPlan) -> MutatePlan:
    """Resolve the columns to write and the rows to change; `read` tells what is to be returned.

    The relation is in the cache: it was looked up before.
    Errors: NoColumn (PGRST204), InvalidPutFilters (PGRST105).
    """
    table = cache.tables[action.target]
    where = _where(request.query, table, cache.representations)
    returning = _returning(request.preferences.representation, table, read)
    if action.mutation is Mutation.DELETE:
        return Delete(action.target, where, returning)
    if action.mutation is Mutation.UPSERT_SINGLE and not _names_one_row(request.query, table.primary_key):
        raise InvalidPutFilters
    columns = _columns(request, table, cache.representations)
    applies_defaults = request.preferences.missing is Missing.DEFAULT
    if action.mutation is Mutation.UPDATE:
        return Update(action.target, columns, where, returning, applies_defaults)
    is_put = action.mutation is Mutation.UPSERT_SINGLE
    return Insert(
        target=action.target,
        columns=columns,
        on_conflict=(Resolution.MERGE_DUPLICATES, table.primary_key) if is_put else _on_conflict(request, table),
        put_conditions=where if is_put else (),
        returning=returning,
        primary_key=() if is_put else table.primary_key,
        apply_defaults=applies_defaults and not is_put,
    )


def _on_conflict(request: ApiRequest, table: Table) -> tuple[Resolution, tuple[str, ...]] | None:
    resolution, named = request.preferences.resolution, request.query.on_conflict
    if resolution is None:
        return None
    return resolution, table.primary_key if named is None else named


def _where(query: QueryString, table: Table, representations: Representations) -> tuple[Condition, ...]:
    filters: list[Condition] = [
        resolve_filter(filter, table, representations) for path, filter in query.filters if not path
    ]
    # PostgREST takes the logic trees of all levels here, those of embeddings included.
    return (*filters, *[resolve_condition(tree, table, representations) for _, tree in query.logic])


def _returning(representation: Representation | None, table: Table, read: ReadPlan) -> tuple[str, ...]:
    if representation is None or representation is Representation.NONE:
        return ()
    return tuple(sorted(needed_columns(read, table.primary_key)))


def _columns(request: ApiRequest, table: Table, representations: Representations) -> tuple[ResolvedField, ...]:
    columns = []
    for name in sorted(request.columns):
        column = table.columns.get(name)
        if column is None:
            raise NoColumn(table.name, name)
        columns.append(resolve_column_input(column, representations))
    return tuple(columns)


def _names_one_row(query: QueryString, primary_key: tuple[str, ...]) -> bool:
    """Whether the URL filters by the whole primary key, by equality, and by nothing else."""
    return (
        not query.logic
        and bool(primary_key)
        and query.filter_fields == frozenset(primary_key)
        and all(_is_equality(filter) for path, filter in query.filters if not path)
    )


def _is_equality(filter: Filter) -> bool:
    operation = filter.operation
    return (
        not filter.negated
        and isinstance(operation, Quantifiable)
        and operation.operator is QuantifiableOperator.EQUAL
        and operation.quantifier is None
    )
