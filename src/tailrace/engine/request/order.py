"""What `order=` asks for."""

from dataclasses import dataclass
from enum import Enum

from tailrace.engine.request.select import Field


class Direction(Enum):
    ASC = "asc"
    DESC = "desc"


class Nulls(Enum):
    FIRST = "nullsfirst"
    LAST = "nullslast"


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """`field.desc.nullslast`, or `relation(field).desc` for a column of a to-one embedding."""

    field: Field
    direction: Direction | None = None
    nulls: Nulls | None = None
    relation: str | None = None
