"""A statement in the making: its text, and where the value of each parameter comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tailrace.engine.request.filter import Position
from tailrace.engine.statement import Statement


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


class UnfitValue(Exception):
    """A value that the template has no place for: the request is to be parsed and planned from scratch."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A bound parameter, its value in text format, its type left to the server."""

    value: bytes | None
    source: Source = Source.CONSTANT
    position: Position | None = None
    """For OPERAND only. None if the value stands elsewhere than in the query string."""
    encode: Callable[[str], bytes] | None = None
    """From the raw (decoded) text of the operand to the value; for OPERAND only. Raises UnfitValue."""
    encode_body: Callable[[bytes], bytes] | None = None
    """From the payload to the value, where it is not sent as it is; for BODY only."""


@dataclass(slots=True)
class RequestValues:
    """What a request brings to a template that was rendered for an earlier one of the same shape."""

    operand: Callable[[Position], str]
    """The raw (decoded) text at a position of the query string."""
    body: bytes | None = None
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """A statement of a plan: SQL ready to be prepared, and its parameters' sources."""

    sql: bytes
    parameters: tuple[Parameter, ...] = ()
    binary: bool = False
    """As of `Statement.binary`."""

    def statement(self) -> Statement:
        """The statement of the request that the template was rendered for."""
        return Statement(self.sql, [parameter.value for parameter in self.parameters], self.binary, once=True)

    def fill(self, values: RequestValues) -> Statement:
        """The statement of another request of the same shape.

        Errors: UnfitValue when the shape is not the same after all.
        """
        return Statement(self.sql, [fill_parameter(parameter, values) for parameter in self.parameters], self.binary)

    @property
    def is_reusable(self) -> bool:
        """Whether all values can be found in another request of the same shape."""
        return not any(p.source is Source.OPERAND and p.position is None for p in self.parameters)


def fill_parameter(parameter: Parameter, values: RequestValues) -> bytes | None:
    source = parameter.source
    if source is Source.CONSTANT:
        return parameter.value
    if source is Source.OPERAND:
        if parameter.position is None or parameter.encode is None:
            raise UnfitValue
        return parameter.encode(values.operand(parameter.position))
    if source is Source.BODY:
        encode, body = parameter.encode_body, values.body
        return body if encode is None or body is None else encode(body)
    if source is Source.OFFSET:
        return b"%d" % values.offset
    if values.limit is None:
        raise UnfitValue
    return b"%d" % values.limit


class SqlWriter:
    """Writes one statement from its first word to its last, numbering parameters as they come."""

    __slots__ = ("_parameters", "_pieces", "write")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._parameters: list[Parameter] = []
        self.write = self._pieces.append
        """Adds SQL of ours, or identifiers already quoted."""

    def bind(self, parameter: Parameter) -> None:
        self._parameters.append(parameter)
        self._pieces.append(f"${len(self._parameters)}")

    def constant(self, value: str) -> None:
        self.bind(Parameter(encode_text(value)))

    def template(self, *, binary: bool = False) -> Template:
        return Template(encode_utf8("".join(self._pieces)), tuple(self._parameters), binary)


def encode_utf8(text: str) -> bytes:
    """UTF-8, where half of a surrogate pair is left for Postgres to refuse."""
    return text.encode(errors="surrogatepass")


def encode_text(text: str) -> bytes:
    """A value in text format, which ends at its first NUL: libpq sends no more, and PostgREST neither."""
    return encode_utf8(text.partition("\0")[0])


def quote_literal(text: str) -> str:
    """Quote a string of the catalog for SQL, whatever standard_conforming_strings is; as for an identifier,
    what follows a NUL is dropped."""
    quoted = "'" + text.partition("\0")[0].replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted
