"""SQL in pieces: text with `$n` still to be numbered, and where each parameter's value comes from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from tailrace.engine.request.filter import Position


class Source(Enum):
    """Where the value of a parameter comes from when a cached plan is used again."""

    CONSTANT = "constant"
    """Part of the request's shape."""
    OPERAND = "operand"
    """The value at `position` of the query string, through `encode`."""
    BODY = "body"
    """The request's payload."""
    LIMIT = "limit"
    OFFSET = "offset"
    """Of the root, after Range header and db-max-rows."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A bound parameter, its value in text format."""

    value: bytes | None
    source: Source = Source.CONSTANT
    position: Position | None = None
    encode: Callable[[str], bytes] | None = None
    """From the raw (decoded) text of the operand to the value; for OPERAND only."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL whose parameters are written as NUL characters, to be numbered when all is put together."""

    sql: str
    parameters: tuple[Parameter, ...] = ()

    def __add__(self, other: "Fragment | str") -> "Fragment":
        if isinstance(other, str):
            return Fragment(self.sql + other, self.parameters)
        return Fragment(self.sql + other.sql, self.parameters + other.parameters)

    def __radd__(self, other: str) -> "Fragment":
        return Fragment(other + self.sql, self.parameters)

    @property
    def is_empty(self) -> bool:
        return not self.sql


EMPTY = Fragment("")


def raw(sql: str) -> Fragment:
    """SQL of ours, or identifiers already quoted."""
    return Fragment(sql)


def bind(parameter: Parameter) -> Fragment:
    return Fragment("\0", (parameter,))


def constant(value: str | bytes | None) -> Fragment:
    return bind(Parameter(value.encode() if isinstance(value, str) else value))


def join(separator: str, fragments: Iterable[Fragment]) -> Fragment:
    pieces = list(fragments)
    return Fragment(
        separator.join(piece.sql for piece in pieces),
        tuple(parameter for piece in pieces for parameter in piece.parameters),
    )


@dataclass(frozen=True, slots=True)
class Template:
    """A statement of a plan: SQL ready to be prepared, and its parameters' sources."""

    sql: bytes
    parameters: Sequence[Parameter]


def number(fragment: Fragment) -> Template:
    """Give the parameters their numbers."""
    pieces = fragment.sql.split("\0")
    sql = pieces[0] + "".join(f"${n}{piece}" for n, piece in enumerate(pieces[1:], 1))
    return Template(sql.encode(), fragment.parameters)
