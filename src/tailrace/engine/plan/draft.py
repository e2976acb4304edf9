"""A read plan in the making: the planner's one mutable tree, frozen into a ReadPlan at its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.read_plan import (
    Condition,
    EmbedSelect,
    JoinCondition,
    ReadPlan,
    ResolvedOrder,
    ResolvedSelect,
    Spread,
    ToManySpread,
)
from tailrace.engine.request.range import ALL_ROWS, RowRange
from tailrace.engine.request.select import JoinType
from tailrace.engine.schema_cache.relationship import Relationship
from tailrace.engine.schema_cache.table import Table


@dataclass(slots=True, eq=False)
class Draft:
    """One level of the tree; the fields are those of ReadPlan.

    `children` keep the order in which joins and selects are to be written: as
    `select` gave it, except that a level named by a filter, order or limit
    moves to the front of its siblings.
    """

    name: str
    source: QualifiedName
    table: Table | None
    """What the cache knows under the name in `source`; None for what is no relation (yet)."""
    depth: int
    alias: str | None = None
    hint: str | None = None
    join_type: JoinType | None = None
    spread: Spread | None = None
    source_alias: str | None = None
    select: Sequence[ResolvedSelect] = ()
    where: list[Condition] = field(default_factory=list)
    order: Sequence[ResolvedOrder] = ()
    range: RowRange = ALL_ROWS
    children: list["Draft"] = field(default_factory=list)
    embed_selects: Sequence[EmbedSelect] = ()
    relationship: Relationship | None = None
    parent_alias: QualifiedName | None = None
    join: tuple[JoinCondition, ...] = ()
    aggregate_alias: str = ""
    legacy_name_used: bool = False

    @property
    def label(self) -> str:
        """The name that the client gave to the level: its alias, if it has one."""
        return self.name if self.alias is None else self.alias

    @property
    def is_to_many_spread(self) -> bool:
        return isinstance(self.spread, ToManySpread)

    def freeze(self) -> ReadPlan:
        return ReadPlan(
            name=self.name,
            source=self.source,
            source_alias=self.source_alias,
            select=tuple(self.select),
            where=tuple(self.where),
            order=tuple(self.order),
            range=self.range,
            embeddings=tuple([child.freeze() for child in self.children]),
            embed_selects=tuple(self.embed_selects),
            relationship=self.relationship,
            parent_alias=self.parent_alias,
            join=self.join,
            alias=self.alias,
            aggregate_alias=self.aggregate_alias,
            hint=self.hint,
            join_type=self.join_type,
            spread=self.spread,
            depth=self.depth,
            legacy_name_used=self.legacy_name_used,
        )
