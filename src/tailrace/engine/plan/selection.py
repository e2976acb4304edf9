"""Lays out the levels of a read as `select` asks for them, expands stars and names what has no name."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.draft import Draft
from tailrace.engine.plan.read_plan import ResolvedField, ResolvedSelect, ToOneSpread
from tailrace.engine.plan.resolve import Representations, resolve_column_output, resolve_output
from tailrace.engine.request.select import Aggregate, JsonStep, SelectField, SelectItem, SelectSpread
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.table import Column


def draft_levels(relation: QualifiedName, items: Sequence[SelectItem], cache: SchemaCache) -> Draft:
    """The tree of levels with their own fields; embeddings are not related to their parents yet."""
    root = Draft(name=relation.name, source=relation, table=cache.tables.get(relation), depth=0)
    _fill(root, items, cache)
    return root


def _fill(level: Draft, items: Sequence[SelectItem], cache: SchemaCache) -> None:
    select = []
    for item in items:
        if isinstance(item, SelectField):
            field = resolve_output(item.field, level.table, cache.representations)
            select.append(ResolvedSelect(field, item.alias, item.cast, item.aggregate, item.aggregate_cast))
        else:
            # The name may turn out to be a constraint's, column's or function's: then it is no table's.
            source = QualifiedName(level.source.schema, item.relation)
            child = Draft(
                name=item.relation,
                source=source,
                table=cache.tables.get(source),
                depth=level.depth + 1,
                alias=None if isinstance(item, SelectSpread) else item.alias,
                hint=item.hint,
                join_type=item.join_type,
                spread=ToOneSpread() if isinstance(item, SelectSpread) else None,
            )
            _fill(child, item.children, cache)
            level.children.append(child)
    level.select = select


def expand_stars(level: Draft, representations: Representations, *, aggregated: bool = False) -> None:
    """Write out a star as columns where `*` in SQL would not do.

    That is where a column has a representation, where it is grouped by (an
    aggregate here or above), and in a to-many spread, which makes an array of each.
    """
    aggregated = aggregated or level.is_to_many_spread or any(item.aggregate for item in level.select)
    spreads = level.spread is not None
    if any(_is_expandable(item, spreads) for item in level.select):
        columns = list(level.table.columns.values()) if level.table else []
        if aggregated or _has_representation(columns, representations):
            expanded = [
                _expand(item, columns, representations=representations, spreads=spreads) for item in level.select
            ]
            level.select = [item for items in expanded for item in items]
    for child in level.children:
        expand_stars(child, representations, aggregated=aggregated)


def _is_expandable(item: ResolvedSelect, spreads: bool) -> bool:
    if item.field.name != "*":
        return False
    return item.aggregate is None or (spreads and item.aggregate is Aggregate.COUNT)


def _has_representation(columns: Iterable[Column], representations: Representations) -> bool:
    if not representations:
        return False
    return any((column.nominal_type, "json") in representations for column in columns)


def _expand(
    item: ResolvedSelect, columns: Iterable[Column], *, representations: Representations, spreads: bool
) -> Sequence[ResolvedSelect]:
    if not _is_expandable(item, spreads) or item.field.json_path:
        return (item,)
    if item.aggregate is not None:
        return (replace(item, field=replace(item.field, full_row=True)),)
    return [replace(item, field=resolve_column_output(column, representations)) for column in columns]


def add_aliases(level: Draft) -> None:
    """Name the fields whose expression in SQL would not give them the name that clients expect."""
    aliases = [_implied_alias(item, spreads=level.spread is not None) for item in level.select]
    if any(alias is not None for alias in aliases):
        level.select = [
            item if alias is None else replace(item, alias=alias)
            for item, alias in zip(level.select, aliases, strict=True)
        ]
    for child in level.children:
        add_aliases(child)


def _implied_alias(item: ResolvedSelect, *, spreads: bool) -> str | None:
    if item.alias is not None:
        return None
    if item.aggregate is not None:
        # The parent of a spread must know the field's name to select it.
        return item.aggregate.value if spreads else None
    if item.field.json_path:
        return _last_key(item.field, item.field.json_path)
    return item.field.name if item.field.transform is not None else None


def _last_key(field: ResolvedField, path: tuple[JsonStep, ...]) -> str:
    for step in reversed(path):
        if not step.is_index:
            return step.operand
    return field.name
