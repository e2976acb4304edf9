"""What can be embedded in what: the relationships of one relation, derived from keys and views when asked for.

Source: PostgREST docs, references/api/resource_embedding.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Keys, Side
from tailrace.engine.schema_cache.catalog_relation import Relations
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ColumnPairs,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
)
from tailrace.engine.schema_cache.view_key import ViewKeys

OneSide = Callable[[ForeignKey], Side]


def near_side(key: ForeignKey) -> Side:
    return key.side


def far_side(key: ForeignKey) -> Side:
    return key.foreign


class Derivation:
    """Relationships and primary keys of single relations, by oid; a relation that is not exposed has none."""

    def __init__(self, relations: Relations, keys: Keys, view_keys: ViewKeys) -> None:
        self.relations = relations
        self.keys = keys
        self.view_keys = view_keys

    def relationships(self, relation: int) -> list[ForeignKeyRelationship]:
        """Those from a relation to exposed relations, over exposed junctions; in no order."""
        if not self.relations.is_inside(relation):
            return []
        names = ColumnNames(self.relations)
        backward = list(self._backward(relation, names))
        return [
            *self._forward(relation, names),
            *self._many_to_many(backward, names),
            *(inverse(relationship) for relationship in backward),
        ]

    def primary_key(self, relation: int) -> tuple[str, ...]:
        """A table's columns in order of name, as PostgREST has them.

        A view has the keys of all tables that show theirs in it, and of each
        column of theirs the first that shows it.
        """
        names = self.relations.column_names(relation)
        own = self.keys.primary(relation)
        if own is not None:
            return tuple(sorted(names[column] for column in own.columns))
        return tuple(names[column] for column in self.view_primary_key(relation))

    def view_primary_key(self, view: int) -> tuple[int, ...]:
        """The numbers of the columns."""
        found: list[tuple[QualifiedName, str, list[int]]] = []
        for relation, shown in self.view_keys.shown(view).items():
            key = self.keys.primary(relation)
            if key is not None and all(column in shown for column in key.columns):
                columns = [min(shown[column]) for column in key.columns]
                found.append((self.relations.name(relation), key.constraint, columns))
        return tuple(column for _, _, columns in sorted(found, reverse=True) for column in columns)

    # From and to one relation -----------------------------------------------------------------------

    def _forward(self, relation: int, names: "ColumnNames") -> Iterator[ForeignKeyRelationship]:
        """Those of the foreign keys that a relation has or shows."""
        for key in self.keys_at(relation, near_side):
            own = self._choices(relation, key.side)
            for foreign in self._relations_at(key.foreign):
                for columns in self._choices(foreign, key.foreign):
                    for own_columns in own:
                        yield self._relationship(key, End(relation, own_columns), End(foreign, columns), names)

    def _backward(self, relation: int, names: "ColumnNames") -> Iterator[ForeignKeyRelationship]:
        """Those of other relations, or of itself, to a relation that their foreign keys refer to."""
        for key in self.keys_at(relation, far_side):
            own = self._choices(relation, key.foreign)
            for near in self._relations_at(key.side):
                for columns in self._choices(near, key.side):
                    for own_columns in own:
                        yield self._relationship(key, End(near, columns), End(relation, own_columns), names)

    def keys_at(self, relation: int, one_side: OneSide) -> Iterator[ForeignKey]:
        """Foreign keys with this end at a relation, be it that a view shows the end's columns."""
        keys = self.keys.foreign if one_side is near_side else self.keys.referring
        yield from keys(relation)
        for shown, columns in self.view_keys.shown(relation).items():
            for key in keys(shown):
                if all(column in columns for column in one_side(key).columns):
                    yield key

    def _relations_at(self, side: Side) -> Iterator[int]:
        """The exposed relations at one end of a foreign key: the table and the views that show the columns."""
        if self.relations.is_inside(side.relation):
            yield side.relation
        yield from self.view_keys.showing(side)

    def _choices(self, relation: int, side: Side) -> list[tuple[int, ...]]:
        return [side.columns] if relation == side.relation else self.view_keys.choices(relation, side)

    def _relationship(self, key: ForeignKey, near: "End", far: "End", names: "ColumnNames") -> ForeignKeyRelationship:
        columns = tuple(zip(names.of(near), names.of(far), strict=True))
        near_is_view, far_is_view = near.relation != key.side.relation, far.relation != key.foreign.relation
        return ForeignKeyRelationship(
            table=self.relations.name(near.relation),
            foreign_table=self.relations.name(far.relation),
            is_self=near.relation == far.relation,
            cardinality=OneToOne(key.constraint, columns, is_parent=False)
            if self.keys.is_one_to_one(key)
            else ManyToOne(key.constraint, columns),
            table_is_view=near_is_view,
            foreign_table_is_view=far_is_view,
        )

    # Over junctions ---------------------------------------------------------------------------------

    def _many_to_many(
        self, backward: list[ForeignKeyRelationship], names: "ColumnNames"
    ) -> Iterator[ForeignKeyRelationship]:
        """Two tables that a junction refers to by two foreign keys, both part of the junction's primary key."""
        primary_keys: dict[QualifiedName, tuple[str, ...]] = {}
        sides: dict[QualifiedName, list[ForeignKeyRelationship]] = {}
        for source in backward:
            junction = source.table
            if junction not in primary_keys:
                oid = self.relations.oid(junction)
                primary_keys[junction] = () if oid is None else self.primary_key(oid)
            if not is_within(source, primary_keys[junction]):
                continue
            if junction not in sides:
                oid = self.relations.oid(junction)
                assert oid is not None
                forward = self._forward(oid, names)
                sides[junction] = [target for target in forward if is_within(target, primary_keys[junction])]
            for target in sides[junction]:
                if constraint_of(source.cardinality) != constraint_of(target.cardinality):
                    yield across(source, target)


