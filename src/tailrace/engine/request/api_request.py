"""What a client asks for, in the field's own terms; not yet checked against the schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.media_type import MediaType
from tailrace.engine.request.filter import Filter, LogicTree, Operand
from tailrace.engine.request.order import OrderTerm
from tailrace.engine.request.payload import Payload
from tailrace.engine.request.preferences import Preferences
from tailrace.engine.request.range import RowRange
from tailrace.engine.request.select import EmbedPath, SelectItem


class Mutation(Enum):
    INSERT = "POST"
    UPDATE = "PATCH"
    UPSERT_SINGLE = "PUT"
    DELETE = "DELETE"


class Invocation(Enum):
    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"


@dataclass(frozen=True, slots=True)
class ReadRelation:
    target: QualifiedName
    headers_only: bool


@dataclass(frozen=True, slots=True)
class MutateRelation:
    target: QualifiedName
    mutation: Mutation


@dataclass(frozen=True, slots=True)
class CallRoutine:
    target: QualifiedName
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class InspectSchema:
    """The root document (OpenAPI)."""

    schema: str
    headers_only: bool


@dataclass(frozen=True, slots=True)
class DescribeRelation:
    """OPTIONS of a relation."""

    target: QualifiedName


@dataclass(frozen=True, slots=True)
class DescribeRoutine:
    """OPTIONS of a function."""

    target: QualifiedName


@dataclass(frozen=True, slots=True)
class DescribeSchema:
    """OPTIONS of the root."""


Action = (
    ReadRelation | MutateRelation | CallRoutine | InspectSchema | DescribeRelation | DescribeRoutine | DescribeSchema
)


@dataclass(frozen=True, slots=True)
class QueryString:
    """The parsed query string. Pairs with an embed path belong to that level; the root's is empty."""

    canonical: str = ""
    """All parameters, sorted by name and encoded again; for Content-Location."""
    parameters: tuple[tuple[str, Operand], ...] = ()
    """Arguments of a function called by GET: what is not a filter."""
    ranges: Mapping[str, RowRange] | None = None
    """By the parameter's name as for `limit`: `limit`, `actors.limit`."""
    order: tuple[tuple[EmbedPath, tuple[OrderTerm, ...]], ...] = ()
    logic: tuple[tuple[EmbedPath, LogicTree], ...] = ()
    filters: tuple[tuple[EmbedPath, Filter], ...] = ()
    filter_fields: frozenset[str] = frozenset()
    """Names of all parameters that filter, as written."""
    select: tuple[SelectItem, ...] = ()
    columns: frozenset[str] | None = None
    on_conflict: tuple[str, ...] | None = None


@dataclass(slots=True)
class ApiRequest:
    action: Action
    method: str
    path: str
    """Percent-encoded, as sent."""
    schema: str
    negotiated_by_profile: bool
    """Whether Content-Profile is to be sent back."""
    query: QueryString
    ranges: tuple[tuple[EmbedPath, RowRange], ...]
    """Range of each level that has one, the root's (after the Range header) included."""
    top_range: RowRange
    preferences: Preferences
    payload: Payload | None
    columns: frozenset[str]
    """Columns or parameters that the payload gives, or `columns=` names."""
    accept: tuple[MediaType, ...]
    """In the client's order of preference."""
    content_type: MediaType
    headers: Mapping[str, str]
    """For request.headers: lower-case names, without Cookie."""
    cookies: Mapping[str, str]
