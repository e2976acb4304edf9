"""Relationships between relations: what can be embedded in what."""

from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName

ColumnPairs = tuple[tuple[str, str], ...]
"""Pairs of (column of the relationship's table, column of the foreign table)."""


@dataclass(frozen=True, slots=True)
class ManyToOne:
    constraint: str
    columns: ColumnPairs


@dataclass(frozen=True, slots=True)
class OneToMany:
    constraint: str
    columns: ColumnPairs


@dataclass(frozen=True, slots=True)
class OneToOne:
    constraint: str
    columns: ColumnPairs
    is_parent: bool
    """True on the side that the foreign key points to."""


@dataclass(frozen=True, slots=True)
class ManyToMany:
    """Over a junction table; the pairs are (column of table or foreign table, column of the junction)."""

    junction: QualifiedName
    constraint1: str
    constraint2: str
    source_columns: ColumnPairs
    target_columns: ColumnPairs


Cardinality = ManyToOne | OneToMany | OneToOne | ManyToMany


@dataclass(frozen=True, slots=True)
class ForeignKeyRelationship:
    table: QualifiedName
    foreign_table: QualifiedName
    is_self: bool
    cardinality: Cardinality
    table_is_view: bool
    foreign_table_is_view: bool

    @property
    def is_to_one(self) -> bool:
        return isinstance(self.cardinality, ManyToOne | OneToOne)


@dataclass(frozen=True, slots=True)
class ComputedRelationship:
    """A function of one row that returns rows of another relation."""

    function: QualifiedName
    table: QualifiedName
    foreign_table: QualifiedName
    is_to_one: bool
    is_self: bool


Relationship = ForeignKeyRelationship | ComputedRelationship
