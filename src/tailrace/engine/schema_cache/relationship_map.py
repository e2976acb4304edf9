"""Relationships by the relation and the foreign schema that they are looked up with."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.derive import Derivation
from tailrace.engine.schema_cache.reach import find_reach, foreign_relations
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ComputedRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Relationship,
)

Key = tuple[QualifiedName, str]
"""A relation, and the schema of the foreign relation."""


MAX_FOUND = 5000
"""Relations whose relationships are kept; a dump of the schema asks for all."""


class RelationshipMap(Mapping[Key, tuple[Relationship, ...]]):
    """Relationships in their order, those of each relation derived when they are first looked up.

    A computed relationship takes the place of those to the relation of its name,
    and is found under the schema of its function. What leads to a relation that
    is not exposed, or through one, is left out; its key stays.
    """

    def __init__(
        self, derivation: Derivation, computed: Iterable[ComputedRelationship], schemas: Collection[str]
    ) -> None:
        self._derivation = derivation
        self._schemas = schemas
        self._computed: dict[QualifiedName, list[ComputedRelationship]] = {}
        for relationship in computed:
            if relationship.table.schema in schemas:
                self._computed.setdefault(relationship.table, []).append(relationship)
        self._reach = find_reach(derivation)
        for name in self._computed:
            self._override_reach(name)
        self._extra: frozenset[Key] = frozenset(
            (name, function.function.schema)
            for name, functions in self._computed.items()
            for function in functions
            if not self._reaches(name, function.function.schema)
        )
        self._found: dict[QualifiedName, dict[str, tuple[Relationship, ...]]] = {}

    def __getitem__(self, key: Key) -> tuple[Relationship, ...]:
        if key not in self:
            raise KeyError(key)
        name, schema = key
        found = self._found.get(name)
        if found is None:
            if len(self._found) >= MAX_FOUND:
                self._found.clear()
            found = self._found[name] = self._relationships(name)
        return found.get(schema, ())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and (self._reaches(*key) or key in self._extra)

    def __iter__(self) -> Iterator[Key]:
        name = self._derivation.relations.name
        for schema, relations in self._reach.items():
            for relation in relations:
                yield name(relation), schema
        yield from self._extra

    def __len__(self) -> int:
        return sum(map(len, self._reach.values())) + len(self._extra)

    def _reaches(self, name: QualifiedName, schema: str) -> bool:
        relations = self._reach.get(schema)
        return relations is not None and self._derivation.relations.oid(name) in relations

    def _overridden(self, name: QualifiedName) -> frozenset[QualifiedName]:
        """The relations that computed relationships stand for."""
        return frozenset(function.function for function in self._computed.get(name, ()))

    def _override_reach(self, name: QualifiedName) -> None:
        relation = self._derivation.relations.oid(name)
        if relation is None:
            return
        targets = map(self._derivation.relations.name, foreign_relations(self._derivation, relation))
        overridden = self._overridden(name)
        left = {target.schema for target in targets if target not in overridden}
        for schema, relations in self._reach.items():
            if schema not in left:
                relations.discard(relation)

    def _relationships(self, name: QualifiedName) -> dict[str, tuple[Relationship, ...]]:
        """By the schema of the foreign relation."""
        relation, overridden = self._derivation.relations.oid(name), self._overridden(name)
        found: dict[str, list[Relationship]] = {}
        for relationship in () if relation is None else self._derivation.relationships(relation):
            if relationship.foreign_table not in overridden:
                found.setdefault(relationship.foreign_table.schema, []).append(relationship)
        for function in self._computed.get(name, ()):
            if function.foreign_table.schema in self._schemas:
                found.setdefault(function.function.schema, []).append(function)
        return {schema: tuple(sorted(entry, key=_rank)) for schema, entry in found.items()}


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
