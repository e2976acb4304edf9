"""Filters and the logic that connects them."""

from dataclasses import dataclass
from enum import Enum

from tailrace.engine.request.select import Field

Position = tuple[int, int]
"""Where a value stands in the query string: (index of the raw parameter, index within it).

A plan is cached for a request's shape; the position tells which value of the
next request of the same shape takes this value's place.
"""


@dataclass(frozen=True, slots=True)
class Operand:
    """A value that the client sent."""

    text: str
    position: Position | None = None


class SimpleOperator(Enum):
    """Operators that take no any/all modifier, by their name in the URL."""

    NOT_EQUAL = "neq"
    CONTAINS = "cs"
    CONTAINED = "cd"
    OVERLAP = "ov"
    STRICTLY_LEFT = "sl"
    STRICTLY_RIGHT = "sr"
    NOT_EXTENDS_RIGHT = "nxr"
    NOT_EXTENDS_LEFT = "nxl"
    ADJACENT = "adj"


class QuantifiableOperator(Enum):
    """Operators that take an any/all modifier, by their name in the URL."""

    EQUAL = "eq"
    GREATER_THAN_EQUAL = "gte"
    GREATER_THAN = "gt"
    LESS_THAN_EQUAL = "lte"
    LESS_THAN = "lt"
    LIKE = "like"
    ILIKE = "ilike"
    MATCH = "match"
    IMATCH = "imatch"


class Quantifier(Enum):
    ANY = "any"
    ALL = "all"


class FullTextOperator(Enum):
    FTS = "fts"
    PLAIN = "plfts"
    PHRASE = "phfts"
    WEBSEARCH = "wfts"


class IsValue(Enum):
    NULL = "null"
    NOT_NULL = "not_null"
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Simple:
    operator: SimpleOperator
    operand: Operand


@dataclass(frozen=True, slots=True)
class Quantifiable:
    operator: QuantifiableOperator
    quantifier: Quantifier | None
    operand: Operand


@dataclass(frozen=True, slots=True)
class In:
    """`in.(a,b)`; `position` is that of the whole list."""

    values: tuple[str, ...]
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Is:
    value: IsValue


@dataclass(frozen=True, slots=True)
class IsDistinctFrom:
    operand: Operand


@dataclass(frozen=True, slots=True)
class FullText:
    operator: FullTextOperator
    language: str | None
    operand: Operand


Operation = Simple | Quantifiable | In | Is | IsDistinctFrom | FullText


@dataclass(frozen=True, slots=True)
class Filter:
    field: Field
    negated: bool
    operation: Operation


class LogicOperator(Enum):
    AND = "and"
    OR = "or"


@dataclass(frozen=True, slots=True)
class LogicNode:
    negated: bool
    operator: LogicOperator
    children: tuple["LogicTree", ...]


LogicTree = LogicNode | Filter
