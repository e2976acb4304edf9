"""Tables, views and their columns, as the schema cache knows them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    description: str | None
    nullable: bool
    type: str
    """The base type of a domain, or the type itself."""
    nominal_type: str
    """The type as declared: the domain's own name."""
    max_length: int | None
    default: str | None
    enum: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view, materialized view, foreign or partitioned table.

    The three flags tell what the relation is able to do, not what a role may.
    """

    schema: str
    name: str
    description: str | None
    is_view: bool
    insertable: bool
    updatable: bool
    deletable: bool
    primary_key: tuple[str, ...]
    columns: Mapping[str, Column]
    """By name, in the order of the table's definition."""
    oid: int = 0
    """Of the relation in the catalog, by which rights are asked for."""
