"""All relationships of a catalog by the plainest rules, to compare with those that are derived one by one."""

from collections.abc import Iterable, Sequence
from itertools import product

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Side
from tailrace.engine.schema_cache.derive import across, inverse, is_within
from tailrace.engine.schema_cache.relationship import (
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToOne,
    Relationship,
)
from tests.unit.schema_cache.catalog import Catalog

Place = tuple[int, tuple[int, ...]]
"""A relation, and its columns that stand for a key's."""


def all_relationships(
    catalog: Catalog, computed: Iterable[ComputedRelationship], schemas: Sequence[str]
) -> dict[tuple[QualifiedName, str], list[Relationship]]:
    computed = [relationship for relationship in computed if relationship.table.schema in schemas]
    overridden = {(relationship.table, relationship.function) for relationship in computed}
    found: dict[tuple[QualifiedName, str], list[Relationship]] = {}
    for relationship in _detected(catalog, schemas):
        if relationship.table.schema in schemas and (relationship.table, relationship.foreign_table) not in overridden:
            entry = found.setdefault((relationship.table, relationship.foreign_table.schema), [])
            cardinality = relationship.cardinality
            through = cardinality.junction if isinstance(cardinality, ManyToMany) else relationship.foreign_table
            if relationship.foreign_table.schema in schemas and through.schema in schemas:
                entry.append(relationship)
    for function in computed:
        entry = found.setdefault((function.table, function.function.schema), [])
        if function.foreign_table.schema in schemas:
            entry.append(function)
    return found


def _detected(catalog: Catalog, schemas: Sequence[str]) -> list[ForeignKeyRelationship]:
    forward = [
        _relationship(catalog, key, near, far)
        for key in catalog.foreign
        for near in _places(catalog, key.side, schemas)
        for far in _places(catalog, key.foreign, schemas)
    ]
    primary = {relation.name: primary_key(catalog, oid) for oid, relation in catalog.relations.items()}
    sides = [relationship for relationship in forward if is_within(relationship, primary[relationship.table])]
    crossed = [
        across(source, target)
        for source in sides
        for target in sides
        if source.table == target.table
        and isinstance(source.cardinality, ManyToOne)
        and isinstance(target.cardinality, ManyToOne)
        and source.cardinality.constraint != target.cardinality.constraint
    ]
    return [*forward, *crossed, *map(inverse, forward)]


def _places(catalog: Catalog, side: Side, schemas: Sequence[str]) -> list[Place]:
    shown = [
        (view, columns)
        for view in catalog.views
        if catalog.relations[view].name.schema in schemas
        for columns in product(*(_showing(catalog, view, side.relation, column) for column in side.columns))
    ]
    return [(side.relation, side.columns), *shown]


def _showing(catalog: Catalog, view: int, relation: int, column: int) -> list[int]:
    """The columns of a view that show one of a relation, directly or through views below it."""
    found = []
    for origin in catalog.views[view]:
        if (origin.relation, origin.relation_column) == (relation, column) or (
            origin.relation in catalog.views
            and origin.relation_column in _showing(catalog, origin.relation, relation, column)
        ):
            found.append(origin.column)
    return found


def _relationship(catalog: Catalog, key: ForeignKey, near: Place, far: Place) -> ForeignKeyRelationship:
    columns = tuple(zip(_names(catalog, near), _names(catalog, far), strict=True))
    own = sorted(key.side.columns)
    is_unique = any(
        one.side.relation == key.side.relation and sorted(one.side.columns) == own for one in catalog.unique
    )
    return ForeignKeyRelationship(
        table=catalog.relations[near[0]].name,
        foreign_table=catalog.relations[far[0]].name,
        is_self=near[0] == far[0],
        cardinality=OneToOne(key.constraint, columns, is_parent=False)
        if is_unique
        else ManyToOne(key.constraint, columns),
        table_is_view=near[0] in catalog.views,
        foreign_table_is_view=far[0] in catalog.views,
    )


def _names(catalog: Catalog, place: Place) -> list[str]:
    return [catalog.relations[place[0]].columns[column - 1] for column in place[1]]


def primary_key(catalog: Catalog, oid: int) -> tuple[str, ...]:
    keys = [key for key in catalog.unique if key.is_primary]
    if oid not in catalog.views:
        own = [key.side.columns for key in keys if key.side.relation == oid]
        return tuple(sorted(_names(catalog, (oid, own[0])))) if own else ()
    shown: list[tuple[QualifiedName, str, list[str]]] = []
    for key in keys:
        columns = [_showing(catalog, oid, key.side.relation, column) for column in key.side.columns]
        if all(columns):
            first = tuple(choice[0] for choice in columns)
            shown.append((catalog.relations[key.side.relation].name, key.constraint, _names(catalog, (oid, first))))
    return tuple(name for _, _, names in sorted(shown, reverse=True) for name in names)
