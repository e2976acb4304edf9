"""Relates embeddings to their parents: finds the relationship and writes its join.

Source: PostgREST docs, references/api/resource_embedding.
"""

from collections.abc import Iterator, Mapping

from tailrace.engine.errors import AmbiguousRelationship, NoRelationship
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.plan.draft import Draft
from tailrace.engine.plan.hints import describe_relationship, suggest_disambiguation, suggest_relationship
from tailrace.engine.plan.read_plan import JoinCondition, ToManySpread
from tailrace.engine.schema_cache.cache import SchemaCache
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ComputedRelationship,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    Relationship,
)

Relationships = Mapping[tuple[QualifiedName, str], tuple[Relationship, ...]]


def relate_embeddings(level: Draft, schema: str, cache: SchemaCache) -> None:
    """Give every level below this one its relationship, aliases and join conditions.

    Errors: NoRelationship (PGRST200) and AmbiguousRelationship (PGRST201).
    """
    for child in level.children:
        relationship = find_relationship(_origin(level), child, schema=schema, relationships=cache.relationships)
        _relate(child, level, relationship)
        child.table = cache.tables.get(child.source)
        relate_embeddings(child, schema, cache)


def _origin(level: Draft) -> str:
    # The rows of a mutation or call come from a CTE, aliased as the relation that they belong to.
    if level.depth == 0 and level.source_alias is not None:
        return level.source_alias
    return level.source.name


def _relate(child: Draft, parent: Draft, relationship: Relationship) -> None:
    child.relationship = relationship
    child.source = relationship.foreign_table
    child.aggregate_alias = f"{relationship.table.name}_{child.label}_{child.depth}"
    if child.spread is not None and not relationship.is_to_one:
        child.spread = ToManySpread()
    if isinstance(relationship, ComputedRelationship):
        alias = parent.source_alias
        child.parent_alias = relationship.table if alias is None else QualifiedName("", alias)
        child.source_alias = f"{relationship.foreign_table.name}_{child.depth}"
        return
    if not isinstance(relationship.cardinality, ManyToMany):
        # A many-to-many join names its tables: no alias could clash with the junction's.
        child.source_alias = f"{relationship.foreign_table.name}_{child.depth}"
    child.join = tuple(_join(relationship, child.source_alias, parent.source_alias))


def _join(
    relationship: ForeignKeyRelationship, child_alias: str | None, parent_alias: str | None
) -> Iterator[JoinCondition]:
    child = relationship.foreign_table if child_alias is None else QualifiedName("", child_alias)
    parent = relationship.table if parent_alias is None else QualifiedName("", parent_alias)
    cardinality = relationship.cardinality
    if isinstance(cardinality, ManyToMany):
        for column, junction_column in cardinality.target_columns:
            yield JoinCondition(cardinality.junction, junction_column, child, column)
        for column, junction_column in cardinality.source_columns:
            yield JoinCondition(cardinality.junction, junction_column, parent, column)
    else:
        for column, foreign_column in cardinality.columns:
            yield JoinCondition(child, foreign_column, parent, column)


def find_relationship(origin: str, embedding: Draft, *, schema: str, relationships: Relationships) -> Relationship:
    """The one relationship from `origin` that the embedding's name and hint stand for.

    The name may be that of a relation, a computed relationship's function, a
    foreign key's constraint or its column; the hint a constraint, a column on
    either side or a junction.
    """
    target, hint = embedding.name, embedding.hint
    known = relationships.get((QualifiedName(schema, origin), schema), ())
    found = [relationship for relationship in known if _answers_to(relationship, target, hint)]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousRelationship(
            origin,
            target,
            candidates=[describe_relationship(relationship) for relationship in found],
            suggestion=suggest_disambiguation(found),
        )
    suggestion = suggest_relationship(origin, target, schema=schema, relationships=relationships)
    raise NoRelationship(origin, target, schema=schema, hinted=hint, suggestion=suggestion)


def _answers_to(relationship: Relationship, target: str, hint: str | None) -> bool:
    if isinstance(relationship, ComputedRelationship):
        return target == relationship.function.name
    cardinality = relationship.cardinality
    is_named = target == relationship.foreign_table.name
    if relationship.is_self:
        return _self_answers_to(cardinality, target, hint=hint, is_named=is_named)
    if hint is None:
        by_key = _is_constraint(cardinality, target) or _is_column(cardinality, target)
        return is_named or (by_key and not relationship.foreign_table_is_view)
    return is_named and (
        _is_constraint(cardinality, hint)
        or _is_column(cardinality, hint)
        or _is_foreign_column(cardinality, hint)
        or (isinstance(cardinality, ManyToMany) and hint == cardinality.junction.name)
    )


def _self_answers_to(cardinality: Cardinality, target: str, *, hint: str | None, is_named: bool) -> bool:
    # One foreign key gives two relationships of the same tables: the relation's name
    # stands for the many, the key's column for the one.
    if hint is not None:
        return is_named and isinstance(cardinality, OneToMany) and _is_foreign_column(cardinality, hint)
    if isinstance(cardinality, OneToMany):
        return is_named
    return isinstance(cardinality, ManyToOne) and _is_column(cardinality, target)


def _is_constraint(cardinality: Cardinality, name: str) -> bool:
    return not isinstance(cardinality, ManyToMany) and cardinality.constraint == name


def _is_column(cardinality: Cardinality, name: str) -> bool:
    """Whether it is the only column of the key, on the origin's side."""
    if isinstance(cardinality, ManyToMany) or len(cardinality.columns) != 1:
        return False
    return cardinality.columns[0][0] == name


def _is_foreign_column(cardinality: Cardinality, name: str) -> bool:
    """Whether it is the only column of the key, on the target's side."""
    if isinstance(cardinality, ManyToMany) or len(cardinality.columns) != 1:
        return False
    return cardinality.columns[0][1] == name
