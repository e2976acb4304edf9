"""What can be embedded in what: relationships derived from keys, views and functions.

Source: PostgREST docs, references/api/resource_embedding.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.schema_cache.catalog_key import ForeignKey, Key, UniqueKey
from tailrace.engine.schema_cache.relationship import (
    Cardinality,
    ForeignKeyRelationship,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
)
from tailrace.engine.schema_cache.view_key import KeyRole, ViewKey

PrimaryKeys = Mapping[QualifiedName, Sequence[str]]


def derive_relationships(
    keys: Iterable[Key], view_keys: Iterable[ViewKey], *, primary_keys: PrimaryKeys, schemas: Collection[str]
) -> list[ForeignKeyRelationship]:
    """All relationships from the relations of these schemas, to tables and views wherever they are."""
    direct = foreign_key_relationships(keys)
    forward = [*direct, *view_relationships(direct, view_keys)]
    return [
        *(relationship for relationship in forward if relationship.table.schema in schemas),
        *many_to_many(forward, primary_keys, schemas),
        *(inverse(relationship) for relationship in forward if relationship.foreign_table.schema in schemas),
    ]


def foreign_key_relationships(keys: Iterable[Key]) -> list[ForeignKeyRelationship]:
    """From the table with the foreign key: many-to-one, or one-to-one where its columns are unique."""
    keys = tuple(keys)
    unique = {(key.side.relation_id, tuple(sorted(key.side.numbers))) for key in keys if isinstance(key, UniqueKey)}
    relationships = []
    for key in keys:
        if isinstance(key, ForeignKey) and key.is_root:
            columns = tuple(zip(key.side.names, key.foreign.names, strict=True))
            one_to_one = (key.side.relation_id, tuple(sorted(key.side.numbers))) in unique
            relationships.append(
                ForeignKeyRelationship(
                    table=key.side.relation,
                    foreign_table=key.foreign.relation,
                    is_self=key.side.relation_id == key.foreign.relation_id,
                    cardinality=OneToOne(key.constraint, columns, is_parent=False)
                    if one_to_one
                    else ManyToOne(key.constraint, columns),
                    table_is_view=False,
                    foreign_table_is_view=False,
                )
            )
    return relationships


def view_relationships(
    relationships: Iterable[ForeignKeyRelationship], view_keys: Iterable[ViewKey]
) -> Iterator[ForeignKeyRelationship]:
    """The same relationships with views that show the foreign key's columns in place of either table or both."""
    index: dict[tuple[QualifiedName, str, KeyRole], list[ViewKey]] = {}
    for key in view_keys:
        index.setdefault((key.table, key.constraint, key.role), []).append(key)
    if not index:
        return
    for relationship in relationships:
        cardinality = relationship.cardinality
        if isinstance(cardinality, ManyToOne | OneToOne):
            near = index.get((relationship.table, cardinality.constraint, KeyRole.REFERENCING), ())
            far = index.get((relationship.foreign_table, cardinality.constraint, KeyRole.REFERENCED), ())
            if near or far:
                yield from _with_views(relationship, near, far)


def _with_views(
    relationship: ForeignKeyRelationship, near: Sequence[ViewKey], far: Sequence[ViewKey]
) -> Iterator[ForeignKeyRelationship]:
    cardinality = relationship.cardinality
    assert isinstance(cardinality, ManyToOne | OneToOne)
    own_columns = tuple(own for own, _ in cardinality.columns)
    foreign_columns = tuple(foreign for _, foreign in cardinality.columns)
    nears = [(relationship.table, own_columns, False)]
    nears += [(key.view, columns, True) for key in near for columns in key.choices()]
    fars = [(relationship.foreign_table, foreign_columns, False)]
    fars += [(key.view, columns, True) for key in far for columns in key.choices()]
    for table, own, table_is_view in nears:
        for foreign_table, foreign, foreign_is_view in fars:
            if table_is_view or foreign_is_view:
                columns = tuple(zip(own, foreign, strict=True))
                yield ForeignKeyRelationship(
                    table=table,
                    foreign_table=foreign_table,
                    is_self=table_is_view and foreign_is_view and table == foreign_table,
                    cardinality=ManyToOne(cardinality.constraint, columns)
                    if isinstance(cardinality, ManyToOne)
                    else OneToOne(cardinality.constraint, columns, is_parent=False),
                    table_is_view=table_is_view,
                    foreign_table_is_view=foreign_is_view,
                )


def many_to_many(
    relationships: Iterable[ForeignKeyRelationship], primary_keys: PrimaryKeys, schemas: Collection[str]
) -> Iterator[ForeignKeyRelationship]:
    """Two tables that a junction refers to by two foreign keys, both part of the junction's primary key."""
    junctions: dict[QualifiedName, list[ForeignKeyRelationship]] = {}
    for relationship in relationships:
        junction, cardinality = relationship.table, relationship.cardinality
        if isinstance(cardinality, ManyToOne):
            primary = primary_keys.get(junction, ())
            if all(own in primary for own, _ in cardinality.columns):
                junctions.setdefault(junction, []).append(relationship)
    for junction, sides in junctions.items():
        for source in sides:
            if source.foreign_table.schema not in schemas:
                continue
            for target in sides:
                if _constraint(source.cardinality) != _constraint(target.cardinality):
                    yield _across(junction, source, target)


def _constraint(cardinality: Cardinality) -> str:
    return cardinality.constraint1 if isinstance(cardinality, ManyToMany) else cardinality.constraint


def _across(
    junction: QualifiedName, source: ForeignKeyRelationship, target: ForeignKeyRelationship
) -> ForeignKeyRelationship:
    first, second = source.cardinality, target.cardinality
    assert isinstance(first, ManyToOne)
    assert isinstance(second, ManyToOne)
    return ForeignKeyRelationship(
        table=source.foreign_table,
        foreign_table=target.foreign_table,
        is_self=source.foreign_table == target.foreign_table,
        cardinality=ManyToMany(
            junction=junction,
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


def _swap(columns: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((foreign, own) for own, foreign in columns)
