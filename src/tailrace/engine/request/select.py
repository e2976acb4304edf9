"""What `select=` asks for."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class JsonStep:
    """One step of a JSON path: `->key`, `->>key`, `->1`."""

    operand: str
    is_index: bool
    as_text: bool
    """`->>` rather than `->`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column by name, perhaps with a path into its JSON."""

    name: str
    json_path: tuple[JsonStep, ...] = ()


class Aggregate(Enum):
    SUM = "sum"
    AVG = "avg"
    MAX = "max"
    MIN = "min"
    COUNT = "count"


class JoinType(Enum):
    INNER = "inner"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class SelectField:
    """`alias:field::cast.aggregate()::aggregate_cast`"""

    field: Field
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class SelectRelation:
    """`alias:relation!hint!inner(...)`"""

    relation: str
    children: tuple["SelectItem", ...]
    alias: str | None = None
    hint: str | None = None
    join_type: JoinType | None = None


@dataclass(frozen=True, slots=True)
class SelectSpread:
    """`...relation!hint!inner(...)`"""

    relation: str
    children: tuple["SelectItem", ...]
    hint: str | None = None
    join_type: JoinType | None = None


SelectItem = SelectField | SelectRelation | SelectSpread
EmbedPath = tuple[str, ...]
"""The embedded levels that lead to a filter's, order's or limit's target; empty for the root."""