class End(NamedTuple):
    """A relation at an end of a foreign key, and the numbers of its columns that stand for the key's."""

    relation: int
    columns: tuple[int, ...]


class ColumnNames:
    """The names of columns, read once for each relation."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._names: dict[int, dict[int, str]] = {}

    def of(self, end: End) -> tuple[str, ...]:
        names = self._names.get(end.relation)
        if names is None:
            names = self._names[end.relation] = self._relations.column_names(end.relation)
        return tuple([names[column] for column in end.columns])


def is_within(relationship: ForeignKeyRelationship, primary_key: tuple[str, ...]) -> bool:
    """Whether it is many-to-one, by columns that are all part of the primary key."""
    cardinality = relationship.cardinality
    return isinstance(cardinality, ManyToOne) and all(own in primary_key for own, _ in cardinality.columns)


def constraint_of(cardinality: Cardinality) -> str:
    return cardinality.constraint1 if isinstance(cardinality, ManyToMany) else cardinality.constraint


def across(source: ForeignKeyRelationship, target: ForeignKeyRelationship) -> ForeignKeyRelationship:
    """From one relation to the other, over the junction that refers to both."""
    first, second = source.cardinality, target.cardinality
    assert isinstance(first, ManyToOne)
    assert isinstance(second, ManyToOne)
    return ForeignKeyRelationship(
        table=source.foreign_table,
        foreign_table=target.foreign_table,
        is_self=source.foreign_table == target.foreign_table,
        cardinality=ManyToMany(
            junction=source.table,
            constraint1=first.constraint,
            constraint2=second.constraint,
            source_columns=_swap(first.columns),
            target_columns=_swap(second.columns),
        ),
        table_is_view=source.foreign_table_is_view,
        foreign_table_is_view=target.foreign_table_is_view,
    )


def inverse(relationship: ForeignKeyRelationship) -> ForeignKeyRelationship:
    """A many-to-one or one-to-one relationship seen from the other table."""
    cardinality = relationship.cardinality
    assert isinstance(cardinality, ManyToOne | OneToOne)
    columns = _swap(cardinality.columns)
    return ForeignKeyRelationship(
        table=relationship.foreign_table,
        foreign_table=relationship.table,
        is_self=relationship.is_self,
        cardinality=OneToMany(cardinality.constraint, columns)
        if isinstance(cardinality, ManyToOne)
        else OneToOne(cardinality.constraint, columns, is_parent=not cardinality.is_parent),
        table_is_view=relationship.foreign_table_is_view,
        foreign_table_is_view=relationship.table_is_view,
    )


def _swap(columns: ColumnPairs) -> ColumnPairs:
    return tuple((foreign, own) for own, foreign in columns)
