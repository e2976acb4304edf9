"""Relationships by the relation and the foreign schema that they are looked up with."""

from collections.abc import Collection, Iterable
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Relationship,
)

RelationshipMap = dict[tuple[QualifiedName, str], tuple[Relationship, ...]]


def map_relationships(
    detected: Iterable[ForeignKeyRelationship], computed: Iterable[ComputedRelationship], schemas: Collection[str]
) -> RelationshipMap:
    """Put relationships in their order; a computed one takes the place of those to the relation of its name.

    A computed relationship is found under the schema of its function. What leads
    to a relation that is not exposed, or through one, is left out; its key stays.
    """
    computed = [relationship for relationship in computed if relationship.table.schema in schemas]
    overridden = {(relationship.table, relationship.function) for relationship in computed}
    found: dict[tuple[QualifiedName, str], list[Relationship]] = {}
    for relationship in detected:
        if (relationship.table, relationship.foreign_table) not in overridden:
            entry = found.setdefault((relationship.table, relationship.foreign_table.schema), [])
            if relationship.foreign_table.schema in schemas and _junction_schema(relationship) in schemas:
                entry.append(relationship)
    for function in computed:
        entry = found.setdefault((function.table, function.function.schema), [])
        if function.foreign_table.schema in schemas:
            entry.append(function)
    for entry in found.values():
        if len(entry) > 1:
            entry.sort(key=_rank)
    return {key: tuple(entry) for key, entry in found.items()}


def _junction_schema(relationship: ForeignKeyRelationship) -> str:
    cardinality = relationship.cardinality
    return (cardinality.junction if isinstance(cardinality, ManyToMany) else relationship.foreign_table).schema


def _rank(relationship: Relationship) -> tuple[Any, ...]:
    """The order of candidates in answers and hints: detected before computed, then field by field."""
    if isinstance(relationship, ComputedRelationship):
        foreign, is_self = relationship.foreign_table, relationship.is_self
        return (1, relationship.function, relationship.table, foreign, relationship.is_to_one, is_self)
    return (
        0,
        relationship.table,
        relationship.foreign_table,
        relationship.is_self,
        _cardinality_rank(relationship.cardinality),
        relationship.table_is_view,
        relationship.foreign_table_is_view,
    )


def _cardinality_rank(cardinality: Cardinality) -> tuple[Any, ...]:
    match cardinality:
        case OneToMany(constraint, columns):
            return (0, constraint, columns)
        case ManyToOne(constraint, columns):
            return (1, constraint, columns)
        case OneToOne(constraint, columns, is_parent):
            return (2, constraint, columns, is_parent)
        case ManyToMany(junction, constraint1, constraint2, source_columns, target_columns):
            return (3, junction, constraint1, constraint2, source_columns, target_columns)
