"""What a parent selects of its embeddings: a JSON field, or, of a spread, the embedding's own fields.

Source: PostgREST docs, references/api/resource_embedding (spread embedded
resource) and references/api/aggregate_functions.
"""

from collections.abc import Sequence
from dataclasses import replace

from tailrace.engine.errors import AggregatesNotAllowed, NotImplementedYet
from tailrace.engine.plan.draft import Draft
from tailrace.engine.plan.read_plan import (
    EmbedMode,
    EmbedSelect,
    JsonEmbed,
    ResolvedField,
    ResolvedOrder,
    ResolvedSelect,
    SpreadEmbed,
    SpreadField,
    ToManySpread,
    ToOneSpread,
)

Hoisted = dict[tuple[str, str], SpreadField]
"""Aggregates on their way up: by (alias of the spread they come through, name of their field)."""


def add_embed_selects(level: Draft) -> None:
    """Let every level select its embeddings, from the leaves up."""
    for child in level.children:
        add_embed_selects(child)
    level.embed_selects = [_embed_select(child) for child in level.children]


def _embed_select(child: Draft) -> EmbedSelect:
    if child.spread is not None:
        return SpreadEmbed(_spread_fields(child), child.aggregate_alias)
    is_to_one = child.relationship is not None and child.relationship.is_to_one
    mode = EmbedMode.OBJECT if is_to_one else EmbedMode.ARRAY
    return JsonEmbed(child.label, child.aggregate_alias, mode, _selects_nothing(child))


def _spread_fields(child: Draft) -> tuple[SpreadField, ...]:
    fields = [SpreadField(item.field.name if item.alias is None else item.alias) for item in child.select]
    for embed in child.embed_selects:
        if isinstance(embed, SpreadEmbed):
            fields.extend(embed.fields)
        else:
            fields.append(SpreadField(embed.name))
    return tuple(fields)


def _selects_nothing(level: Draft) -> bool:
    return not level.select and all(_selects_nothing(child) for child in level.children)


def validate_aggregates(level: Draft, *, enabled: bool) -> None:
    """Errors: AggregatesNotAllowed (PGRST123) unless db-aggregates-enabled."""
    if enabled:
        return
    if any(item.aggregate is not None for item in level.select):
        raise AggregatesNotAllowed
    for child in level.children:
        validate_aggregates(child, enabled=enabled)


def hoist_aggregates(level: Draft) -> Hoisted:
    """Move the aggregates of to-one spreads up to the row that they are spread into.

    Inside the spread's own subquery there would be one row to aggregate. They
    climb until a level that is no to-one spread: the root or a JSON embedding.
    Returns what the parent is to take over.
    """
    below: Hoisted = {}
    for child in level.children:
        for key, field in hoist_aggregates(child).items():
            below.setdefault(key, field)
    if not isinstance(level.spread, ToOneSpread):
        if below:
            level.embed_selects = [_take_over(embed, below) for embed in level.embed_selects]
        return {}
    hoisted = _hoist_own(level)
    for (_, name), field in below.items():
        hoisted.setdefault((level.aggregate_alias, name), field)
    return hoisted


def _hoist_own(level: Draft) -> Hoisted:
    hoisted: Hoisted = {}
    select = []
    for item in level.select:
        if item.aggregate is not None:
            name = item.field.name if item.alias is None else item.alias
            field = SpreadField(name, item.alias, item.aggregate, item.aggregate_cast)
            hoisted.setdefault((level.aggregate_alias, name), field)
            item = replace(item, aggregate=None, aggregate_cast=None)
        select.append(item)
    level.select = select
    return hoisted


def _take_over(embed: EmbedSelect, hoisted: Hoisted) -> EmbedSelect:
    if isinstance(embed, JsonEmbed):
        return embed
    fields = tuple([hoisted.get((embed.alias, field.name), field) for field in embed.fields])
    return SpreadEmbed(fields, embed.alias)


def order_to_many_spreads(level: Draft) -> None:
    """Move the order of to-many spreads into the arrays that are made of their fields.

    What is ordered by must be selected in the subquery, under a name that no
    other field has.
    Errors: NotImplementedYet (PGRST127) for aggregates in such a spread.
    """
    if level.is_to_many_spread:
        if _has_aggregates(level):
            raise NotImplementedYet("Aggregates are not implemented for one-to-many or many-to-many spreads.")
        level.spread = _ordered_spread(level.order, level.aggregate_alias)
        level.order = ()
    for child in level.children:
        order_to_many_spreads(child)


def _has_aggregates(level: Draft) -> bool:
    if any(item.aggregate is not None for item in level.select):
        return True
    spreads = [embed for embed in level.embed_selects if isinstance(embed, SpreadEmbed)]
    return any(field.aggregate is not None for embed in spreads for field in embed.fields)


def _ordered_spread(order: Sequence[ResolvedOrder], alias: str) -> ToManySpread:
    extra, terms = [], []
    for index, term in enumerate(order, 1):
        name = f"{alias}_{term.field.name}_{index}"
        extra.append((term.relation, ResolvedSelect(term.field, alias=name)))
        terms.append(ResolvedOrder(ResolvedField(name), term.direction, term.nulls))
    return ToManySpread(tuple(extra), tuple(terms))
